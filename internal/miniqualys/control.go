package miniqualys

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Control opens the knobs under /control/ to other processes, or closes them
// again: a demo's levers, a test that kills the bot for real. It asks for no
// password, so it belongs on the loopback.
//
//	GET  /control/saq                  {"ids": [767231594, …]}; with full=true also "users"
//	GET  /control/state                a [State]
//	GET  /control/requests             the journal
//	POST /control/slow?op=delete&ms=500
//	POST /control/lose-answers?op=delete&n=1      also lose-calls, hang, hang-answers
//	POST /control/gate?op=delete                  also gate-answer
//	POST /control/arrived?op=delete&ms=5000       waits; 504 if nobody came
//	POST /control/release?op=delete
//	POST /control/fail?op=search&status=500&n=1   the body is the answer's
//	POST /control/rate-limit?op=search&status=429&n=1&Retry-After=5   other words are headers
//	POST /control/limit?op=download&calls=300&seconds=3600   a [Limit]; 0 calls end it
//	POST /control/heal                            or ?op=delete
//	POST /control/delete-only?k=117&n=120
//	POST /control/quirks                          the body is a [Quirks] as JSON
//	POST /control/revoke
//	POST /control/credentials?username=…&password=…
//	POST /control/remove?id=767231594             also recreate, hide, show, stubborn
//	POST /control/add?company=Acme&n=10
//
// A knob answers 204, a mistake 400 with a sentence.
func (s *Server) Control(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.control = on
}

func (s *Server) controlled() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.control
}

// A State is what a test in another process asks in the end.
type State struct {
	SAQUsers        int           `json:"saq_users"`
	PlatformUsers   int           `json:"platform_users"`
	Calls           map[Op]int    `json:"calls"`
	Wild            int           `json:"wild"`
	RefusedLogins   int           `json:"refused_logins"`
	Deletes         map[int64]int `json:"deletes"` // by id
	Updates         map[int64]int `json:"updates"`
	RepeatedDeletes []int64       `json:"repeated_deletes"`
	RepeatedUpdates []int64       `json:"repeated_updates"`
}

// State sums up what happened so far.
func (s *Server) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return State{
		SAQUsers: len(s.saq.users), PlatformUsers: s.platform.everybody().total(),
		Calls: copyOf(s.journal.calls), Wild: s.saq.wild, RefusedLogins: s.accounts.refused,
		Deletes: copyOf(s.saq.deletes), Updates: copyOf(s.saq.updates),
		RepeatedDeletes: repeated(s.saq.deletes), RepeatedUpdates: repeated(s.saq.updates),
	}
}

// copyOf copies a map; an empty one is an object in JSON, not null.
func copyOf[K comparable](m map[K]int) map[K]int {
	c := make(map[K]int, len(m))
	for k, v := range m {
		c[k] = v
	}
	return c
}

// serveControl answers a call under /control/.
func (s *Server) serveControl(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, controlPath)
	if r.Method == http.MethodGet {
		s.look(name, r.URL.Query()).send(w)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		tooLarge().send(w)
		return
	}
	err = s.turn(r.Context(), name, words{r.URL.Query(), body})
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		http.Error(w, err.Error(), http.StatusGatewayTimeout)
	case err != nil:
		http.Error(w, err.Error(), http.StatusBadRequest)
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}

func (s *Server) look(name string, query url.Values) reply {
	switch name {
	case "saq":
		users := s.SAQUsers()
		list := struct {
			IDs   []int64   `json:"ids"`
			Users []SAQUser `json:"users,omitempty"`
		}{IDs: make([]int64, len(users))}
		for i, u := range users {
			list.IDs[i] = u.ID
		}
		if query.Get("full") == "true" {
			list.Users = users
		}
		return asJSON(http.StatusOK, list)
	case "state":
		return asJSON(http.StatusOK, s.State())
	case "requests":
		return asJSON(http.StatusOK, s.Requests())
	}
	return page(http.StatusNotFound, "There is nothing to see at /control/"+name+".")
}

// words are what a control call says.
type words struct {
	url.Values
	body []byte
}

func (w words) op() (Op, error) {
	op := Op(w.Get("op"))
	if !slices.Contains(Ops(), op) {
		return "", fmt.Errorf("op is %q; it must be one of %v", op, Ops())
	}
	return op, nil
}

// number reads a whole number.
func (w words) number(name string) (int, error) {
	n, err := strconv.Atoi(w.Get(name))
	if err != nil {
		return 0, fmt.Errorf("%s is %q; it must be a number", name, w.Get(name))
	}
	return n, nil
}

// numbers reads two of them, and says of both what is wrong.
func (w words) numbers(a, b string) (int, int, error) {
	x, errA := w.number(a)
	y, errB := w.number(b)
	return x, y, errors.Join(errA, errB)
}

// turn turns one knob.
func (s *Server) turn(ctx context.Context, name string, w words) error {
	switch name {
	case "revoke":
		s.RevokeCredentials()
		return nil
	case "credentials":
		s.SetCredentials(w.Get("username"), w.Get("password"))
		return nil
	case "quirks":
		var q Quirks
		if err := json.Unmarshal(w.body, &q); err != nil {
			return fmt.Errorf("the body is no Quirks: %w", err)
		}
		s.SetQuirks(q)
		return nil
	case "delete-only":
		k, n, err := w.numbers("k", "n")
		if err == nil {
			s.DeleteOnly(k, n)
		}
		return err
	case "remove", "recreate", "hide", "show", "stubborn":
		return s.turnUser(name, w)
	case "add":
		n, err := w.number("n")
		if err == nil {
			s.AddSAQUsers(n, w.Get("company"))
		}
		return err
	case "heal":
		if !w.Has("op") {
			s.Heal()
			return nil
		}
	}
	return s.turnFault(ctx, name, w)
}

// turnUser does something to one user.
func (s *Server) turnUser(name string, w words) error {
	n, err := w.number("id")
	if err != nil {
		return err
	}
	id := int64(n)
	if _, ok := s.SAQUser(id); !ok {
		return fmt.Errorf("there is no SAQ user %d", id)
	}
	switch name {
	case "remove":
		s.RemoveSAQUser(id)
	case "recreate":
		s.Recreate(id)
	case "hide":
		s.Hide(id)
	case "show":
		s.Show(id)
	case "stubborn":
		s.Stubborn(id)
	}
	return nil
}

// turnFault turns a knob that belongs to an operation.
func (s *Server) turnFault(ctx context.Context, name string, w words) error {
	counted := map[string]func(Op, int){
		"lose-answers": s.LoseAnswers, "lose-calls": s.LoseCalls, "hang": s.Hang, "hang-answers": s.HangAnswers,
		"slow": func(op Op, ms int) { s.Slow(op, time.Duration(ms)*time.Millisecond) },
	}
	plain := map[string]func(Op){
		"gate": func(op Op) { s.Gate(op) }, "gate-answer": func(op Op) { s.GateAnswer(op) },
		"release": s.Release, "heal": func(op Op) { s.Heal(op) },
	}
	op, err := w.op()
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if knob, ok := plain[name]; ok {
		knob(op)
		return nil
	}
	if knob, ok := counted[name]; ok {
		word := "n"
		if name == "slow" {
			word = "ms"
		}
		n, err := w.number(word)
		if err == nil {
			knob(op, n)
		}
		return err
	}
	switch name {
	case "arrived":
		return s.awaitArrival(ctx, op, w)
	case "limit":
		calls, seconds, err := w.numbers("calls", "seconds")
		if err == nil {
			s.SetLimit(op, Limit{Calls: calls, Window: time.Duration(seconds) * time.Second})
		}
		return err
	case "fail", "rate-limit":
		return s.turnCanned(name, op, w)
	}
	return fmt.Errorf("there is no knob %q", name)
}

func (s *Server) awaitArrival(ctx context.Context, op Op, w words) error {
	ms, err := w.number("ms")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(ms)*time.Millisecond)
	defer cancel()
	return s.Arrived(ctx, op)
}

func (s *Server) turnCanned(name string, op Op, w words) error {
	status, n, err := w.numbers("status", "n")
	if err != nil {
		return err
	}
	if status < 200 || status > 599 {
		return fmt.Errorf("status is %d; it must be between 200 and 599", status)
	}
	if name == "fail" {
		s.Fail(op, status, string(w.body), n)
		return nil
	}
	headers := map[string]string{}
	for word, values := range w.Values {
		if word != "op" && word != "status" && word != "n" {
			headers[word] = values[0]
		}
	}
	s.RateLimit(op, status, headers, n)
	return nil
}
