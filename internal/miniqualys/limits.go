package miniqualys

import (
	"maps"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// A Limit is how often one operation may be called. Every answer shows it in
// headers.
type Limit struct {
	Calls  int           // in a window; 0 means as often as one likes
	Window time.Duration // it slides
	AtOnce int           // calls under way together; 0 means any number
	Spelt  Spelling      // how the headers are written
}

// A Spelling says how the headers of a limit are written.
type Spelling string

// The spellings that Qualys' pages and clients show.
const (
	Dashes   Spelling = ""     // X-RateLimit-Window-Sec, X-Concurrency-Limit-Limit
	Together Spelling = "less" // X-RateLimit-Window, X-ConcurrencyLimit-Limit
	Silent   Spelling = "none" // no headers at all, as on /qps
)

// A turnstile counts the calls of one operation. The server's mutex guards it.
type turnstile struct {
	Limit
	passed []time.Time // in the window
	inside int
}

// SetLimit makes the server count the calls of an operation and turn away what
// is too much: with 409 on /qps, with 429 elsewhere. A call that is turned away
// does not count. The zero Limit ends it.
func (s *Server) SetLimit(op Op, l Limit) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limits[op] = &turnstile{Limit: l}
}

// admit lets a call in, or returns the answer that turns it away. Headers and
// leave are for a call that was let in.
func (s *Server) admit(op Op) (away *reply, header http.Header, leave func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.limits[op]
	if g == nil || g.Calls == 0 && g.AtOnce == 0 {
		return nil, nil, func() {}
	}
	now := s.now()
	for len(g.passed) > 0 && !now.Before(g.passed[0].Add(g.Window)) {
		g.passed = g.passed[1:]
	}
	full := g.Calls > 0 && len(g.passed) >= g.Calls
	if full || g.AtOnce > 0 && g.inside >= g.AtOnce {
		r := turnedAway(op, 0)
		r.header = g.header(now)
		return &r, nil, nil
	}
	g.passed = append(g.passed, now)
	g.inside++
	return nil, g.header(now), func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		g.inside--
	}
}

func (g *turnstile) header(now time.Time) http.Header {
	all := map[string]string{}
	if g.Calls > 0 {
		left, wait := g.Calls-len(g.passed), time.Duration(0)
		if left <= 0 {
			wait = g.passed[0].Add(g.Window).Sub(now)
		}
		all["X-RateLimit-Limit"] = strconv.Itoa(g.Calls)
		all["X-RateLimit-Window-Sec"] = strconv.Itoa(int(g.Window.Seconds()))
		all["X-RateLimit-Remaining"] = strconv.Itoa(max(left, 0))
		all["X-RateLimit-ToWait-Sec"] = strconv.Itoa(int(math.Ceil(wait.Seconds())))
	}
	if g.AtOnce > 0 {
		all["X-Concurrency-Limit-Limit"] = strconv.Itoa(g.AtOnce)
		all["X-Concurrency-Limit-Running"] = strconv.Itoa(g.inside)
	}
	h := http.Header{}
	for name, value := range all {
		switch g.Spelt {
		case Silent:
			continue
		case Together:
			name = strings.ReplaceAll(strings.TrimSuffix(name, "-Sec"), "Concurrency-Limit", "ConcurrencyLimit")
		}
		h.Set(name, value)
	}
	return h
}

// turnedAway is how Qualys says that a call is too much; status 0 means the one
// that belongs to the operation.
func turnedAway(op Op, status int) reply {
	if op == Auth || op == Download {
		if status == 0 {
			status = http.StatusTooManyRequests
		}
		return problem(status, "Rate limit exceeded")
	}
	r := refusal{code: "LIMIT_EXCEEDED", message: "API limit exceeded.", resolution: "Try again later."}.reply(saqSchema)
	r.status = status
	if status == 0 {
		r.status = http.StatusConflict
	}
	return r
}

// with adds headers to an answer, in a map of its own.
func (r reply) with(header http.Header) reply {
	if len(header) == 0 {
		return r
	}
	all := maps.Clone(header)
	maps.Copy(all, r.header)
	r.header = all
	return r
}
