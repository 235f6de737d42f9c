package approvals

import (
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A stage is a request on its way, with the run it has by now.
type stage struct {
	*testing.T
	b   *Book
	p   Pending
	run *Run
}

// op is an operation nobody used yet.
func (s *stage) op() string { return fmt.Sprint(s.Name(), time.Now().UnixNano()) }

func (s *stage) claim() error {
	run, err := s.b.Claim(s.Context(), s.p.ID, s.op(), time.Minute)
	if run != nil {
		s.run = run
	}
	return err
}

// must brings a request on.
func (s *stage) must(err error) { require.NoError(s, err) }

// ways are how a request comes to each state.
func ways() map[State]func(s *stage) {
	return map[State]func(s *stage){
		PENDING: func(*stage) {},
		APPROVED: func(s *stage) {
			s.must(second(s.b.Decide(s.Context(), yes(s.p, bob))))
			postAll(s.T, s.b)
		},
		RUNNING: func(s *stage) {
			s.to(APPROVED)
			s.must(s.claim())
		},
		DONE: func(s *stage) {
			s.to(RUNNING)
			s.must(s.run.Finish(s.Context(), DONE, "", Counts{"done": 3}, "sha"))
		},
		DONE_WITH_ERRORS: func(s *stage) {
			s.to(RUNNING)
			s.must(s.run.Finish(s.Context(), DONE_WITH_ERRORS, "", Counts{"failed": 3}, "sha"))
		},
		STOPPED: func(s *stage) {
			s.to(RUNNING)
			s.must(s.run.Finish(s.Context(), STOPPED, WhyFailures, Counts{"failed": 1}, "sha"))
		},
		REJECTED:  func(s *stage) { s.must(second(s.b.Decide(s.Context(), no(s.p, bob)))) },
		CANCELLED: func(s *stage) { s.must(second(s.b.Cancel(s.Context(), s.p.ID, alice, s.op()))) },
		EXPIRED: func(s *stage) {
			s.must(s.b.Client.Del(s.Context(), s.b.key("p:"+s.p.ID)).Err())
			s.must(s.b.Expire(s.Context(), s.p.ID))
		},
		NEEDS_REVIEW: func(s *stage) {
			s.to(RUNNING)
			s.must(s.run.Review(s.Context(), WhyUnknown, nil))
		},
		CLOSED: func(s *stage) {
			s.to(NEEDS_REVIEW)
			s.must(second(s.b.Close(s.Context(), s.p.ID, bob, s.op(), "looked")))
		},
	}
}

func (s *stage) to(state State) { ways()[state](s) }

func second(_ Pending, err error) error { return err }

// acts are what may be tried in every state. What an owner does is done with
// the lease that the state left it.
var acts = []struct {
	name string
	do   func(s *stage) error
	to   map[State]State // where it leads; elsewhere it is refused, and nothing changes
}{
	{"approve", func(s *stage) error {
		d := yes(s.p, carol)
		d.Op = s.op()
		return second(s.b.Decide(s.Context(), d))
	}, map[State]State{PENDING: APPROVED}},
	{"approve one's own", func(s *stage) error { return second(s.b.Decide(s.Context(), yes(s.p, alice))) }, nil},
	{"reject", func(s *stage) error {
		d := no(s.p, carol)
		d.Op = s.op()
		return second(s.b.Decide(s.Context(), d))
	}, map[State]State{PENDING: REJECTED, APPROVED: REJECTED}},
	{"cancel", func(s *stage) error { return second(s.b.Cancel(s.Context(), s.p.ID, alice, s.op())) },
		map[State]State{PENDING: CANCELLED, APPROVED: CANCELLED}},
	{"withdraw", func(s *stage) error { return second(s.b.Withdraw(s.Context(), s.p.ID, bob, s.op())) },
		map[State]State{APPROVED: PENDING}},
	{"stop", func(s *stage) error { return second(s.b.Stop(s.Context(), s.p.ID, bob, s.op())) },
		map[State]State{RUNNING: RUNNING}},
	{"resume", func(s *stage) error { return second(s.b.Resume(s.Context(), s.p.ID, carol, s.op())) },
		map[State]State{NEEDS_REVIEW: RUNNING}},
	{"close", func(s *stage) error { return second(s.b.Close(s.Context(), s.p.ID, carol, s.op(), "enough")) },
		map[State]State{NEEDS_REVIEW: CLOSED}},
	{"claim", (*stage).claim, map[State]State{APPROVED: RUNNING}}, // RUNNING is held by its owner
	{"review before the run", func(s *stage) error { return s.b.Review(s.Context(), s.p.ID, WhyQuorum) },
		map[State]State{APPROVED: NEEDS_REVIEW}},
	{"review of a run", func(s *stage) error { return s.owner().Review(s.Context(), WhyForged, nil) },
		map[State]State{RUNNING: NEEDS_REVIEW}},
	{"finish", func(s *stage) error { return s.owner().Finish(s.Context(), DONE_WITH_ERRORS, "", nil, "") },
		map[State]State{RUNNING: DONE_WITH_ERRORS, DONE_WITH_ERRORS: DONE_WITH_ERRORS}}, // the same end again is the same end
	{"renew", func(s *stage) error { return s.owner().Renew(s.Context()) }, map[State]State{RUNNING: RUNNING}},
	{"send", func(s *stage) error { return s.owner().Sent(s.Context(), 0, 1) }, map[State]State{RUNNING: RUNNING}},
	{"done", func(s *stage) error { return s.owner().Done(s.Context(), 0, nil) }, map[State]State{RUNNING: RUNNING}},
	{"release", func(s *stage) error { return s.owner().Release(s.Context(), 0) }, map[State]State{RUNNING: RUNNING}},
}

// owner is who runs the request, or somebody who thinks so.
func (s *stage) owner() *Run {
	if s.run != nil {
		return s.run
	}
	return &Run{Pending: s.p, book: s.b, epoch: "1", lease: time.Minute}
}

// Design section 7: what is not an edge of the table is refused, and changes
// nothing but the time.
func TestEveryStateAndEveryAct(t *testing.T) {
	onEveryRedis(t, func(t *testing.T, client redis.UniversalClient) {
		b := openBook(t, client)
		from := 1
		for _, state := range states {
			for _, act := range acts {
				from += 3
				s := &stage{T: t, b: b, p: held(t, b, holding(t, fmt.Sprint(state, " ", act.name), from, 3))}
				s.to(state)
				before, err := b.Pending(t.Context(), s.p.ID)
				require.NoError(t, err)
				require.Equal(t, state, before.State)
				err = act.do(s)
				after, readable := b.Pending(t.Context(), s.p.ID)
				require.NoError(t, readable)
				to, edge := act.to[state]
				if !edge {
					assert.Error(t, err, "%s in %s", act.name, state)
					assert.Equal(t, before, after, "%s in %s changed something", act.name, state)
				} else {
					assert.NoError(t, err, "%s in %s", act.name, state)
					assert.Equal(t, to, after.State, "%s in %s", act.name, state)
				}
				s.finish(after.State)
			}
		}
	})
}

// finish makes room for the next request.
func (s *stage) finish(state State) {
	if state.Open() {
		client := s.b.Client
		s.must(client.Del(s.Context(), s.b.key("running"), s.b.key("open"), s.b.key("held"), s.b.key("due")).Err())
	}
}
