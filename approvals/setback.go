package approvals

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"

	"github.com/redis/go-redis/v9"
)

// doubted leaves an open request to people, wherever it stands: owner, cause,
// counts.
var doubted = script(poster + reviewing + `
local state = get('state')
if state ~= 'PENDING' and state ~= 'APPROVED' and state ~= 'RUNNING' then return answer('OVER') end
leave(ARGV[6], ARGV[7])
return answer('OK')`)

// renumber lets the log go on behind an entry that is in the channel already.
// KEYS: poster, sealed, posted, log, seq, freeze, thawed. ARGV: owner, number and
// hash of that entry, kind of the event that tells of it, policy hash, facts, who
// froze and when in milliseconds. The log begins anew: a stream takes no number
// below its last one. The freeze comes back with it, unless it was lifted or a
// newer one began meanwhile.
var renumber = newProgram(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 'FENCED' end
local posted = tonumber(redis.call('HGET', KEYS[3], 'seq') or '0')
local n = tonumber(ARGV[2])
if posted == n and redis.call('HGET', KEYS[3], 'hash') == ARGV[3] then return 'OK' end
local function number(n) return string.format('%.0f', n) end
local at, thawed, since = tonumber(ARGV[8]), redis.call('GET', KEYS[7]), redis.call('HGET', KEYS[6], 'at')
if at >= (tonumber(thawed or '') or 0) and at >= (tonumber(since or '') or 0) then
  redis.call('HSET', KEYS[6], 'by', ARGV[7], 'at', ARGV[8])
end
local t = redis.call('TIME')
local waiting = redis.call('XRANGE', KEYS[4], number(posted + 1) .. '-0', '+')
redis.call('DEL', KEYS[2], KEYS[4])
n = n + 1
redis.call('XADD', KEYS[4], number(n) .. '-0', 'at', number(t[1] * 1000 + math.floor(t[2] / 1000)),
  'kind', ARGV[4], 'by', '', 'policy', ARGV[5], 'facts', ARGV[6])
for _, e in ipairs(waiting) do
  n = n + 1
  local args = {'XADD', KEYS[4], number(n) .. '-0'}
  for _, v in ipairs(e[2]) do args[#args + 1] = v end
  redis.call(unpack(args))
end
redis.call('SET', KEYS[5], number(n))
redis.call('HSET', KEYS[3], 'seq', ARGV[2], 'hash', ARGV[3])
return 'OK'`)

// SetBack mends a book that has forgotten what the channel shows: Redis was set
// back, or lost everything. seq and hash are the channel's newest entry, and
// frozen is the freeze that is on as far as the channel shows, or the zero Freeze:
// it is on again before the numbers go on. Open requests are left to people,
// events that were not posted yet get numbers behind that entry, and an event in
// front of them says what happened. Where no policy is recorded any more this
// replica's is the newest. A book that is not behind, or not any more, stays as it
// is: another poster was faster. So does a freeze of which the channel says that
// it was lifted: a person can lift it again.
func (o Outbox) SetBack(ctx context.Context, owner string, seq int64, hash string, frozen Freeze) error {
	posted, last, err := o.Head(ctx)
	if err != nil || posted > seq || posted == seq && last == hash {
		return err
	}
	open, err := o.book.Open(ctx)
	if err != nil {
		return err
	}
	for _, p := range open {
		if err := o.script(ctx, doubted, p.ID, owner, string(WhyRolledBack), p.doubtful().String()); err != nil {
			return err
		}
	}
	err = o.book.Client.SetArgs(ctx, o.book.key("policy"), o.book.Policy, redis.SetArgs{Mode: "NX"}).Err()
	if err != nil && !errors.Is(err, redis.Nil) {
		return unavailable(err)
	}
	kind, facts := Alarm, Facts{Why: WhyRolledBack}
	if posted == 0 {
		kind, facts = Continued, Facts{Detail: strconv.FormatInt(seq, 10)}
	}
	raw, err := json.Marshal(facts)
	if err != nil {
		return err
	}
	var keys []string
	for _, name := range []string{"poster", "sealed", "posted", "log", "seq", "freeze", "thawed"} {
		keys = append(keys, o.book.key(name))
	}
	said, err := o.book.eval(ctx, renumber, keys, owner, seq, hash, string(kind), o.book.Policy, raw,
		frozen.By.String(), frozen.At.UnixMilli()).Text() // without a freeze, a moment before all others
	if err == nil && said != "OK" {
		return ErrFenced
	}
	return unavailable(err)
}

// doubtful counts the users of a run that Redis may have forgotten parts of.
func (p Pending) doubtful() Counts {
	if p.State != RUNNING {
		return nil
	}
	counts, rest := Counts{}, p.Users
	for name, n := range p.Counts {
		counts[name] = n
		rest -= n
	}
	counts[string(ResultUnknown)] += max(0, rest)
	return counts
}

// Seen reports whether [Book.Once] was asked about key before.
func (b *Book) Seen(ctx context.Context, key string) (bool, error) {
	n, err := b.Client.Exists(ctx, b.key("op:"+key)).Result()
	return n > 0, unavailable(err)
}
