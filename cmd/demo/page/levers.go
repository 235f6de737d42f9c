package page

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"countersign/internal/miniqualys"
	"countersign/internal/minislack"
)

// Bots are the replicas of the demo, as far as the page pulls at them. They are
// numbered from 1.
type Bots interface {
	Count() int
	State(n int) BotState
	Kill(n int) error                       // at once, as kill -9 does
	Start(ctx context.Context, n int) error // again, after Kill
}

// A BotState is how a replica is at this moment.
type BotState struct {
	Running bool
	Process int       // its process id, or 0
	Since   time.Time // when it was started, or ended
}

// How much the levers break.
const (
	slowCall   = 4 * time.Second
	limitWait  = 5 * time.Second
	limitCalls = 3
)

// recently is how long a lever without a state of its own says that it was pulled.
const recently = 6 * time.Second

// levers are what the page offers to break.
func levers(c Config) []minislack.Lever {
	var all []minislack.Lever
	if c.Bots != nil {
		for n := 1; n <= c.Bots.Count(); n++ {
			all = append(all, botLever(c.Bots, n))
		}
	}
	slow := &toggle{}
	all = append(all,
		minislack.Lever{Name: "slow-qualys", Group: "Qualys", State: func() minislack.LeverState {
			s := minislack.LeverState{
				Label: "Slow it down", Status: "Answers at once",
				About: "Every call takes four seconds, so that a run can be watched.",
			}
			if slow.on() {
				s.Label, s.Status, s.Broken = "Make it fast", "Takes four seconds a call", true
			}
			return s
		}, Pull: func(context.Context) error {
			wait := time.Duration(0)
			if slow.flip() {
				wait = slowCall
			}
			for _, op := range []miniqualys.Op{miniqualys.Search, miniqualys.Update, miniqualys.Delete} {
				c.Qualys.Slow(op, wait)
			}
			return nil
		}},
		answerLever(c.Qualys),
		once("drop-sockets", "Slack", "Drop them", "Sockets are open", "Just dropped",
			"All connections of the bots to Slack break at once; they come back by themselves.", c.Slack.DropSockets),
		once("limit", "Slack", "Send 429", "Posts are taken", "Turns posts away", "Slack turns the next posts away and asks for five seconds of patience.", func() {
			for _, method := range []string{"chat.postMessage", "chat.update", "chat.postEphemeral"} {
				c.Slack.RateLimit(method, limitWait, limitCalls)
			}
		}),
	)
	return all
}

func botLever(bots Bots, n int) minislack.Lever {
	return minislack.Lever{
		Name: fmt.Sprintf("bot-%d", n), Group: "The bots",
		State: func() minislack.LeverState {
			s := bots.State(n)
			if !s.Running {
				about := "The other one takes over what it was doing."
				if !anyRuns(bots) {
					about = "Nobody is left. Whoever starts first goes on with what stands in Redis."
				}
				return minislack.LeverState{Label: "Start again", Broken: true, Status: fmt.Sprintf("Bot %d is dead", n), About: about}
			}
			status := fmt.Sprintf("Bot %d runs", n)
			if s.Process > 0 {
				status += fmt.Sprintf(" as process %d", s.Process)
			}
			return minislack.LeverState{Label: "Kill it", Status: status, About: "A real kill -9, in the middle of whatever it does."}
		},
		Pull: func(ctx context.Context) error {
			if bots.State(n).Running {
				return bots.Kill(n)
			}
			return bots.Start(ctx, n)
		},
	}
}

func anyRuns(bots Bots) bool {
	for n := 1; n <= bots.Count(); n++ {
		if bots.State(n).Running {
			return true
		}
	}
	return false
}

// losing are the calls whose next answer can be lost.
var losing = []struct {
	op   miniqualys.Op
	what string
}{{miniqualys.Delete, "a delete"}, {miniqualys.Update, "an update"}}

// answerLever loses the next answer to a change of either kind, unless it is
// pulled again before.
func answerLever(api *miniqualys.Server) minislack.Lever {
	var mu sync.Mutex
	at := make(map[miniqualys.Op]int) // how many calls there had been when it was pulled
	armed := func() (what []string) {
		for _, l := range losing {
			if calls, pulled := at[l.op]; pulled && api.Calls(l.op) == calls {
				what = append(what, l.what)
			}
		}
		return what
	}
	return minislack.Lever{
		Name: "lose-answer", Group: "Qualys",
		State: func() minislack.LeverState {
			mu.Lock()
			defer mu.Unlock()
			s := minislack.LeverState{
				Label: "Lose the next", Status: "Every answer arrives",
				About: "The next change is done, and the line breaks before anybody hears of it.",
			}
			if what := armed(); len(what) > 0 {
				s.Label, s.Status, s.Broken = "Let it arrive", "Loses the next answer to "+strings.Join(what, " and to "), true
			}
			return s
		},
		Pull: func(context.Context) error {
			mu.Lock()
			defer mu.Unlock()
			n := 1
			if len(armed()) > 0 {
				n = 0
			}
			clear(at)
			for _, l := range losing {
				api.LoseAnswers(l.op, n)
				if n > 0 {
					at[l.op] = api.Calls(l.op)
				}
			}
			return nil
		},
	}
}

// once is a lever that breaks something once, and says for a moment what it did.
func once(name, group, label, status, did, about string, pull func()) minislack.Lever {
	var at atomic.Int64 // when it was pulled, in nanoseconds
	return minislack.Lever{
		Name: name, Group: group,
		State: func() minislack.LeverState {
			s := minislack.LeverState{Label: label, Status: status, About: about}
			if time.Since(time.Unix(0, at.Load())) < recently {
				s.Status, s.Broken = did, true
			}
			return s
		},
		Pull: func(context.Context) error {
			pull()
			at.Store(time.Now().UnixNano())
			return nil
		},
	}
}

// A toggle is on or off.
type toggle struct {
	mu sync.Mutex
	is bool
}

func (t *toggle) on() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.is
}

// flip changes it and returns what it is then.
func (t *toggle) flip() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.is = !t.is
	return t.is
}
