package approvals

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// opKept is how long operation ids are remembered: Slack was seen to repeat
// after minutes.
const opKept = time.Hour

// Note writes an event that belongs to no request's script: a read, a refusal,
// a start. The same operation notes one event. Seq and At are Redis' business.
func (b *Book) Note(ctx context.Context, op string, e Event) error {
	facts, err := json.Marshal(e.Facts)
	if err != nil {
		return err
	}
	by := ""
	if e.By.ID != "" {
		by = e.By.String()
	}
	policy := e.Policy
	if policy == "" {
		policy = b.Policy
	}
	return unavailable(b.eval(ctx, note, []string{b.key("op:" + op), b.key("log"), b.key("seq")},
		opKept.Milliseconds(), "kind", string(e.Kind), "request", e.Request, "by", by, "fp", e.Fingerprint,
		"policy", policy, "counts", e.Counts.String(), "file", e.FileSHA, "facts", string(facts)).Err())
}

// Last is the number of the last event.
func (b *Book) Last(ctx context.Context) (int64, error) {
	n, err := b.Client.Get(ctx, b.key("seq")).Int64()
	if errors.Is(err, redis.Nil) {
		return 0, nil
	}
	return n, unavailable(err)
}

// Once reports whether key is seen for the first time within d.
func (b *Book) Once(ctx context.Context, key string, d time.Duration) (bool, error) {
	err := b.Client.SetArgs(ctx, b.key("op:"+key), "1", redis.SetArgs{Mode: "NX", TTL: d}).Err()
	if errors.Is(err, redis.Nil) {
		return false, nil
	}
	return err == nil, unavailable(err)
}

// Recorded is what the newest replica recorded under a name, such as the hash
// of its policy; "" when none did.
func (b *Book) Recorded(ctx context.Context, name string) (string, error) {
	v, err := b.Client.Get(ctx, b.key(name)).Result()
	if errors.Is(err, redis.Nil) {
		return "", nil
	}
	return v, unavailable(err)
}

// Record makes this replica's value the newest. Under "policy" it decides who
// may claim: only a replica whose policy is the newest one.
func (b *Book) Record(ctx context.Context, name, value string) error {
	return unavailable(b.Client.Set(ctx, b.key(name), value, 0).Err())
}

// An Outbox hands the events of the log to whoever posts them, in order. One
// replica at a time holds its lease.
type Outbox struct{ book *Book }

// Outbox is the book's outbox.
func (b *Book) Outbox() Outbox { return Outbox{b} }

// Lease takes or renews the poster's lease and reports whether owner has it.
func (o Outbox) Lease(ctx context.Context, owner string, d time.Duration) (bool, error) {
	n, err := o.book.eval(ctx, leasePoster, []string{o.book.key("poster")}, owner, d.Milliseconds()).Int()
	return n == 1, unavailable(err)
}

// Head returns number and hash of the entry posted last; 0 and "" at first.
func (o Outbox) Head(ctx context.Context) (seq int64, hash string, err error) {
	v, err := o.book.Client.HGetAll(ctx, o.book.key("posted")).Result()
	if err != nil || len(v) == 0 {
		return 0, "", unavailable(err)
	}
	seq, err = strconv.ParseInt(v["seq"], 10, 64)
	return seq, v["hash"], err
}

// Next returns the events that were not posted yet, oldest first.
func (o Outbox) Next(ctx context.Context, limit int) ([]Event, error) {
	seq, _, err := o.Head(ctx)
	if err != nil {
		return nil, err
	}
	from := strconv.FormatInt(seq+1, 10) + "-0"
	messages, err := o.book.Client.XRangeN(ctx, o.book.key("log"), from, "+", int64(limit)).Result()
	if err != nil {
		return nil, unavailable(err)
	}
	var events []Event
	for _, m := range messages {
		e, err := parseEvent(m)
		if err != nil {
			return events, err
		}
		if want := seq + int64(len(events)) + 1; e.Seq != want {
			return events, fmt.Errorf("event %d is missing in the log", want)
		}
		events = append(events, e)
	}
	return events, nil
}

// Seal stores the sealed form of event seq, unless one is stored already, and
// returns what is stored: an entry is never sealed twice.
func (o Outbox) Seal(ctx context.Context, owner string, seq int64, sealed []byte) ([]byte, error) {
	reply, err := o.book.eval(ctx, sealEntry, []string{o.book.key("poster"), o.book.key("sealed")}, owner, seq, sealed).StringSlice()
	if err != nil {
		return nil, unavailable(err)
	}
	if reply[0] != "OK" {
		return nil, ErrFenced
	}
	return []byte(reply[1]), nil
}

// eventsKept is how many posted events stay in the log.
const eventsKept = 10_000

// Posted writes down that the entry is in the channel. It is [ErrFenced] also when
// the log does not know its number any more: then the channel is to be compared anew.
func (o Outbox) Posted(ctx context.Context, owner string, seq int64, hash string) error {
	keys := []string{o.book.key("poster"), o.book.key("sealed"), o.book.key("posted"), o.book.key("log"), o.book.key("seq")}
	reply, err := o.book.eval(ctx, entryPosted, keys, owner, seq, hash, max(0, seq-eventsKept)).StringSlice()
	if err == nil && reply[0] != "OK" {
		return ErrFenced
	}
	return unavailable(err)
}

// Dirty returns the requests whose card is older than their record.
func (o Outbox) Dirty(ctx context.Context) ([]string, error) {
	ids, err := o.book.Client.SMembers(ctx, o.book.key("dirty")).Result()
	return ids, unavailable(err)
}

// SetCard stores where the request stands in Slack. The poster calls it after
// every step, so that the next one never repeats a step. Once the plan's CSV is
// shared, the request can be decided: the card with its buttons comes after it.
func (o Outbox) SetCard(ctx context.Context, owner, id string, c Card) error {
	flag := func(b bool) string {
		if b {
			return "1"
		}
		return ""
	}
	return o.script(ctx, setCard, id, owner, "card_file", c.FileID, "card_shared", flag(c.FileShared),
		"card_channel", c.Channel, "card_ts", c.TS, "result_file", c.ResultID, "result_shared", flag(c.ResultDone))
}

// Shown writes down that the card shows this version.
func (o Outbox) Shown(ctx context.Context, owner, id string, version int64) error {
	return o.script(ctx, shown, id, owner, version)
}

// script runs a poster's script. A request whose record is gone is no error.
func (o Outbox) script(ctx context.Context, s *program, id string, args ...any) error {
	a, err := o.book.run(ctx, s, id, "", args...)
	if err == nil && a.code == "FENCED" {
		return ErrFenced
	}
	return err
}

// parseEvent reads an event as the scripts and Note write it.
func parseEvent(m redis.XMessage) (Event, error) {
	v := record{}
	for name, value := range m.Values {
		v[name], _ = value.(string)
	}
	number, _, _ := strings.Cut(m.ID, "-")
	seq, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return Event{}, fmt.Errorf("event %q: %w", m.ID, err)
	}
	e := Event{
		Seq: seq, At: v.time("at"), Kind: Kind(v["kind"]), Request: v["request"], By: v.person("by", ""),
		Fingerprint: v["fp"], Policy: v["policy"], FileSHA: v["file"],
	}
	if e.Counts, err = ParseCounts(v["counts"]); err != nil {
		e.Counts = nil // written by hand; the trail goes on without them
	}
	if v["facts"] != "" {
		err = json.Unmarshal([]byte(v["facts"]), &e.Facts)
		return e, err
	}
	e.Facts = Facts{
		Verb: v["verb"], Users: int(v.number("users")), Reason: v["reason"], Why: Why(v["why"]), Filter: v["filter"],
		Asked: v.person("asked", ""), Have: int(v.number("have")), Need: int(v.number("need")),
		Deadline: v.time("deadline"), Starts: v.time("starts"), State: State(v["state"]),
	}
	return e, nil
}
