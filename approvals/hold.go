package approvals

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"countersign/approvals/rules"
)

// ID is the id of the request that this command makes: five letters and digits
// that follow from its trigger_id.
func (b *Book) ID(op string) string { return b.Keys.id(b.Tenant, op, idLength) }

const idLength = 5

// A Holding asks the book to hold a plan.
type Holding struct {
	Plan        Plan
	By          rules.Person
	Op          string // the command's trigger_id
	Channel     string
	Reason      string
	PlanSHA     string // of the plan's CSV
	Need        int    // approvals
	Expires     time.Duration
	CoolDown    time.Duration
	MaxOpen     int // of the installation
	MaxOpenEach int // of one person
}

// Hold stores the plan as a request that waits. The same command always makes
// the same request. It answers ErrTooManyOpen, ErrTooManyYours or an
// [OverlapError] when nothing was stored.
//
// The deadline is under the seal, so it is fixed before Redis is asked: from
// what its clock should show by now. Where that is wrong nothing is stored,
// Redis tells the time, and the request is sealed again.
func (b *Book) Hold(ctx context.Context, h Holding) (Pending, error) {
	if h.Plan.IsZero() || h.By.ID == "" || h.Op == "" || h.Need < 1 || h.Expires <= 0 {
		return Pending{}, errDraft
	}
	h.Reason = strings.ToValidUTF8(h.Reason, "\uFFFD") // as JSON will have it
	h.Plan = h.Plan.because(h.Reason)
	payload, err := h.Plan.payload()
	if err != nil {
		return Pending{}, err
	}
	now, leeway := b.clock.now(), strconv.FormatInt(min(clockLeeway, h.Expires/100).Milliseconds(), 10)
	b.Point("create.before")
	for length := idLength; ; {
		id := b.Keys.id(b.Tenant, h.Op, length)
		a, err := b.run(ctx, hold, id, h.Op, b.holdArgs(h, id, payload, now, leeway)...)
		if err != nil {
			return Pending{}, err
		}
		switch a.code {
		case "OK":
			b.Point("create.after")
			return b.readWith(ctx, id, a.record, h.Plan)
		case "CLOCK":
			told, err := strconv.ParseInt(a.more, 10, 64)
			if err != nil {
				return Pending{}, fmt.Errorf("redis' clock: %w", err)
			}
			now, leeway = time.UnixMilli(told), ""
			b.clock.set(now)
		case "COLLISION":
			if length++; length > 20 {
				return Pending{}, fmt.Errorf("no free id for %s", id)
			}
		default:
			return Pending{}, refusal(a, nil)
		}
	}
}

// clockLeeway is by how much a deadline may be early or late, because Redis'
// clock was not asked for it.
const clockLeeway = 100 * time.Millisecond

// holdArgs are the arguments of the script that holds a plan, sealed for a
// deadline counted from now.
func (b *Book) holdArgs(h Holding, id string, payload []byte, now time.Time, leeway string) []any {
	plan, need, deadline := h.Plan, strconv.Itoa(h.Need), strconv.FormatInt(now.Add(h.Expires).UnixMilli(), 10)
	mac := b.Keys.seal("record", b.Tenant, id, h.Op, plan.print, h.By.String(), h.By.Enterprise, need, h.Channel, b.Policy, deadline)
	users := plan.Users()
	args := []any{
		h.By.String(), h.By.Enterprise, string(plan.Verb()), plan.print, len(users), need, h.Channel, h.Reason,
		deadline, h.CoolDown.Milliseconds(), mac, h.PlanSHA, b.Keys.encrypt(payload, b.label(id)),
		h.MaxOpen, h.MaxOpenEach, len(plan.Chunks()), plan.Filter(), h.Expires.Milliseconds(), leeway,
	}
	for _, u := range users {
		args = append(args, u.ID.String())
	}
	return args
}

// A clock says what Redis' clock should show, from what it showed last. It
// decides nothing: whoever goes by it is checked by a script.
type clock struct{ ahead atomic.Int64 } // of ours, in nanoseconds

func (c *clock) set(redis time.Time) { c.ahead.Store(int64(time.Until(redis))) }

func (c *clock) now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }
