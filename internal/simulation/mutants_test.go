//go:build !race

package simulation

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"countersign/approvals/rules"
	"countersign/execution"
	"countersign/qualys"
)

// A mutant is the product without one of its safety rules. Rules in Lua are
// switched off by replacing the text of a script, the others by what a test may
// hand to the book and to the executor.
type mutant struct {
	name   string
	wrong  string // what goes wrong without it
	rows   string // of the fault table, or the threat
	script func(text string) string
	rules  []string // that the product asks Off about
	config func(c *execution.Config)
	few    bool // noticed soon enough to be played with the race detector too
}

func (m mutant) rule(rule string) bool {
	for _, r := range m.rules {
		if r == rule {
			return true
		}
	}
	return false
}

// without replaces pieces of Lua, in pairs.
func without(pairs ...string) func(string) string {
	return strings.NewReplacer(pairs...).Replace
}

// only changes the scripts that have the mark.
func only(mark string, change func(string) string) func(string) string {
	return func(text string) string {
		if strings.Contains(text, mark) {
			return change(text)
		}
		return text
	}
}

const (
	inClaim = "local other = redis.call('GET', running)"
	inSent  = "local mark = 'sent|' .. ARGV[5] .. '|' .. ARGV[8] .. '|'\nif string.sub(before, 1, #mark) ~= mark then"
	inRenew = "return {'FROZEN', ms(now - since)}"
	inHold  = "if get('op') == op then return answer('OK') end"
)

// mutants are the safety rules that are ours, each of them switched off.
var mutants = []mutant{
	{
		name: "atomic approve", wrong: "two decisions rest on the same reading", rows: "1", few: true,
		script: only("'ALREADY'", without(
			"if state ~= 'PENDING' and state ~= 'APPROVED' and not resuming then return answer('OVER') end", "",
			"if yes and state == 'APPROVED' then return answer('OVER') end", "",
			"if expire() then return answer('EXPIRED') end", "")),
	},
	{
		name: "deadline", wrong: "something is approved after its time", rows: "3", few: true,
		script: without("if expire() then return answer('EXPIRED') end\nif yes and", "if yes and"),
	},
	{
		name: "expiry wins ties", wrong: "something is approved at the deadline", rows: "3",
		script: without("now >= tonumber(get('deadline')) or state", "now > tonumber(get('deadline')) or state",
			"(gone or now >= tonumber(get('deadline')))", "(gone or now > tonumber(get('deadline')))"),
	},
	{
		name: "self-approval", wrong: "who asked approves", rows: "6", few: true,
		script: without("if person == get('by') then return answer('OWN') end", ""),
	},
	{
		name: "one person once", wrong: "one person is counted twice", rows: "2",
		script: without("if yes and counts(person) then return answer('ALREADY') end", ""),
	},
	{
		name: "distinct people", wrong: "two accounts of one person are a quorum", rows: "6",
		rules: []string{"distinct"},
	},
	{
		name: "same answer", wrong: "a click that comes twice is refused the second time", rows: "2, 17", few: true,
		script: without("if known ~= '' then return answer(known) end", ""),
	},
	{
		name: "same command", wrong: "a command that comes twice is refused the second time", rows: "7, 17",
		script: without(inHold, ""),
	},
	{
		name: "same freeze", wrong: "a freeze that comes twice is refused the second time", rows: "17",
		script: without("if redis.call('EXISTS', KEYS[2]) == 1 then return {'OK', by or ''} end", ""),
	},
	{
		name: "shown first", wrong: "something is approved before anybody can see it", rows: "8", few: true,
		script: without("if get('ready') ~= '1' then return answer('NOTREADY') end", ""),
	},
	{
		name: "button of the plan", wrong: "a forged button approves", rows: "4.1: forged button value", few: true,
		script: without("if string.sub(get('fp'), 1, 12) ~= ARGV[8] then return answer('FINGERPRINT') end", ""),
	},
	{
		name: "withdrawal", wrong: "a plan runs although its quorum is gone", rows: "1.1",
		script: without("if state == 'APPROVED' and have < tonumber(get('need')) then", "if false then"),
	},
	{
		name: "fresh quorum", wrong: "a review is resumed by fewer than a quorum", rows: "1.1",
		script: without("'floor', ms(round), 'have', '0', ", ""),
	},
	{
		name: "due in the same script", wrong: "an approved plan is forgotten", rows: "9", few: true,
		script: without("redis.call('ZADD', due, ms(now + get('cool_down')), id)", "redis.call('ZREM', due, id)"),
	},
	{
		name: "deadline stays due", wrong: "a withdrawn request never expires", rows: "9",
		script: only(inClaim, without("if state ~= 'PENDING' then redis.call('ZREM', due, id) end", "redis.call('ZREM', due, id)")),
	},
	{
		name: "overlap", wrong: "two plans hold one user", rows: "28", few: true,
		script: without("if other then return {'OVERLAP', other .. ' ' .. ARGV[i]} end", ""),
	},
	{
		name: "running slot", wrong: "two plans run at once", rows: "design 9",
		script: only(inClaim, without("if other and other ~= id then return answer('BUSY') end", "")),
	},
	{
		name: "cool-down", wrong: "nobody has time to think again", rows: "4.2", few: true,
		script: without("redis.call('ZADD', due, ms(now + get('cool_down')), id)", "redis.call('ZADD', due, ms(now), id)",
			"if state == 'APPROVED' and now < tonumber(get('starts')) then return answer('WAIT') end", ""),
	},
	{
		name: "plan at the claim", wrong: "a run starts whose plan Redis lost", rows: "16",
		script: only(inClaim, without("if state == 'APPROVED' and redis.call('EXISTS', payload) == 0 then return answer('GONE') end", "")),
	},
	{
		name: "policy at the claim", wrong: "a run starts under a policy that is no longer in force", rows: "5",
		script: only(inClaim, without("if (redis.call('GET', policy) or '') ~= hash then return answer('POLICY') end", "")),
	},
	{
		name: "trail at the claim", wrong: "a run starts that nobody can see was approved", rows: "8, 18", few: true,
		script: only(inClaim, without("then return answer('TRAIL') end", "then local _ = 0 end")),
	},
	{
		name: "freeze at the claim", wrong: "a run starts while everything is frozen", rows: "design 7", few: true,
		script: only(inClaim, without("if since then", "if false then")),
	},
	{
		name: "freeze at the write", wrong: "a run goes on while everything is frozen", rows: "design 7",
		script: without("if redis.call('EXISTS', freeze) == 1 then return {'FROZEN', ''} end", "",
			"if since then "+inRenew+" end", ""),
	},
	{
		name: "stop", wrong: "a run goes on that a person stopped", rows: "4.2",
		script: without("if get('stop') ~= '' then return {'STOP', get('stop')} end", ""),
	},
	{
		name: "epoch", wrong: "a replica that lost its lease writes down results", rows: "11", few: true,
		script: without("or get('epoch') ~= ARGV[5] or tonumber(get('lease')) <= now then\n  return {'FENCED', ''}", "then\n  return {'FENCED', ''}"),
	},
	{
		name: "lease at the claim", wrong: "two replicas run one plan", rows: "11, 16", few: true,
		script: func(text string) string {
			text = only(inClaim, without("if tonumber(get('lease')) > now then", "if false then"))(text)
			return without("redis.call('ZADD', due, ms(now + ARGV[6]), id)", "redis.call('ZADD', due, ms(now), id)")(text)
		},
	},
	{
		name: "freshness", wrong: "a replica that woke up sends its write", rows: "11",
		config: func(c *execution.Config) { c.Fresh = time.Hour },
	},
	{
		name: "sent before the call", wrong: "nobody knows that a write may have left", rows: "10",
		script: only(inSent, without("then redis.call('HSET', ledger, ARGV[7], mark .. ms(now)) end", "then local _ = 0 end")),
	},
	{
		name: "done after the call", wrong: "users count as done that nobody wrote", rows: "10", few: true,
		script: only(inSent, without("redis.call('HSET', ledger, ARGV[7], mark .. ms(now))", "redis.call('HSET', ledger, ARGV[7], 'done|' .. ARGV[5] .. '|' .. ms(now))")),
	},
	{
		name: "read back", wrong: "a write is repeated blindly", rows: "10",
		rules: []string{"read-back"},
	},
	{
		name: "settle time", wrong: "a write still on its way is repeated", rows: "10",
		config: func(c *execution.Config) { c.Settle = func(qualys.Fate) time.Duration { return 0 } },
	},
	{
		name: "unsent only on proof", wrong: "a lost answer is taken for a refusal", rows: "23, 25",
		config: func(c *execution.Config) { c.Users = gullible{c.Users} },
	},
	{
		name: "drift", wrong: "a user is written that changed since people approved", rows: "27",
		rules: []string{"drift"},
	},
	{
		name: "failures", wrong: "a run goes on although its canary failed", rows: "4.2",
		rules: []string{"failures"},
	},
	{
		name: "rights at the claim", wrong: "a run starts whose approver has left", rows: "5",
		rules: []string{"rights-claim"},
	},
	{
		name: "rights during the run", wrong: "a run goes on whose approver has left", rows: "5",
		rules: []string{"rights-run"},
	},
	{
		name: "look-ups fail closed", wrong: "a run starts although nobody could look people up", rows: "5",
		config: func(c *execution.Config) { c.Directory = trusting{c.Directory} },
	},
	{
		name: "quorum at the claim", wrong: "a run starts with a quorum that only the record's state claims", rows: "4.1: record tampered",
		rules: []string{"quorum"},
	},
	{
		name: "seal of an approval", wrong: "an approval that Redis made up counts", rows: "4.1: record tampered",
		rules: []string{"approval-mac"},
	},
	{
		name: "seal of the record", wrong: "a deadline that Redis moved counts", rows: "4.1: record tampered",
		rules: []string{"record-mac"},
	},
	{
		name: "seal of the plan", wrong: "another plan runs than people approved", rows: "4.1: record tampered",
		rules: []string{"plan-seal"},
	},
	{
		name: "rollback", wrong: "a run starts that people ended before Redis forgot", rows: "14, 4.1: record rolled back",
		config: func(c *execution.Config) { c.Entries = nil },
	},
}

// gullible takes a lost answer for a refusal.
type gullible struct{ execution.Users }

func (g gullible) Delete(ctx context.Context, ids []qualys.SAQUserID) ([]qualys.SAQUserID, error) {
	named, err := g.Users.Delete(ctx, ids)
	return named, refused(err)
}

func (g gullible) Update(ctx context.Context, ids []qualys.SAQUserID, c qualys.Change) ([]qualys.SAQUserID, error) {
	named, err := g.Users.Update(ctx, ids, c)
	return named, refused(err)
}

func refused(err error) error {
	if errors.Is(err, qualys.ErrUnknownOutcome) {
		return &qualys.Error{Op: "write", Status: 409}
	}
	return err
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

func mutantCalled(t *testing.T, name string) mutant {
	if name == "" {
		return mutant{}
	}
	for _, m := range mutants {
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
// does not notice is blind. With the race detector it looks only at those that
// are noticed soon; the full list runs without.
func TestEveryRuleMatters(t *testing.T) {
	for _, m := range mutants {
		if raced && !m.few {
			continue
		}
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			for seed := uint64(1); seed <= enough; seed++ {
				if w := play(t, seed, m); len(w.broken) > 0 {
					t.Logf("%s (row %s): noticed at schedule %d: %s", m.wrong, m.rows, seed, w.broken[0])
					return
				}
			}
			t.Error(fmt.Sprint(enough, " schedules without it, and nothing broke: ", m.wrong))
		})
	}
}
