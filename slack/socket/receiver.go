package socket

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	"github.com/slack-go/slack"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"
)

// A Kind says what an [Envelope] carries.
type Kind string

// The kinds of envelopes that reach a handler.
const (
	KindSlash       Kind = "slash"       // Envelope.Slash
	KindInteraction Kind = "interaction" // Envelope.Interaction
)

// An Envelope is one thing somebody did. It may come twice.
type Envelope struct {
	ID          string // Slack's envelope_id
	Kind        Kind
	Slash       slack.SlashCommand
	Interaction slack.InteractionCallback
	Received    time.Time // Slack wants its answer within three seconds of this
	Retry       int       // retry_attempt; 0 is the first delivery
	Answerable  bool      // the payload of the acknowledgement is shown
}

// An Ack acknowledges an envelope, on the socket that delivered it, and returns
// when that is written, after two seconds at most and also when ctx has ended. A
// nil payload is a plain ok. A second call is [ErrAcked]. A payload that Slack would
// ignore for its size is not sent: the envelope gets a plain ok and the caller
// [ErrTooBig].
type Ack func(ctx context.Context, payload any) error

// A Handler answers an envelope. Its context is not cancelled when Run is told to
// end, only when Config.Grace has passed since.
type Handler func(ctx context.Context, e Envelope, ack Ack)

// A Config says how to receive. Zeros are fine but for API and the handlers.
type Config struct {
	API    *slack.Client     // has the app-level token; not in debug mode
	Dialer *websocket.Dialer // nil means one that respects HTTPS_PROXY

	Sockets     int           // 0 means two
	SecondAfter time.Duration // between opening one socket and the next; 0 means three minutes
	Pings       time.Duration // longest silence of a socket; 0 means 30 s
	Workers     int           // of commands and of interactions each; 0 means 16
	Patience    time.Duration // for a free worker; 0 means two seconds
	Grace       time.Duration // for handlers at the end; 0 means ten seconds

	Handle Handler // answers an envelope
	Busy   Handler // tells the person that nothing was done and to press again
	Broken Handler // tells the person that something broke: Handle panicked

	Log         *slog.Logger // nil means slog.Default
	Connections func(n int)  // hears how many sockets Slack counts for the app; must not block
	Connected   func(n int)  // hears how many sockets of ours are up; must not block
	// App hears the id of the app that a socket is for, before anything that the
	// socket delivers. It is empty when Slack does not say; must not block.
	App func(id string)
}

// mostWaiting is how many envelopes may be in the house at once.
const mostWaiting = 1000

// A Receiver keeps sockets open and hands envelopes out.
type Receiver struct {
	cfg     Config
	log     *slog.Logger
	dialer  websocket.Dialer
	opens   *rate.Limiter
	workers map[Kind]*semaphore.Weighted
	room    *semaphore.Weighted

	mu    sync.Mutex // guards what follows; never held while waiting
	ended bool       // nothing new is taken
	conns map[*conn]bool

	unacked sync.WaitGroup // envelopes without an acknowledgement
	working sync.WaitGroup // goroutines of envelopes
	reading sync.WaitGroup // goroutines of sockets
}

// New makes a receiver; Run starts it, once.
func New(cfg Config) *Receiver {
	orDuration(&cfg.SecondAfter, 3*time.Minute)
	orDuration(&cfg.Pings, 30*time.Second)
	orDuration(&cfg.Patience, 2*time.Second)
	orDuration(&cfg.Grace, 10*time.Second)
	if cfg.Sockets == 0 {
		cfg.Sockets = 2
	}
	if cfg.Workers == 0 {
		cfg.Workers = 16
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	return &Receiver{
		cfg:    cfg,
		log:    cfg.Log,
		dialer: dialerFrom(cfg.Dialer),
		opens:  rate.NewLimiter(rate.Every(time.Second), 4),
		workers: map[Kind]*semaphore.Weighted{
			KindSlash:       semaphore.NewWeighted(int64(cfg.Workers)),
			KindInteraction: semaphore.NewWeighted(int64(cfg.Workers)),
		},
		room:  semaphore.NewWeighted(mostWaiting),
		conns: map[*conn]bool{},
	}
}

func orDuration(d *time.Duration, otherwise time.Duration) {
	if *d == 0 {
		*d = otherwise
	}
}

// Run receives until ctx ends, and then returns nil, or until Slack refuses for
// good, and then returns a [PermanentError]. In both cases every goroutine has ended,
// but for handlers that ignore that their context did: then the error says so.
func (r *Receiver) Run(ctx context.Context) error {
	work, cancelWork := context.WithCancel(context.WithoutCancel(ctx))
	defer cancelWork()
	keepers, ctx := errgroup.WithContext(ctx)
	for n := range r.cfg.Sockets {
		keepers.Go(func() error { return r.keep(ctx, work, time.Duration(n)*r.cfg.SecondAfter) })
	}
	err := keepers.Wait()
	return errors.Join(err, r.end(cancelWork))
}

// end is the way out; the package comment says in which order.
func (r *Receiver) end(cancelWork context.CancelFunc) error {
	r.mu.Lock()
	r.ended = true
	conns := make([]*conn, 0, len(r.conns))
	for c := range r.conns {
		conns = append(conns, c)
	}
	r.mu.Unlock()

	if !within(r.cfg.Patience+ackTime, &r.unacked) {
		r.log.Error("sockets are closed although not everything is acknowledged")
	}
	for _, c := range conns {
		r.reading.Go(c.close)
	}
	r.reading.Wait()
	if within(r.cfg.Grace, &r.working) {
		return nil
	}
	cancelWork()
	if !within(r.cfg.Grace, &r.working) {
		return fmt.Errorf("handlers of Slack envelopes did not end within %s", 2*r.cfg.Grace)
	}
	return nil
}

// within waits for a group, but not longer than that. What it starts ends with the group.
func within(longest time.Duration, group *sync.WaitGroup) bool {
	done := make(chan struct{})
	go func() {
		group.Wait()
		close(done)
	}()
	timer := time.NewTimer(longest)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
		return false
	}
}
