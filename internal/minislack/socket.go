package minislack

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/coder/websocket"
)

const (
	ackLife      = 3 * time.Second
	ackSize      = 20480 // an acknowledgement of this size or more is ignored
	pingEvery    = 10 * time.Second
	pongWithin   = 30 * time.Second
	ticketLife   = 30 * time.Second
	warningLead  = 10 * time.Second
	mostSockets  = 10
	debugSeconds = 360

	turnedAwayFor = 100 * time.Millisecond
)

// sockets is the app's connections and what is under way on them.
type sockets struct {
	open     []*socket
	tickets  map[string]*ticket
	pending  map[string]*delivery // by envelope id
	ghosts   int                  // registrations without a connection
	refuse   int                  // upgrades to refuse
	silent   bool                 // no pings
	lifetime time.Duration
	strict   bool // an acknowledgement counts on the socket of its envelope alone
	mute     int  // acknowledgements to ignore
	lose     int  // envelopes to lose
	delays   []time.Duration
	doubles  []bool // per doubled envelope: with the same id
}

type ticket struct {
	at   time.Time
	used bool
}

func newSockets() sockets {
	return sockets{
		tickets: map[string]*ticket{}, pending: map[string]*delivery{}, lifetime: 4 * time.Hour,
	}
}

// A socket is one connection of the app.
type socket struct {
	queue   [][]byte
	wake    chan struct{} // one slot: something is in the queue
	leaving bool          // a disconnect was sent: nothing more is delivered
	cut     context.CancelFunc
}

// send queues a frame. The caller holds s.mu.
func (k *socket) send(frame []byte) {
	k.queue = append(k.queue, frame)
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

func (s *Server) appsConnectionsOpen(url.Values) (object, error) {
	id := s.made("ticket-")
	s.socks.tickets[id] = &ticket{at: time.Now()}
	ws := "ws" + s.base[len("http"):] + "/link/?ticket=" + id + "&app_id=" + AppID
	return object{"url": ws}, nil
}

// admit uses up a ticket and reports whether the upgrade may go on.
func (s *Server) admit(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.socks.refuse > 0 {
		s.socks.refuse--
		return false
	}
	t := s.socks.tickets[id]
	if t == nil || t.used || time.Since(t.at) > ticketLife {
		return false
	}
	t.used = true
	return true
}

// serveSocket runs one socket of the app, until either side ends it.
func (s *Server) serveSocket(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if fault := s.counted("link", q); fault.refuses() {
		s.turnDown(w, fault)
		return
	}
	if !s.admit(q.Get("ticket")) {
		http.Error(w, "minislack: this ticket opens nothing", http.StatusConflict)
		return
	}
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
	if err != nil {
		return
	}
	defer conn.CloseNow()
	conn.SetReadLimit(4 << 20)
	ctx, cut := context.WithCancel(context.Background())
	defer cut()
	sock, life := s.register(cut, q.Get("debug_reconnects") == "true")
	if sock == nil {
		s.turnAway(ctx, conn)
		return
	}
	defer s.forget(sock)
	s.spawn(func() { s.age(ctx, sock, life) })
	s.spawn(func() { s.write(ctx, conn, sock) })
	s.spawn(func() { s.ping(ctx, conn, cut) })
	for {
		kind, frame, err := conn.Read(ctx)
		if err != nil {
			return
		}
		if kind == websocket.MessageText {
			s.acknowledged(sock, frame)
		}
	}
}

// turnAway tells an eleventh socket that there are too many.
func (s *Server) turnAway(ctx context.Context, conn *websocket.Conn) {
	if conn.Write(ctx, websocket.MessageText, disconnectFrame("too_many_websockets")) == nil {
		s.sleep(turnedAwayFor) // time to read it
	}
}

// register adds a socket, greets it and says how long it will live. It answers
// nil when there are too many.
func (s *Server) register(cut context.CancelFunc, debug bool) (*socket, time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || len(s.socks.open)+s.socks.ghosts >= mostSockets {
		return nil, 0
	}
	sock := &socket{wake: make(chan struct{}, 1), cut: cut}
	s.socks.open = append(s.socks.open, sock)
	life := s.socks.lifetime
	if debug {
		life = debugSeconds * time.Second
	}
	count := len(s.socks.open) + s.socks.ghosts
	sock.send(frameOf(object{
		"type": "hello", "num_connections": count, "connection_info": object{"app_id": AppID},
		"debug_info": object{
			"host": "minislack", "build_number": 1, "approximate_connection_time": int(life.Seconds()),
		},
	}))
	s.happened(Event{Kind: Connected, Text: strconv.Itoa(count)})
	return sock, life
}

// age recycles a socket at the end of its life.
func (s *Server) age(ctx context.Context, sock *socket, life time.Duration) {
	timer := time.NewTimer(max(0, life-warningLead))
	defer timer.Stop()
	select {
	case <-timer.C:
		s.recycle(sock, "warning")
	case <-ctx.Done():
	}
}

func (s *Server) forget(sock *socket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.socks.open = slices.DeleteFunc(s.socks.open, func(k *socket) bool { return k == sock })
	s.happened(Event{Kind: Left, Text: strconv.Itoa(len(s.socks.open) + s.socks.ghosts)})
}

// write sends what is queued, in order.
func (s *Server) write(ctx context.Context, conn *websocket.Conn, sock *socket) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-sock.wake:
		}
		s.mu.Lock()
		frames := sock.queue
		sock.queue = nil
		s.mu.Unlock()
		for _, f := range frames {
			if conn.Write(ctx, websocket.MessageText, f) != nil {
				sock.cut()
				return
			}
		}
	}
}

// ping keeps a socket alive, as Slack does, and ends one that no longer answers.
func (s *Server) ping(ctx context.Context, conn *websocket.Conn, cut context.CancelFunc) {
	every := time.NewTicker(pingEvery)
	defer every.Stop()
	for {
		s.mu.Lock()
		silent := s.socks.silent
		s.mu.Unlock()
		if !silent {
			within, stop := context.WithTimeout(ctx, pongWithin)
			err := conn.Ping(within)
			stop()
			if err != nil {
				cut()
				return
			}
		}
		select {
		case <-every.C:
		case <-ctx.Done():
			return
		}
	}
}

// recycle is Slack's routine: a warning, ten seconds later refresh_requested,
// and the end of the connection. Any other reason skips the warning.
func (s *Server) recycle(sock *socket, reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Contains(s.socks.open, sock) {
		return
	}
	sock.leaving = true
	sock.send(disconnectFrame(reason))
	s.later(warningLead, func() {
		s.mu.Lock()
		if reason == "warning" {
			sock.send(disconnectFrame("refresh_requested"))
		}
		s.mu.Unlock()
		if s.sleep(time.Second) { // lets the frame go out before the line is cut
			sock.cut()
		}
	})
}

func disconnectFrame(reason string) []byte {
	return frameOf(object{"type": "disconnect", "reason": reason, "debug_info": object{"host": "minislack"}})
}

func frameOf(o object) []byte {
	frame, err := json.Marshal(o)
	if err != nil {
		panic(err) // only values that came from JSON are put in
	}
	return frame
}

// Sockets is how many sockets the app has open, those that were told to leave included.
func (s *Server) Sockets() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.socks.open)
}

// Disconnect asks every socket to leave. With the reason "warning" a
// refresh_requested follows ten seconds later; with any reason the connection
// ends about ten seconds after that frame's time, if the app has not left before.
func (s *Server) Disconnect(reason string) {
	s.mu.Lock()
	all := slices.Clone(s.socks.open)
	s.mu.Unlock()
	for _, sock := range all {
		s.recycle(sock, reason)
	}
}

// DropSockets breaks every socket without a word.
func (s *Server) DropSockets() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sock := range s.socks.open {
		sock.cut()
	}
}

// RefuseConnections refuses the next n upgrades of a socket.
func (s *Server) RefuseConnections(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.socks.refuse = n
}

// StopPings stops the pings on every socket, or starts them again.
func (s *Server) StopPings(stop bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.socks.silent = stop
}

// GhostSockets makes Slack believe in n connections that lead nowhere. They count, and they get envelopes.
func (s *Server) GhostSockets(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.socks.ghosts = n
}

// SetConnectionTime sets how long a new socket lives before it is recycled. It is four hours at first.
func (s *Server) SetConnectionTime(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.socks.lifetime = d
}
