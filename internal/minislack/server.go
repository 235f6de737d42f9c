package minislack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// The app's tokens.
const (
	BotToken = "xoxb-minislack-bot"
	AppToken = "xapp-minislack-app"
)

// ErrClosed means the server was closed while somebody waited.
var ErrClosed = errors.New("minislack: the server is closed")

// T is the part of testing.TB that the server needs.
type T interface {
	Helper()
	Cleanup(func())
	Fatalf(format string, args ...any)
}

// A Server is one workspace with one app installed. Its methods may be called
// from several goroutines.
type Server struct {
	// OnCall, when set before the first call, sees every call before it is answered,
	// without its token; also the "upload", "download" and "link" of [Server.Calls].
	OnCall func(method string, form url.Values)

	http *http.Server
	mem  *memListener // nil when it listens on a port
	base string       // "http://host:port"
	done chan struct{}
	wg   sync.WaitGroup // every goroutine and connection

	mu     sync.Mutex // guards what follows; never held while waiting
	closed bool
	rng    *rand.Rand
	serial int // for made-up ids
	w      workspace
	feed   []Event
	news   chan struct{} // closed and replaced by every event
	pings  []Ping
	app    app
	faults faults
	limits limits
	socks  sockets
	files  files
	human  human
}

// app is what the workspace knows of the installed app.
type app struct {
	scopes   []string
	revoked  bool
	commands []string // none means every command exists
	encode   bool     // slash text arrives entity-encoded
	noGroups bool     // a plan without user groups
	noLatest bool     // the latest reply to a message is not told
}

// defaultScopes is what the example manifest asks for.
var defaultScopes = []string{
	"commands", "chat:write", "files:write", "files:read", "usergroups:read", "users:read",
	"users:read.email", "channels:read", "groups:read", "channels:history", "groups:history", "im:write",
}

// New makes a workspace that nobody can reach yet; Start opens it.
func New() *Server {
	s := &Server{
		done: make(chan struct{}),
		news: make(chan struct{}),
		rng:  rand.New(rand.NewPCG(1, 2)),
		w:    newWorkspace(),
		app:  app{scopes: defaultScopes, encode: true},
	}
	s.faults = newFaults()
	s.limits = newLimits()
	s.socks = newSockets()
	s.files = newFiles()
	s.human = newHuman()
	s.http = &http.Server{
		Handler:   http.HandlerFunc(s.serve),
		ErrorLog:  log.New(io.Discard, "", 0),
		ConnState: s.countConns,
	}
	return s
}

// NewInMemory makes a workspace that is reached through Dial only.
func NewInMemory() *Server {
	s := New()
	s.mem = newMemListener()
	s.base = "http://" + memAddr
	s.spawn(func() { _ = s.http.Serve(s.mem) })
	return s
}

// RunT runs a workspace on a free loopback port until the test ends.
func RunT(t T) *Server {
	t.Helper()
	s := New()
	if err := s.Start("127.0.0.1:0"); err != nil {
		t.Fatalf("start minislack: %v", err)
	}
	t.Cleanup(s.Close)
	return s
}

// RunInMemoryT runs a workspace without a port until the test ends.
func RunInMemoryT(t T) *Server {
	t.Helper()
	s := NewInMemory()
	t.Cleanup(s.Close)
	return s
}

// Start listens on addr, such as "127.0.0.1:0".
func (s *Server) Start(addr string) error {
	if s.base != "" {
		return errors.New("minislack: already started")
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("minislack: %w", err)
	}
	s.base = "http://" + l.Addr().String()
	s.spawn(func() { _ = s.http.Serve(l) })
	return nil
}

// Close ends every connection and goroutine and waits for them.
func (s *Server) Close() {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.closed = true
	close(s.done)
	for _, sock := range s.socks.open {
		sock.cut()
	}
	s.mu.Unlock()
	if s.mem != nil {
		_ = s.mem.Close()
	}
	_ = s.http.Close()
	s.wg.Wait()
}

// URL is the base of the Web API, with its trailing slash. Sockets, uploads and
// files are on the same host and port.
func (s *Server) URL() string { return s.base + "/api/" }

// Dial opens a connection to the workspace: through memory when it has no port.
func (s *Server) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	if s.mem != nil {
		return s.mem.dial(ctx, addr)
	}
	return new(net.Dialer).DialContext(ctx, network, addr)
}

// HTTPClient makes a client that reaches the workspace and nothing else when it
// has no port. Its idle connections end with the server, or by CloseIdleConnections.
func (s *Server) HTTPClient() *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: s.Dial}}
}

// Seed restarts chance: which socket gets an envelope.
func (s *Server) Seed(seed uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rng = rand.New(rand.NewPCG(seed, seed))
}

// SetTeam names the workspace. Call it before people are added.
func (s *Server) SetTeam(t Team) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.w.people {
		if p.Team == s.w.team.ID {
			p.Team = t.ID
		}
	}
	s.w.team = t
}

// Team answers with the workspace's names.
func (s *Server) Team() Team {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.team
}

// spawn runs f in a goroutine that Close waits for. After Close it does nothing.
func (s *Server) spawn(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.spawnLocked(f)
}

func (s *Server) spawnLocked(f func()) {
	if !s.closed {
		s.wg.Go(f)
	}
}

// later runs f after a while, unless the server closes first. The caller holds s.mu.
func (s *Server) later(wait time.Duration, f func()) {
	s.spawnLocked(func() {
		if s.sleep(wait) {
			f()
		}
	})
}

// sleep waits and reports false when the server closed first.
func (s *Server) sleep(wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-s.done:
		return false
	}
}

// countConns lets Close wait for the goroutine of every connection.
func (s *Server) countConns(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		s.wg.Add(1)
	case http.StateClosed, http.StateHijacked:
		s.wg.Done()
	}
}

// made makes an id that was not given out before. The caller holds s.mu.
func (s *Server) made(prefix string) string {
	s.serial++
	return fmt.Sprintf("%s%04d%06X", prefix, s.serial, s.rng.Uint32()&0xFFFFFF)
}

// serve sends a request to the part of Slack it is for.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	if s.closed || s.faults.outage {
		s.mu.Unlock()
		panic(http.ErrAbortHandler)
	}
	s.wg.Add(1)
	s.mu.Unlock()
	defer s.wg.Done()
	switch path := r.URL.Path; {
	case strings.HasPrefix(path, "/api/"):
		s.serveAPI(w, r, strings.TrimPrefix(path, "/api/"))
	case path == "/link/":
		s.serveSocket(w, r)
	case strings.HasPrefix(path, "/upload/v1/"):
		s.serveUpload(w, r, strings.TrimPrefix(path, "/upload/v1/"))
	case strings.HasPrefix(path, "/files-pri/"):
		s.serveFile(w, r, strings.TrimPrefix(path, "/files-pri/"))
	default:
		http.Error(w, "minislack has nothing at "+path+
			"; the API is under /api/, and response URLs are not simulated", http.StatusNotFound)
	}
}
