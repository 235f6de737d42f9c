package page

import (
	"context"
	"fmt"
	"sync"
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
		once("lose-answer", "Qualys", "Lose the next", "Every answer arrives", "The next change is done, and the line breaks before anybody hears of it.", func() {
			c.Qualys.LoseAnswers(miniqualys.Delete, 1)
			c.Qualys.LoseAnswers(miniqualys.Update, 1)
		}),
		once("drop-sockets", "Slack", "Drop them", "Sockets are open", "All connections of the bots to Slack break at once; they come back by themselves.", c.Slack.DropSockets),
		once("limit", "Slack", "Send 429", "Posts are taken", "Slack turns the next posts away and asks for five seconds of patience.", func() {
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
				return minislack.LeverState{
					Label: "Start again", Broken: true, Status: fmt.Sprintf("Bot %d is dead", n),
					About: "The other one takes over what it was doing.",
				}
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

// once is a lever that breaks something once; it has no state.
func once(name, group, label, status, about string, pull func()) minislack.Lever {
	return minislack.Lever{
		Name: name, Group: group,
		State: func() minislack.LeverState {
			return minislack.LeverState{Label: label, Status: status, About: about}
		},
		Pull: func(context.Context) error {
			pull()
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
