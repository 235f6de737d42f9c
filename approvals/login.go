package approvals

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"countersign/qualys"
)

// A login that Qualys accepted is believed for a minute, and an attempt that
// nobody reports about is given up after three.
const (
	loginBelieved = time.Minute
	loginReserved = 3 * time.Minute
)

// login is the breaker that all replicas share, so that wrong credentials are
// shown to Qualys once and not by everybody. KEYS: the credentials' key. ARGV:
// step, a word for this attempt, how long an acceptance and how long a
// reservation stands, in milliseconds. A rejection stands for good: other
// credentials have another key.
var login = newProgram(`
local known = redis.call('GET', KEYS[1]) or ''
if ARGV[1] == 'accepted' then
  redis.call('SET', KEYS[1], 'accepted', 'PX', ARGV[3])
  return 'ok'
end
if ARGV[1] == 'rejected' then
  redis.call('SET', KEYS[1], 'rejected')
  return 'ok'
end
if ARGV[1] == 'unclear' then
  if string.sub(known, 1, 7) == 'attempt' then redis.call('DEL', KEYS[1]) end
  return 'ok'
end
if known == 'rejected' then return 'rejected' end
if known == 'accepted' or known == 'attempt ' .. ARGV[2] then return 'ok' end
if known ~= '' then return 'wait' end
redis.call('SET', KEYS[1], 'attempt ' .. ARGV[2], 'PX', ARGV[4])
return 'ok'`)

// Login is asked before credentials are shown to Qualys, and told what came of
// it: see [qualys.Config]. While one replica tries, the others wait for its
// outcome. Its error is of kind [qualys.ErrCredentials] when they were refused
// before, and anything else when nobody can know: then nothing is shown.
func (b *Book) Login(ctx context.Context, key string, step qualys.LoginStep) error {
	word := rand.Text()
	for {
		said, err := b.eval(ctx, login, []string{b.key("login:" + key)}, string(step), word,
			loginBelieved.Milliseconds(), loginReserved.Milliseconds()).Text()
		switch {
		case err != nil:
			return unavailable(err)
		case said == "ok":
			return nil
		case said == "rejected":
			return fmt.Errorf("%w before, by this or another replica", qualys.ErrCredentials)
		}
		t := time.NewTimer(250 * time.Millisecond)
		select {
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		case <-t.C:
		}
	}
}
