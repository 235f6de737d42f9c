package minislack

import (
	"net/http"
	"net/url"
	"time"
)

// faults is what goes wrong with calls on purpose.
type faults struct {
	outage bool
	calls  map[string]int
	queued map[string][]*fault // by method; "*" is every method
}

// A fault changes the fate of the next calls of a method.
type fault struct {
	left   int           // how many calls
	code   string        // ok:false with this error
	status int           // or this HTTP status
	after  time.Duration // with 429: Retry-After
	lost   bool          // or the work is done and the connection breaks
	delay  time.Duration // or the answer is late
}

// refuses reports whether the call is answered without doing its work.
func (f *fault) refuses() bool { return f != nil && (f.status != 0 || f.code != "") }

// turnDown fails a request that is no method: an error code becomes HTTP 400.
func (s *Server) turnDown(w http.ResponseWriter, f *fault) {
	if f.code != "" {
		http.Error(w, f.code, http.StatusBadRequest)
		return
	}
	s.fail(w, f)
}

func newFaults() faults {
	return faults{calls: map[string]int{}, queued: map[string][]*fault{}}
}

// next takes the fault of a call, or nil.
func (f *faults) next(method string) *fault {
	for _, key := range []string{method, "*"} {
		queue := f.queued[key]
		if len(queue) == 0 {
			continue
		}
		first := queue[0]
		if first.left--; first.left <= 0 {
			f.queued[key] = queue[1:]
		}
		return first
	}
	return nil
}

func (s *Server) queue(method string, f fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.left > 0 {
		s.faults.queued[method] = append(s.faults.queued[method], &f)
	}
}

// FailNext makes the next n calls of a method answer ok:false with an error, and do nothing.
func (s *Server) FailNext(method, code string, n int) { s.queue(method, fault{code: code, left: n}) }

// HTTPFail makes the next n calls of a method answer with an HTTP status, and do nothing.
func (s *Server) HTTPFail(method string, status, n int) {
	s.queue(method, fault{status: status, left: n})
}

// RateLimit turns the next n calls of a method away with 429 and Retry-After.
func (s *Server) RateLimit(method string, retryAfter time.Duration, n int) {
	s.queue(method, fault{status: 429, after: retryAfter, left: n})
}

// LoseAnswer does the work of the next n calls and breaks the connection instead of
// answering. The method "upload" is the upload of bytes.
func (s *Server) LoseAnswer(method string, n int) { s.queue(method, fault{lost: true, left: n}) }

// Delay does the work of the next n calls and answers d later.
func (s *Server) Delay(method string, d time.Duration, n int) {
	s.queue(method, fault{delay: d, left: n})
}

// Outage makes all of Slack unreachable: open sockets break and every request's
// connection is cut, until it is called with false.
func (s *Server) Outage(on bool) {
	s.mu.Lock()
	s.faults.outage = on
	s.mu.Unlock()
	if on {
		s.DropSockets()
	}
}

// Calls is how often a method was called, refused calls included. The methods "upload",
// "download" and "link" are the upload of bytes, the reading of a file and the opening of a socket.
func (s *Server) Calls(method string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.faults.calls[method]
}

// counted notes a call, shows it to OnCall and takes its fault.
func (s *Server) counted(method string, form url.Values) *fault {
	if s.OnCall != nil {
		s.OnCall(method, form)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults.calls[method]++
	return s.faults.next(method)
}

// afterwards is what a fault does once the work is done: it breaks the connection, or makes the answer late.
func (s *Server) afterwards(f *fault) {
	if f != nil && (f.lost || f.delay > 0 && !s.sleep(f.delay)) {
		panic(http.ErrAbortHandler)
	}
}

// SetScopes replaces the scopes of the bot token.
func (s *Server) SetScopes(scopes ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.app.scopes = scopes
}

// SetCommands says which slash commands exist, such as "/qualys-users". Without it all do.
func (s *Server) SetCommands(commands ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.app.commands = commands
}

// RevokeTokens makes both tokens answer token_revoked from now on, or no longer.
func (s *Server) RevokeTokens(revoked bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.app.revoked = revoked
}

// EncodeSlash says whether the text of slash commands arrives with & < > encoded. It does by default.
func (s *Server) EncodeSlash(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.app.encode = on
}

// SetPlanWithoutGroups puts the workspace on a plan in which user groups answer plan_upgrade_required.
func (s *Server) SetPlanWithoutGroups(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.app.noGroups = on
}

// HideLatestReply leaves latest_reply out of messages with a thread: nothing
// promises that history tells it.
func (s *Server) HideLatestReply(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.app.noLatest = on
}
