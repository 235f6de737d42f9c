package approvals

import (
	"errors"
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

// An act is what may be tried in every state, by itself or after something else
// happened. What an owner does is done with the lease that the state left it.
type act struct {
	name string
	do   func(s *stage) error
	to   map[State]State // where it leads; elsewhere it is refused, and nothing changes
}

func approve(s *stage) error {
	d := yes(s.p, carol)
	d.Op = s.op()
	return second(s.b.Decide(s.Context(), d))
}

func resumeIt(s *stage) error { return second(s.b.Resume(s.Context(), s.p.ID, carol, s.op())) }

// expire answers nothing; that it changed nothing is told from an error here.
func expire(s *stage) error {
	before := s.now()
	s.must(s.b.Expire(s.Context(), s.p.ID))
	if s.now().State == before.State {
		return errors.New("nothing to expire")
	}
	return nil
}

func (s *stage) now() Pending {
	p, err := s.b.Pending(s.Context(), s.p.ID)
	s.must(err)
	return p
}

// afters are what may have happened between a state and an act.
var afters = []struct {
	name string
	let  func(s *stage)
	acts []act
}{
	{"", func(*stage) {}, acts},
	{"its plan is gone", func(s *stage) { s.must(s.b.Client.Del(s.Context(), s.b.key("p:"+s.p.ID)).Err()) }, []act{
		{"expire", expire, map[State]State{PENDING: EXPIRED, APPROVED: EXPIRED}},
		{"claim", (*stage).claim, nil}, // RUNNING is held by its owner
		{"resume", resumeIt, nil},
	}},
	{"its owner is silent", func(s *stage) {
		if s.run != nil {
			_ = s.run.Release(s.Context(), 0) // not where the run is over
		}
	}, []act{
		{"claim", (*stage).claim, map[State]State{APPROVED: RUNNING, RUNNING: RUNNING}},
		{"finish", func(s *stage) error { return s.owner().Finish(s.Context(), STOPPED, WhyFailures, nil, "") },
			map[State]State{STOPPED: STOPPED}},
		{"review of a run", func(s *stage) error { return s.owner().Review(s.Context(), WhyForged, nil) }, nil},
	}},
	{"everything is frozen", func(s *stage) {
		s.must(s.b.Freeze(s.Context(), bob, s.op()))
		if s.run != nil {
			_ = s.run.Release(s.Context(), 0)
		}
	}, []act{
		{"approve", approve, map[State]State{PENDING: APPROVED}},
		{"cancel", func(s *stage) error { return second(s.b.Cancel(s.Context(), s.p.ID, alice, s.op())) },
			map[State]State{PENDING: CANCELLED, APPROVED: CANCELLED}},
		{"resume", resumeIt, map[State]State{NEEDS_REVIEW: RUNNING}},
		{"claim", (*stage).claim, nil},
		{"stop and claim", func(s *stage) error {
			if err := second(s.b.Stop(s.Context(), s.p.ID, bob, s.op())); err != nil {
				return err
			}
			return s.claim()
		}, map[State]State{RUNNING: RUNNING}},
	}},
	{"its quorum is two", nil, []act{
		{"approve, the first of two", approve, map[State]State{PENDING: PENDING}},
		{"approve, the second of two", func(s *stage) error {
			d := yes(s.p, dave)
			d.Op = s.op()
			if err := second(s.b.Decide(s.Context(), d)); err != nil {
				return err
			}
			return approve(s)
		}, map[State]State{PENDING: APPROVED}},
		{"resume, the first of two", resumeIt, map[State]State{NEEDS_REVIEW: NEEDS_REVIEW}},
	}},
}

// acts are what may be tried at any time.
var acts = []act{
	{"approve", approve, map[State]State{PENDING: APPROVED}},
	{"expire", expire, nil},
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
	{"resume", resumeIt, map[State]State{NEEDS_REVIEW: RUNNING}},
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
	{"send", func(s *stage) error { return s.owner().Sent(s.Context(), 0, 1, nil) }, map[State]State{RUNNING: RUNNING}},
	{"take a send back", func(s *stage) error { return s.owner().Unsent(s.Context(), 0, 1, false) }, map[State]State{RUNNING: RUNNING}},
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
		for _, after := range afters {
			for _, state := range states {
				for _, a := range after.acts {
					if after.let == nil && state != PENDING && state != NEEDS_REVIEW {
						continue // there is no way there with one approval
					}
					from += 3
					h := holding(t, fmt.Sprint(after.name, state, a.name), from, 3)
					if after.let == nil {
						h.Need = 2
					}
					s := &stage{T: t, b: b, p: held(t, b, h)}
					s.try(a, after.let, state, fmt.Sprint(a.name, " in ", state, ", ", after.name))
				}
			}
		}
	})
}

// try brings the request to a state, and tries the act there.
func (s *stage) try(a act, let func(s *stage), state State, what string) {
	switch {
	case let != nil:
		s.to(state)
		let(s)
	case state == NEEDS_REVIEW: // with a quorum of two
		for _, who := range []Decision{yes(s.p, bob), yes(s.p, carol)} {
			s.must(second(s.b.Decide(s.Context(), who)))
		}
		s.must(s.b.Review(s.Context(), s.p.ID, WhyQuorum))
	}
	before := s.now()
	require.Equal(s, state, before.State, what)
	err := a.do(s)
	after := s.now()
	if to, edge := a.to[state]; edge {
		assert.NoError(s, err, what)
		assert.Equal(s, to, after.State, what)
	} else {
		assert.Error(s, err, what)
		assert.Equal(s, before, after, "%s changed something", what)
	}
	s.finish(after.State)
}

// finish makes room for the next request.
func (s *stage) finish(state State) {
	keys := []string{s.b.key("freeze")}
	if state.Open() {
		keys = append(keys, s.b.key("running"), s.b.key("open"), s.b.key("held"), s.b.key("due"))
	}
	s.must(s.b.Client.Del(s.Context(), keys...).Err())
}
