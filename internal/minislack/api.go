package minislack

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// object is a JSON object of a shape that is somebody else's.
type object = map[string]any

// A refusal is an answer with ok:false.
type refusal struct {
	code     string
	needed   string   // a missing scope
	messages []string // what a validator says
	note     string   // for whoever reads the answer, in minislack's own words
}

func (r *refusal) Error() string { return r.code }

func refuse(code string) error { return &refusal{code: code} }

// tooFast means a limit was passed.
type tooFast struct {
	wait time.Duration
	code string
}

func (t *tooFast) Error() string { return t.code }

// An endpoint is one method of the Web API. do runs with s.mu held.
type endpoint struct {
	scope string // needed always, or empty
	do    func(s *Server, f url.Values) (object, error)
}

// endpoints is the Web API: the name of each method, what it needs and what does it.
var endpoints = map[string]endpoint{
	"apps.connections.open":        {"", (*Server).appsConnectionsOpen},
	"auth.test":                    {"", (*Server).authTest},
	"chat.postMessage":             {"chat:write", (*Server).chatPostMessage},
	"chat.update":                  {"chat:write", (*Server).chatUpdate},
	"chat.postEphemeral":           {"chat:write", (*Server).chatPostEphemeral},
	"chat.delete":                  {"chat:write", (*Server).chatDelete},
	"chat.getPermalink":            {"", (*Server).chatGetPermalink},
	"files.getUploadURLExternal":   {"files:write", (*Server).filesGetUploadURL},
	"files.completeUploadExternal": {"files:write", (*Server).filesComplete},
	"files.info":                   {"files:read", (*Server).filesInfo},
	"users.info":                   {"users:read", (*Server).usersInfo},
	"users.list":                   {"users:read", (*Server).usersList},
	"usergroups.list":              {"usergroups:read", (*Server).usergroupsList},
	"usergroups.users.list":        {"usergroups:read", (*Server).usergroupsUsersList},
	"conversations.info":           {"", (*Server).conversationsInfo},
	"conversations.history":        {"", (*Server).conversationsHistory},
	"conversations.replies":        {"", (*Server).conversationsReplies},
	"conversations.open":           {"im:write", (*Server).conversationsOpen},
	"conversations.list":           {"", (*Server).conversationsList},
	"views.open":                   {"", (*Server).viewsOpen},
	"views.update":                 {"", (*Server).viewsUpdate},
	"views.push":                   {"", (*Server).viewsPush},
}

// serveAPI answers one call of the Web API.
func (s *Server) serveAPI(w http.ResponseWriter, r *http.Request, method string) {
	form, err := parameters(r)
	token, inHeader := tokenOf(r, form)
	form.Del("token")
	fault := s.counted(method, form)
	if fault.refuses() {
		s.fail(w, fault)
		return
	}
	var answer object
	if err == nil {
		answer, err = s.call(method, form, token, inHeader, r.Method)
	}
	s.afterwards(fault)
	s.mu.Lock()
	scopes := strings.Join(s.app.scopes, ",")
	s.mu.Unlock()
	w.Header().Set("X-OAuth-Scopes", scopes)
	respond(w, answer, err, scopes)
}

// fail answers as a knob wants.
func (s *Server) fail(w http.ResponseWriter, f *fault) {
	switch {
	case f.status == http.StatusTooManyRequests:
		respond(w, nil, &tooFast{f.after, "ratelimited"}, "")
	case f.status != 0:
		http.Error(w, "minislack was told to fail", f.status)
	default:
		respond(w, nil, refuse(f.code), "")
	}
}

// respond writes an answer or a refusal as Slack does: refusals are HTTP 200 too.
func respond(w http.ResponseWriter, answer object, err error, scopes string) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	var fast *tooFast
	var no *refusal
	switch {
	case errors.As(err, &fast):
		w.Header().Set("Retry-After", strconv.Itoa(max(1, int(math.Ceil(fast.wait.Seconds())))))
		w.WriteHeader(http.StatusTooManyRequests)
		answer = object{"ok": false, "error": fast.code}
	case errors.As(err, &no):
		answer = object{"ok": false, "error": no.code}
		if no.needed != "" {
			answer["needed"], answer["provided"] = no.needed, scopes
		}
		if len(no.messages) > 0 {
			answer["response_metadata"] = object{"messages": no.messages}
		}
		if no.note != "" {
			answer["minislack"] = no.note
		}
	case err != nil:
		answer = object{"ok": false, "error": "internal_error", "minislack": err.Error()}
	default:
		if answer == nil {
			answer = object{}
		}
		answer["ok"] = true
	}
	_ = json.NewEncoder(w).Encode(answer)
}

// call checks who calls, what for and how often, and does the work.
func (s *Server) call(method string, form url.Values, token string, inHeader bool, verb string) (object, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, known := endpoints[method]
	if !known {
		return nil, &refusal{code: "unknown_method", note: "minislack does not simulate " + method}
	}
	if err := s.authorised(method, token, inHeader, verb); err != nil {
		return nil, err
	}
	if e.scope != "" {
		if err := s.needs(e.scope); err != nil {
			return nil, err
		}
	}
	if wait := s.limits.tier(method, time.Now()); wait > 0 {
		return nil, &tooFast{wait, "ratelimited"}
	}
	return e.do(s, form)
}

// authorised judges the token of a call.
func (s *Server) authorised(method, token string, inHeader bool, verb string) error {
	opening := method == "apps.connections.open"
	if opening && verb != http.MethodPost {
		return refuse("insecure_request")
	}
	if opening && !inHeader {
		return refuse("missing_args")
	}
	switch {
	case token == "":
		return refuse("not_authed")
	case token != BotToken && token != AppToken:
		return refuse("invalid_auth")
	case s.app.revoked:
		return refuse("token_revoked")
	case opening != (token == AppToken):
		return refuse("not_allowed_token_type")
	}
	return nil
}

// needs refuses when a scope was not granted.
func (s *Server) needs(scope string) error {
	if slices.Contains(s.app.scopes, scope) {
		return nil
	}
	return &refusal{code: "missing_scope", needed: scope}
}

// parameters reads a call's arguments from the query, a form or a JSON body.
func parameters(r *http.Request) (url.Values, error) {
	form := r.URL.Query()
	if r.Body == nil {
		return form, nil
	}
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, 4<<20))
	if err != nil {
		return form, refuse("request_timeout")
	}
	if len(body) == 0 {
		return form, nil
	}
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		posted, err := url.ParseQuery(string(body))
		if err != nil {
			return form, refuse("invalid_form_data")
		}
		for key, values := range posted {
			form[key] = values
		}
		return form, nil
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(body, &fields); err != nil {
		return form, refuse("invalid_json")
	}
	for key, raw := range fields {
		var text string
		if json.Unmarshal(raw, &text) != nil {
			text = string(raw)
		}
		if text != "null" {
			form.Set(key, text)
		}
	}
	return form, nil
}

// tokenOf finds the token in the Authorization header or among the parameters.
func tokenOf(r *http.Request, form url.Values) (token string, inHeader bool) {
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return token, true
	}
	return form.Get("token"), false
}

// isTrue reads a boolean parameter.
func isTrue(f url.Values, key string) bool {
	on, err := strconv.ParseBool(f.Get(key))
	return err == nil && on
}

// number reads a whole number parameter within bounds.
func number(f url.Values, key string, otherwise, most int) (int, error) {
	if f.Get(key) == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(f.Get(key))
	if err != nil || n < 0 {
		return 0, &refusal{code: "invalid_arguments", messages: []string{
			fmt.Sprintf("[ERROR] must be a whole number [json-pointer:/%s]", key)}}
	}
	if n == 0 {
		n = otherwise
	}
	return min(n, most), nil
}

func (s *Server) authTest(url.Values) (object, error) {
	bot := s.w.mustPerson(BotUser)
	return object{
		"url": "https://" + s.w.team.Domain + ".slack.com/", "team": s.w.team.Name, "user": bot.Name,
		"team_id": s.w.team.ID, "user_id": BotUser, "bot_id": BotID, "is_enterprise_install": false,
	}, nil
}
