package approvals

import (
	"context"
	"encoding/json"
)

// announce writes a value and the event that tells of it, unless somebody was
// faster. KEYS: the value's, log, seq. ARGV: what it was, what it is, kind of
// the event (empty means none), policy hash, facts.
var announce = newProgram(`
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
if ARGV[3] ~= '' then
  local t = redis.call('TIME')
  local n = string.format('%.0f', redis.call('INCR', KEYS[3]))
  redis.call('XADD', KEYS[2], n .. '-0', 'at', string.format('%.0f', t[1] * 1000 + math.floor(t[2] / 1000)),
    'kind', ARGV[3], 'by', '', 'policy', ARGV[4], 'facts', ARGV[5])
end
redis.call('SET', KEYS[1], ARGV[2])
return 1`)

// Announce records a value as the newest, in one step with the event that tells
// of the change. tell makes that event of the value there was before ("" for
// none), or reports that the change is not worth one.
func (b *Book) Announce(ctx context.Context, name, value string, tell func(before string) (Event, bool)) error {
	for {
		before, err := b.Recorded(ctx, name)
		if err != nil || before == value {
			return err
		}
		kind, facts := "", ""
		if e, worth := tell(before); worth {
			raw, err := json.Marshal(e.Facts)
			if err != nil {
				return err
			}
			kind, facts = string(e.Kind), string(raw)
		}
		keys := []string{b.key(name), b.key("log"), b.key("seq")}
		n, err := b.eval(ctx, announce, keys, before, value, kind, b.Policy, facts).Int()
		if err != nil || n == 1 {
			return unavailable(err)
		}
		// Somebody was faster, or the answer of our own call was lost: look again.
	}
}
