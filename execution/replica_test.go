package execution_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"countersign/audit"
	"countersign/execution"
	"countersign/qualys"
)

// A replica is one process of the bot.
type replica struct {
	*house
	link    *link
	poll    time.Duration
	rand    func(n int64) int64 // its jitter; nil is chance
	between *office             // who judges between chunks, when it is not the house's
	entries func(ctx context.Context, request string) (uint64, []audit.Entry, error)
	stop    context.CancelFunc // SIGTERM
	ended   chan struct{}      // closed when it has ended
	struck  chan struct{}      // closed when a fault point struck
	mu      sync.Mutex
	hit     bool
	passed  map[string]int
	strikes map[string]func() // "qualys.before 2" => what happens there
	left    []time.Time       // when its writes left
}

// replica makes one that strikes may be added to before it is run.
func (h *house) replica() *replica {
	return &replica{house: h, link: &link{}, ended: make(chan struct{}), struck: make(chan struct{}), passed: map[string]int{}, strikes: map[string]func(){}}
}

// start starts a replica under the policy that is in force at first.
func (h *house) start() *replica { return h.replica().run(policyText) }

// at lets something happen at a fault point, when it is passed for the nth time.
func (r *replica) at(point string, nth int, do func()) *replica {
	r.strikes[fmt.Sprint(point, " ", nth)] = do
	return r
}

func (r *replica) run(policy string) *replica {
	p := r.parse(policy)
	ctx, stop := context.WithCancel(r.Context())
	r.stop = stop
	client := r.qualys(r.link.guard(r.api.Dial))
	cfg := execution.Config{
		Book: r.open(p, r.link, r.point), Users: &watched{client, r}, Policy: p, Directory: r.people,
		Accounts: client.Logins, Point: r.point, Poll: r.poll, Rand: r.rand,
	}
	cfg.Entries = r.entries
	if r.between != nil {
		cfg.Between = r.between
	}
	e := execution.New(cfg)
	go func() {
		defer close(r.ended)
		_ = e.Run(ctx)
	}()
	r.Cleanup(func() {
		stop()
		<-r.ended
	})
	return r
}

// point is passed by the executor and by its book.
func (r *replica) point(name string) {
	r.mu.Lock()
	r.passed[name]++
	do := r.strikes[fmt.Sprint(name, " ", r.passed[name])]
	first := do != nil && !r.hit
	r.hit = r.hit || first
	r.mu.Unlock()
	if first {
		close(r.struck)
	}
	if do != nil {
		do()
	}
}

// count is how often a fault point was passed.
func (r *replica) count(point string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.passed[point]
}

func (r *replica) writesLeft() []time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.left)
}

// watched notes the writes of one replica.
type watched struct {
	execution.Users
	r *replica
}

func (w *watched) Delete(ctx context.Context, ids []qualys.SAQUserID) ([]qualys.SAQUserID, error) {
	w.leaves()
	return w.Users.Delete(ctx, ids)
}

func (w *watched) Update(ctx context.Context, ids []qualys.SAQUserID, c qualys.Change) ([]qualys.SAQUserID, error) {
	w.leaves()
	return w.Users.Update(ctx, ids, c)
}

func (w *watched) leaves() {
	w.r.mu.Lock()
	defer w.r.mu.Unlock()
	w.r.left = append(w.r.left, time.Now())
}

type dialer = func(ctx context.Context, network, addr string) (net.Conn, error)

// A link is what connects one replica to the world. It can be cut, and held
// back as when a process is paused.
type link struct {
	mu      sync.Mutex
	dead    bool           // the process was killed: nothing leaves any more
	cut     bool           // Redis cannot be reached
	resumed chan struct{}  // closed when the pause is over; nil while there is none
	spoil   map[string]int // how many of the next commands of a name fail

	ahead map[string]func() // what happens, once, before a command such as "hgetall KEY"
}

// crash is kill -9 for the goroutine that calls it and for its process. A panic
// could not be recovered at the root of a goroutine of the executor, so the
// goroutine exits; what its deferred calls try reaches nobody.
func (r *replica) crash() {
	r.link.set(func(l *link) { l.dead = true })
	r.stop()
	runtime.Goexit()
}

// pause holds back everything that the replica sends, as SIGSTOP does, and
// returns what wakes it.
func (r *replica) pause() (wake func()) {
	resumed := make(chan struct{})
	r.link.set(func(l *link) { l.resumed = resumed })
	return func() {
		r.link.set(func(l *link) { l.resumed = nil })
		close(resumed)
	}
}

func (l *link) set(change func(*link)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change(l)
}

// pass lets a command through, or not.
func (l *link) pass(name string) error {
	l.mu.Lock()
	resumed := l.resumed
	l.mu.Unlock()
	if resumed != nil {
		<-resumed // whatever the context says: its timers stand still too
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.spoil[name] > 0 {
		l.spoil[name]--
		return io.EOF
	}
	if l.dead || l.cut {
		return io.EOF
	}
	return nil
}

// strike does what was to happen before the command.
func (l *link) strike(cmd redis.Cmder) {
	if len(cmd.Args()) < 2 {
		return
	}
	key := fmt.Sprint(cmd.Name(), " ", cmd.Args()[1])
	l.mu.Lock()
	do := l.ahead[key]
	delete(l.ahead, key)
	l.mu.Unlock()
	if do != nil {
		do()
	}
}

// guard lets a killed process connect to nobody.
func (l *link) guard(dial dialer) dialer {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		l.mu.Lock()
		dead := l.dead
		l.mu.Unlock()
		if dead {
			return nil, net.ErrClosed
		}
		return dial(ctx, network, addr)
	}
}

func (l *link) dial(m *miniredis.Miniredis) dialer {
	return func(context.Context, string, string) (net.Conn, error) { return m.Dial() }
}

func (l *link) DialHook(next redis.DialHook) redis.DialHook { return next }

func (l *link) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (l *link) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		l.strike(cmd)
		if err := l.pass(cmd.Name()); err != nil {
			cmd.SetErr(err)
			return err
		}
		return next(ctx, cmd)
	}
}
