package approvals

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"countersign/qualys"
)

// Chunks returns the plan in chunks, with what the ledger knows of each.
func (r *Run) Chunks(ctx context.Context) ([]Chunk, error) { return r.book.chunks(ctx, r.Pending) }

func (b *Book) chunks(ctx context.Context, p Pending) ([]Chunk, error) {
	marks, err := b.Client.HGetAll(ctx, b.key("c:"+p.ID)).Result()
	if err != nil {
		return nil, unavailable(err)
	}
	var chunks []Chunk
	for n, users := range p.Plan.Chunks() {
		c := Chunk{N: n, Users: users}
		if mark := marks[strconv.Itoa(n)]; mark != "" {
			m, err := parseMark(mark)
			if err != nil {
				return nil, fmt.Errorf("%w: chunk %d of %s", err, n, p.ID)
			}
			c.Sent, c.Try, c.Done = m.sent(), m.try, m.done
		}
		if box := marks["b:"+strconv.Itoa(n)]; box != "" && !c.Sent.IsZero() {
			if c.Settled, err = b.openOutcomes("settled", p.ID, strconv.Itoa(n), []byte(box)); err != nil {
				return nil, err
			}
		}
		chunks = append(chunks, c)
	}
	return chunks, nil
}

// Fates says what became of every user of the request's plan: the ledger's
// outcome, unknown where a write was sent and never observed to the end, not
// run where none was sent.
func (b *Book) Fates(ctx context.Context, p Pending) (map[qualys.SAQUserID]Outcome, error) {
	all, err := b.Outcomes(ctx, p.ID)
	if err != nil {
		return nil, err
	}
	chunks, err := b.chunks(ctx, p)
	if err != nil {
		return nil, err
	}
	for _, c := range chunks {
		for _, u := range c.Users {
			if _, known := all[u.ID]; known {
				continue
			}
			o, settled := c.Settled[u.ID]
			switch {
			case settled:
			case c.Sent.IsZero():
				o = Outcome{Result: ResultNotRun}
			default:
				o = Outcome{Result: ResultUnknown, Sent: true}
			}
			all[u.ID] = o
		}
	}
	return all, nil
}

// tally counts what became of everybody in a run that began: of those the ledger
// does not tell of, or where it cannot be read, nobody knows.
func (b *Book) tally(ctx context.Context, p Pending) Counts {
	fates, err := b.Fates(ctx, p)
	if p.State != RUNNING || p.Plan.IsZero() || err != nil {
		return p.doubtful()
	}
	counts := Counts{}
	for _, o := range fates {
		counts[string(o.Result)]++
	}
	return counts
}

// A mark is what the ledger says of a chunk: that a write of it was sent, or
// that it is done; by which claim, and when.
type mark struct {
	done  bool
	epoch int64
	try   int // how often it was sent; 0 once it is done
	at    int64
}

// parseMark reads sent|epoch|try|ms or done|epoch|ms.
func parseMark(text string) (mark, error) {
	var m mark
	var err error
	if rest, ok := strings.CutPrefix(text, "done|"); ok {
		m.done = true
		_, err = fmt.Sscanf(rest, "%d|%d", &m.epoch, &m.at)
	} else {
		_, err = fmt.Sscanf(text, "sent|%d|%d|%d", &m.epoch, &m.try, &m.at)
	}
	if err != nil || m.at <= 0 || m.String() != text {
		return mark{}, fmt.Errorf("%w: ledger mark %q", ErrForged, text)
	}
	return m, nil
}

// String is the mark as the ledger keeps it.
func (m mark) String() string {
	if m.done {
		return fmt.Sprintf("done|%d|%d", m.epoch, m.at)
	}
	return fmt.Sprintf("sent|%d|%d|%d", m.epoch, m.try, m.at)
}

// sent is when a write may first have left; zero once the chunk is done.
func (m mark) sent() time.Time {
	if m.done {
		return time.Time{}
	}
	return fromMillis(m.at)
}

// Outcomes returns what the ledger knows of each user of the request. Users
// whose chunk is not done are absent.
func (b *Book) Outcomes(ctx context.Context, id string) (map[qualys.SAQUserID]Outcome, error) {
	fields, err := b.Client.HGetAll(ctx, b.key("c:"+id)).Result()
	if err != nil {
		return nil, unavailable(err)
	}
	all := map[qualys.SAQUserID]Outcome{}
	for field, box := range fields {
		n, ok := strings.CutPrefix(field, "o:")
		if !ok {
			continue
		}
		some, err := b.openOutcomes("outcome", id, n, []byte(box))
		if err != nil {
			return nil, err
		}
		maps.Copy(all, some)
	}
	return all, nil
}

// openOutcomes opens what the ledger keeps of a chunk: the outcome of one that is
// done, or what was settled before one was sent.
func (b *Book) openOutcomes(what, id, chunk string, box []byte) (map[qualys.SAQUserID]Outcome, error) {
	var all map[qualys.SAQUserID]Outcome
	raw, err := b.decrypt(box, what+" "+id+" "+chunk)
	if err == nil {
		err = json.Unmarshal(raw, &all)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %s of %s, chunk %s: %w", ErrForged, what, id, chunk, err)
	}
	return all, nil
}
