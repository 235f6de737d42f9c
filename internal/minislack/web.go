package minislack

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"strings"
)

// A Page is what the client in the browser shows besides the workspace itself.
// The zero Page is a plain workspace.
type Page struct {
	Title    string            // of the page, or empty
	Roles    map[string]string // what somebody is here, by name: "Asks", "Approves"
	Commands []Command         // what the composer completes
	IDs      string            // a regular expression whose group finds things worth completing in messages
	Levers   []Lever
	Tour     []Step
	Links    []Link // other pages on the same host
}

// A Command is a slash command and its grammar, as far as completion needs it.
type Command struct {
	Name  string `json:"name"` // "/qualys-users"
	About string `json:"about"`
	Verbs []Word `json:"verbs"`
}

// A Word is something to type: a verb, or what may stand behind one.
type Word struct {
	Text  string   `json:"text"`            // "delete", "company=", "set"
	Usage string   `json:"usage,omitempty"` // what follows, for people
	About string   `json:"about,omitempty"`
	Args  []Word   `json:"args,omitempty"`   // what may stand behind it, each once
	After []Word   `json:"after,omitempty"`  // what may stand behind it once it is there: new values behind set
	Value []string `json:"values,omitempty"` // what may stand behind =, if it is known
	IDs   bool     `json:"ids,omitempty"`    // an id of [Page.IDs] follows
}

// A Link is another page.
type Link struct {
	Label string `json:"label"`
	Href  string `json:"href"`
	About string `json:"about"`
}

//go:embed web
var assets embed.FS

// Web is the workspace as a page: a client for the browser, at /, and what it
// calls, under /web/. It is a person's keyboard and screen and asks for no
// password, so it belongs on the loopback: other sites cannot call it, and it
// answers only when it is addressed by number or as localhost.
func (s *Server) Web(p Page) http.Handler {
	w := &web{s: s, page: p}
	files, err := fs.Sub(assets, "web")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	mux := http.NewServeMux()
	mux.Handle("GET /web/static/", http.StripPrefix("/web/static/", http.FileServerFS(files)))
	mux.HandleFunc("GET /{$}", func(out http.ResponseWriter, r *http.Request) {
		http.ServeFileFS(out, r, files, "index.html")
	})
	mux.HandleFunc("GET /web/state", w.state)
	mux.HandleFunc("GET /web/feed", w.feed)
	mux.HandleFunc("GET /web/file/{id}", w.file)
	mux.HandleFunc("POST /web/upload", w.upload)
	mux.HandleFunc("POST /web/lever/{name}", w.lever)
	for name, act := range map[string]action{
		"slash": w.slash, "say": w.say, "click": w.click, "press": w.press, "submit": w.submit,
		"close": w.close, "opened": w.opened, "tour": w.restart,
	} {
		mux.HandleFunc("POST /web/"+name, w.act(act))
	}
	return Guard(mux)
}

// Guard keeps other sites away from a page on the loopback: it refuses requests
// from foreign origins and for foreign host names, and answers with headers that
// allow the page its own scripts, styles and pictures and nothing else.
func Guard(h http.Handler) http.Handler {
	h = http.NewCrossOriginProtection().Handler(h)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !local(r.Host) {
			http.Error(w, "this page answers at 127.0.0.1 or localhost, not as "+r.Host, http.StatusMisdirectedRequest)
			return
		}
		head := w.Header()
		head.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "+
			"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		head.Set("X-Content-Type-Options", "nosniff")
		head.Set("Referrer-Policy", "no-referrer")
		head.Set("Cross-Origin-Resource-Policy", "same-origin")
		head.Set("Cache-Control", "no-cache")
		h.ServeHTTP(w, r)
	})
}

// local reports whether a host is a number or localhost: a name of somebody
// else's that leads here is not.
func local(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return host == "localhost" || net.ParseIP(strings.Trim(host, "[]")) != nil
}

// web serves one page.
type web struct {
	s    *Server
	page Page
	tour tourAt
}

// A call is what the page sends. Which fields count depends on what is called.
type call struct {
	As      string            `json:"as"` // who sits at the keyboard
	Channel string            `json:"channel"`
	TS      string            `json:"ts"`
	Thread  string            `json:"thread"`
	Command string            `json:"command"`
	Text    string            `json:"text"`
	Block   string            `json:"block"`  // block_id
	Action  string            `json:"action"` // action_id
	Option  string            `json:"option"` // the value of a menu's option
	Values  map[string]string `json:"values"` // of a form, by block_id
}

// An answer is what the page gets back.
type answer struct {
	Error  string            `json:"error,omitempty"`  // a sentence
	Kind   string            `json:"kind,omitempty"`   // which of Slack's own failures it is
	Errors map[string]string `json:"errors,omitempty"` // of a form, by block_id
	ID     string            `json:"id,omitempty"`     // of an uploaded file
}

// An action is something a person does.
type action func(ctx context.Context, c *Client, what call) error

// maxCall is how much JSON the page sends at most.
const maxCall = 1 << 20

// act reads a call, sits the person down and answers how it went. What Slack
// would tell the person is no failure of the call.
func (w *web) act(do action) http.HandlerFunc {
	return func(out http.ResponseWriter, r *http.Request) {
		var what call
		if err := json.NewDecoder(http.MaxBytesReader(out, r.Body, maxCall)).Decode(&what); err != nil {
			http.Error(out, "send JSON: "+err.Error(), http.StatusBadRequest)
			return
		}
		who, ok := w.person(what.As)
		if !ok {
			http.Error(out, "there is nobody called "+what.As, http.StatusNotFound)
			return
		}
		if what.Channel != "" && !w.room(what.Channel) {
			http.Error(out, "there is no channel "+what.Channel, http.StatusNotFound)
			return
		}
		send(out, outcome(do(r.Context(), who, what)))
	}
}

// outcome puts what went wrong into words and kinds.
func outcome(err error) answer {
	if err == nil {
		return answer{}
	}
	a := answer{Error: err.Error()}
	if wrong, ok := errors.AsType[*FormError](err); ok {
		return answer{Error: a.Error, Kind: "form", Errors: wrong.Blocks}
	}
	for kind, cause := range map[string]error{
		"operation_timeout": ErrOperationTimeout, "dispatch_failed": ErrDispatchFailed,
		"warned": ErrWarned, "trouble": ErrTrouble, "not_there": ErrNotThere,
	} {
		if errors.Is(err, cause) {
			a.Kind = kind
		}
	}
	return a
}

func send(out http.ResponseWriter, v any) {
	out.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(out).Encode(v) // the page went away, or there it is
}

// person sits somebody down who exists and is no app.
func (w *web) person(who string) (*Client, bool) {
	w.s.mu.Lock()
	defer w.s.mu.Unlock()
	p := w.s.w.person(who)
	if p == nil || p.Bot {
		return nil, false
	}
	return &Client{s: w.s, p: p}, true
}

func (w *web) room(id string) bool {
	w.s.mu.Lock()
	defer w.s.mu.Unlock()
	return w.s.w.room(id) != nil
}
