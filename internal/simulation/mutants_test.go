package simulation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"countersign/approvals"
	"countersign/approvals/rules"
	"countersign/audit"
	"countersign/execution"
	"countersign/qualys"
)

// A mutant is the product without one of its safety rules. Rules in Lua are
// switched off by replacing pieces of a script's text, the others by what a test
// may hand to the book and to the executor.
type mutant struct {
	name   string
	wrong  string // what goes wrong without the rule
	lua    []swap
	rules  []string                  // that the product asks Off about
	config func(c *execution.Config) // or what an executor gets instead

	// about names what must happen for the rule to make a difference, or a part
	// of it; a semicolon parts several. It is more likely to happen in the
	// schedules of this mutant, which are like all others otherwise.
	about string
}

// A swap puts a piece of Lua in the place of another, in the scripts that hold
// a mark; without a mark, in all.
type swap struct {
	mark, old, now string
	found          *atomic.Bool // in any script
}

func in(mark, old, now string) swap { return swap{mark, old, now, new(atomic.Bool)} }

func everywhere(old, now string) swap { return in("", old, now) }

// script is what the book makes of a script's text; nil where nothing changes.
func (m mutant) script() func(text string) string {
	if len(m.lua) == 0 {
		return nil
	}
	return func(text string) string {
		for _, s := range m.lua {
			if strings.Contains(text, s.mark) && strings.Contains(text, s.old) {
				s.found.Store(true)
				text = strings.ReplaceAll(text, s.old, s.now)
			}
		}
		return text
	}
}

// isAbout reports whether the rule makes a difference when something happens.
func (m mutant) isAbout(name string) bool {
	for about := range strings.SplitSeq(m.about, "; ") {
		if about != "" && strings.Contains(name, about) {
			return true
		}
	}
	return false
}

func (m mutant) off(rule string) bool { return slices.Contains(m.rules, rule) }

func mutantCalled(t *testing.T, name string) mutant {
	if name == "" {
		return mutant{}
	}
	for _, m := range mutants() {
		if m.name == name {
			return m
		}
	}
	t.Fatalf("there is no rule %q", name)
	return mutant{}
}

// enough is within how many schedules a missing rule must be noticed.
const enough = 200

// TestEveryRuleMatters switches off one rule after the other: a simulation that
// does not notice is blind.
func TestEveryRuleMatters(t *testing.T) {
	if raced {
		t.Skip("without the race detector: it has nothing to find in a product that is broken on purpose")
	}
	for _, m := range mutants() {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			for seed := uint64(1); seed <= enough; seed++ {
				if w := play(t, seed, m); len(w.broken) > 0 {
					t.Logf("%s: noticed at schedule %d: %s", m.wrong, seed, w.broken[0])
					return
				}
			}
			for _, s := range m.lua {
				if !s.found.Load() {
					t.Errorf("no script says %q", s.old)
				}
			}
			t.Error(fmt.Sprint(enough, " schedules without it, and nothing broke: ", m.wrong))
		})
	}
}

// lying gives an executor a Qualys whose writes tell another error.
func lying(as func(error) error) func(c *execution.Config) {
	return func(c *execution.Config) { c.Users = liar{c.Users, as} }
}

type liar struct {
	execution.Users
	as func(error) error
}

func (l liar) Delete(ctx context.Context, ids []userID) ([]userID, error) {
	named, err := l.Users.Delete(ctx, ids)
	return named, l.as(err)
}

func (l liar) Update(ctx context.Context, ids []userID, c qualys.Change) ([]userID, error) {
	named, err := l.Users.Update(ctx, ids, c)
	return named, l.as(err)
}

// turnedAway takes an error of a kind for a proof that nothing was done.
func turnedAway(kind error) func(error) error {
	return func(err error) error {
		if errors.Is(err, kind) {
			return &qualys.Error{Op: "write", Status: 409}
		}
		return err
	}
}

// trusting takes a look-up that failed for a good one.
type trusting struct{ rules.Directory }

func (d trusting) Profile(ctx context.Context, p rules.Person) (rules.Profile, error) {
	f, err := d.Directory.Profile(ctx, p)
	if err != nil {
		return rules.Profile{Name: p.ID, Email: p.ID + "@example.com", Team: "T1"}, nil
	}
	return f, nil
}

// lenient gives an executor a policy without some of its rules.
func lenient(change func(p *rules.Policy)) func(c *execution.Config) {
	return func(c *execution.Config) {
		p := *c.Policy
		change(&p)
		c.Policy = &p
	}
}

// forgetful gives an executor a channel without entries of one kind.
func forgetful(kind approvals.Kind) func(c *execution.Config) {
	return func(c *execution.Config) {
		read := c.Entries
		c.Entries = func(ctx context.Context, request string) (uint64, []audit.Entry, error) {
			head, all, err := read(ctx, request)
			return head, slices.DeleteFunc(all, func(e audit.Entry) bool { return e.Kind == kind }), err
		}
	}
}
