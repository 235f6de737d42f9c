package miniqualys

import (
	"context"
	"fmt"
	"html"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// An Op is a call that the server understands.
type Op string

// The operations. The four of SAQ users carry Qualys' own verbs.
const (
	Auth     Op = "auth"
	Download Op = "download"
	Search   Op = "search"
	Count    Op = "count"
	Update   Op = "update"
	Delete   Op = "delete"
	Version  Op = "version"
)

// Ops lists every operation.
func Ops() []Op { return []Op{Auth, Download, Search, Count, Update, Delete, Version} }

const (
	authPath     = "/auth"
	downloadPath = "/adminui/user-management/v1/users/download"
	saqPrefix    = "/qps/rest/1.0/"
	saqSuffix    = "/saq/user"
	versionPath  = "/qps/rest/portal/version"
	controlPath  = "/control/"

	maxBody  = 32 << 20
	keepLast = 10_000 // requests in the journal
)

// opOf says which operation a method and a path mean.
func opOf(method, path string) (Op, bool) {
	if strings.HasPrefix(path, "/qps/") {
		path = strings.TrimSuffix(path, "/")
	}
	switch {
	case method == http.MethodPost && path == authPath:
		return Auth, true
	case method == http.MethodPost && path == downloadPath:
		return Download, true
	case method == http.MethodGet && path == versionPath:
		return Version, true
	}
	for _, op := range []Op{Search, Count, Update, Delete} {
		fits := method == http.MethodPost || method == http.MethodGet && op == Count
		if fits && path == saqPrefix+string(op)+saqSuffix {
			return op, true
		}
	}
	return "", false
}

// A Request is a call as it came, without secrets: the journal holds passwords
// and tokens as three stars.
type Request struct {
	Op     Op // empty for a call that nobody knows
	At     time.Time
	Method string
	Path   string
	Query  string // raw
	Header http.Header
	Body   string
}

// journal is what came over the wire. The server's mutex guards it.
type journal struct {
	calls    map[Op]int
	requests []Request
}

func newJournal() journal { return journal{calls: map[Op]int{}} }

func (j *journal) note(r Request) {
	j.calls[r.Op]++
	if len(j.requests) == keepLast {
		j.requests = slices.Delete(j.requests, 0, keepLast/10)
	}
	j.requests = append(j.requests, r)
}

// Calls says how often the operation was called, refused and broken calls
// included.
func (s *Server) Calls(op Op) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.journal.calls[op]
}

// Requests returns the calls in the order in which they came: the last
// thousands of them, if there were more.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.journal.requests)
}

// ForgetRequests empties the journal and the counts of calls.
func (s *Server) ForgetRequests() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.journal = newJournal()
}

// scrub takes the secrets out of a request.
func scrub(op Op, r *http.Request, body []byte, at time.Time) Request {
	header := maps.Clone(r.Header)
	if scheme, _, ok := strings.Cut(header.Get("Authorization"), " "); ok {
		header["Authorization"] = []string{scheme + " ***"}
	}
	if header.Get("Cookie") != "" {
		header["Cookie"] = []string{"***"}
	}
	text := string(body)
	if op == Auth {
		text = scrubForm(text)
	}
	return Request{Op: op, At: at, Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, Header: header, Body: text}
}

// scrubForm hides the password of a form, and leaves the rest byte for byte.
func scrubForm(form string) string {
	fields := strings.Split(form, "&")
	for i, f := range fields {
		if name, _, ok := strings.Cut(f, "="); ok && name == "password" {
			fields[i] = name + "=***"
		}
	}
	return strings.Join(fields, "&")
}

// A reply is what the server says.
type reply struct {
	status int
	kind   string // the content type
	header http.Header
	body   []byte
	stream func(io.Writer) error // instead of body: a long list
}

func (r reply) send(w http.ResponseWriter) {
	maps.Copy(w.Header(), r.header)
	if r.kind != "" {
		w.Header().Set("Content-Type", r.kind)
	}
	if r.stream == nil {
		w.Header().Set("Content-Length", strconv.Itoa(len(r.body)))
	}
	w.WriteHeader(r.status)
	if r.stream != nil {
		_ = r.stream(w) // fails only when the client has gone
		return
	}
	_, _ = w.Write(r.body)
}

// ServeHTTP answers one call. Knobs are looked at in the order that the
// package comment gives.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, controlPath) && s.controlled() {
		s.serveControl(w, r)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		tooLarge().send(w)
		return
	}
	op, known := opOf(r.Method, r.URL.Path)
	s.mu.Lock()
	s.journal.note(scrub(op, r, body, s.now()))
	s.mu.Unlock()
	if !known {
		unknownCall(r).send(w)
		return
	}
	c := call{server: s, op: op}
	if running, ok := r.Context().Value(runKey{}).(*run); ok {
		c.done = running.done
	}
	answer, alive := c.pass(r.Context(), r, body)
	if !alive {
		hangUp(w)
		return
	}
	answer.send(w)
}

// A call is one request on its way through the knobs.
type call struct {
	server *Server
	op     Op
	done   chan struct{} // closed when the server closes; nil if another one serves
}

// pass returns the answer, or false when the connection is to be broken.
func (c call) pass(ctx context.Context, r *http.Request, body []byte) (reply, bool) {
	s := c.server
	away, header, leave := s.admit(c.op)
	if away != nil {
		return *away, true
	}
	defer leave()
	if !c.wait(ctx, s.takeHold(c.op, before)) || !c.sleep(s.slowness(c.op)) {
		return reply{}, false
	}
	if canned, ok := s.takeCanned(c.op); ok {
		return canned, true
	}
	if s.takeLoss(c.op, before) {
		return reply{}, false
	}
	answer := s.work(c.op, r, body)
	if !c.wait(ctx, s.takeHold(c.op, after)) || s.takeLoss(c.op, after) {
		return reply{}, false
	}
	return answer.with(header), true
}

// work does what the call asks for.
func (s *Server) work(op Op, r *http.Request, body []byte) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch op {
	case Auth:
		return s.authenticate(r, body)
	case Download:
		return s.download(r, body)
	case Version:
		return s.version(r)
	}
	return s.questionnaire(op, r, body)
}

// wait holds the call back until the hold opens. It returns false when nobody
// is left to wait for.
func (c call) wait(ctx context.Context, h *hold) bool {
	if h == nil {
		return true
	}
	var gone <-chan struct{}
	if h.endsWithClient {
		gone = ctx.Done()
	}
	select {
	case <-h.open:
		return true
	case <-gone:
		return false
	case <-c.done:
		return false
	}
}

// sleep waits, although the client may leave: a server seldom notices.
func (c call) sleep(d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-c.done:
		return false
	}
}

// hangUp breaks the connection without a word.
func hangUp(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, "the connection should break here, but cannot: "+err.Error(), http.StatusBadGateway)
		return
	}
	_ = conn.Close()
}

// unknownCall answers as a gateway does, in HTML, and names the call so that
// the mistake is found in the log of the test.
func unknownCall(r *http.Request) reply {
	return page(http.StatusNotFound, fmt.Sprintf("There is no call %s %s here.", r.Method, r.URL.Path))
}

func tooLarge() reply {
	return page(http.StatusRequestEntityTooLarge, "The request body is too large.")
}

func page(status int, text string) reply {
	title := fmt.Sprintf("%d %s", status, http.StatusText(status))
	body := fmt.Sprintf("<html>\n<head><title>%s</title></head>\n<body>\n<h1>%s</h1>\n<p>%s</p>\n</body>\n</html>\n",
		title, title, html.EscapeString(text))
	return reply{status: status, kind: "text/html; charset=utf-8", body: []byte(body)}
}
