package qualys_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/internal/miniqualys"
	"countersign/qualys"
)

// setup starts a small Qualys and a client for it.
func setup(t testing.TB) (*miniqualys.Server, *qualys.Client) {
	t.Helper()
	api := miniqualys.RunT(t)
	return api, client(t, config(api))
}

// inMemory is setup for a synctest bubble.
func inMemory(t testing.TB) (*miniqualys.Server, *qualys.Client) {
	t.Helper()
	api := miniqualys.RunInMemoryT(t)
	return api, client(t, config(api))
}

func config(api *miniqualys.Server) qualys.Config {
	return qualys.Config{
		APIURL: api.URL(), GatewayURL: api.URL(), Dial: api.Dial,
		Username: miniqualys.Username, Password: miniqualys.Password,
	}
}

func client(t testing.TB, cfg qualys.Config) *qualys.Client {
	t.Helper()
	c, err := qualys.New(cfg)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

// A scripted server gives its answers one after the other, the last one again
// and again, and counts the calls; /auth always gives a token.
type scripted struct {
	*httptest.Server
	calls atomic.Int32
}

func script(t testing.TB, answers ...http.HandlerFunc) (*scripted, *qualys.Client) {
	t.Helper()
	s := &scripted{}
	s.Server = httptest.NewServer(s.handler(answers))
	t.Cleanup(s.Close)
	return s, client(t, qualys.Config{APIURL: s.URL, GatewayURL: s.URL, Username: "quays_bot", Password: "a secret+word"})
}

func (s *scripted) handler(answers []http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/auth" {
			w.WriteHeader(http.StatusCreated)
			_, _ = io.WriteString(w, "token")
			return
		}
		n := int(s.calls.Add(1))
		answers[min(n, len(answers))-1](w, r)
		_, _ = io.Copy(io.Discard, r.Body)
	}
}

// memoryScript is script for a synctest bubble.
func memoryScript(t testing.TB, answers ...http.HandlerFunc) (*scripted, *qualys.Client) {
	t.Helper()
	s := &scripted{}
	return s, client(t, serve(t, s.handler(answers)))
}

// serve runs a server in memory and returns the settings that reach it.
func serve(t testing.TB, handler http.HandlerFunc) qualys.Config {
	l := &listener{conns: make(chan net.Conn), closed: make(chan struct{})}
	server := &http.Server{Handler: handler}
	done := make(chan error)
	go func() { done <- server.Serve(l) }()
	t.Cleanup(func() {
		_ = server.Close()
		<-done
	})
	return qualys.Config{
		APIURL: "http://127.0.0.1:2", GatewayURL: "http://127.0.0.1:2", Dial: l.dial,
		Username: "quays_bot", Password: "a secret+word",
	}
}

// A listener accepts connections in memory.
type listener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (l *listener) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case l.conns <- far:
		return near, nil
	case <-l.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error   { l.once.Do(func() { close(l.closed) }); return nil }
func (l *listener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 2} }

// says answers with a status and a body.
func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// success answers as the Questionnaire API does.
func success(inner string) http.HandlerFunc {
	return says(http.StatusOK, response("<responseCode>SUCCESS</responseCode>"+inner))
}

func response(inner string) string {
	return `<?xml version="1.0" encoding="UTF-8"?>` + "\n" +
		`<ServiceResponse xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="https://qualysapi.p01.eng.sjc01.qualys.com/qps/xsd/1.0/saq/user.xsd">` +
		inner + `</ServiceResponse>`
}

// collect runs a search to its end.
func collect(ctx context.Context, c *qualys.Client, f qualys.Filter) (ids []qualys.SAQUserID, err error) {
	for u, err := range c.Search(ctx, f) {
		if err != nil {
			return ids, err
		}
		ids = append(ids, u.ID)
	}
	return ids, nil
}

func is(field qualys.Field, value string) qualys.Condition {
	return qualys.Condition{Field: field, Operator: qualys.Equals, Values: []string{value}}
}

func hasText(field qualys.Field, value string) qualys.Condition {
	return qualys.Condition{Field: field, Operator: qualys.Contains, Values: []string{value}}
}

func among(field qualys.Field, values string) qualys.Condition {
	return qualys.Condition{Field: field, Operator: qualys.In, Values: strings.Split(values, ",")}
}
