package approvals

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"countersign/approvals/rules"
)

// record is a request as Redis keeps it. Fields may be added; none may be
// renamed or reused while a request could still be open.
type record map[string]string

func (r record) number(field string) int64 {
	n, _ := strconv.ParseInt(r[field], 10, 64) // absent and broken mean 0
	return n
}

func (r record) time(field string) time.Time { return fromMillis(r.number(field)) }

func fromMillis(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMilli(n).UTC()
}

func (r record) person(field, enterprise string) rules.Person {
	p, err := rules.ParsePerson(r[field])
	if err != nil {
		return rules.Person{}
	}
	p.Enterprise = r[enterprise]
	return p
}

// approval is a stored approval: round, time, MAC, enterprise, operation.
type approval struct {
	Approval
	round, mac, op string
}

// counts reports whether the approval was given since the last review.
func (a approval) counts(r record) bool {
	round, err := strconv.ParseInt(a.round, 10, 64)
	return err == nil && round >= r.number("floor")
}

// approvals reads the a: fields, oldest first.
func (r record) approvals() ([]approval, error) {
	var all []approval
	for field, value := range r {
		who, ok := strings.CutPrefix(field, "a:")
		if !ok {
			continue
		}
		parts := strings.SplitN(value, "|", 5)
		p, err := rules.ParsePerson(who)
		if err != nil || len(parts) != 5 {
			return nil, fmt.Errorf("%w: approval of %s", ErrForged, who)
		}
		at, err := strconv.ParseInt(parts[1], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%w: approval of %s", ErrForged, who)
		}
		p.Enterprise = parts[3]
		all = append(all, approval{Approval{p, fromMillis(at)}, parts[0], parts[2], parts[4]})
	}
	slices.SortFunc(all, func(a, b approval) int {
		return cmp.Or(a.At.Compare(b.At), strings.Compare(a.By.String(), b.By.String()))
	})
	return all, nil
}

// over says who ended the request, or gave the approval that completed it.
func (r record) over() *OverError {
	e := &OverError{State: State(r["state"]), By: r.person("ended_by", ""), At: r.time("ended")}
	if e.At.IsZero() {
		if all, err := r.approvals(); err == nil && len(all) > 0 {
			e.By, e.At = all[len(all)-1].By, all[len(all)-1].At
		}
	}
	return e
}

// Pending returns the request as it is now, with record and plan checked
// against their seals: ErrForged when they do not fit, and then the Pending is
// only good for showing.
func (b *Book) Pending(ctx context.Context, id string) (Pending, error) {
	fields, err := b.Client.HGetAll(ctx, b.key("r:"+id)).Result()
	if err != nil {
		return Pending{}, unavailable(err)
	}
	if fields["state"] == "" {
		return Pending{}, ErrNoRequest
	}
	return b.read(ctx, id, fields)
}

// read makes a Pending of a record, and fetches the plan that belongs to it.
func (b *Book) read(ctx context.Context, id string, fields map[string]string) (Pending, error) {
	r := record(fields)
	p := r.pending(id)
	if err := b.genuine(id, r, &p); err != nil {
		return p, err
	}
	box, err := b.Client.Get(ctx, b.key("p:"+id)).Bytes()
	if errors.Is(err, redis.Nil) {
		return p, nil
	}
	if err != nil {
		return p, unavailable(err)
	}
	payload, err := b.decrypt(box, b.label(id))
	if err != nil {
		return p, fmt.Errorf("%w: plan of %s: %w", ErrForged, id, err)
	}
	open := openPlan
	if b.off("plan-seal") {
		open = func(payload []byte, _ string) (Plan, error) { return parsePlan(payload) }
	}
	p.Plan, err = open(payload, p.Fingerprint)
	if err != nil {
		return p, fmt.Errorf("%w: plan of %s: %w", ErrForged, id, err)
	}
	return p, nil
}

// label binds an encrypted plan to its request.
func (b *Book) label(id string) string {
	if b.off("plan-seal") {
		return "plan"
	}
	return "plan " + id
}

// decrypt opens what this key or the former one encrypted.
func (b *Book) decrypt(box []byte, label string) ([]byte, error) {
	plain, err := b.Keys.decrypt(box, label)
	if err != nil && b.Old != nil {
		return b.Old.decrypt(box, label)
	}
	return plain, err
}

func (r record) pending(id string) Pending {
	p := Pending{
		ID: id, State: State(r["state"]), Version: r.number("version"), Op: r["op"], Verb: Verb(r["verb"]),
		Users: int(r.number("users")), Fingerprint: r["fp"], Requester: r.person("by", "enterprise"),
		Reason: r["reason"], Channel: r["channel"], Policy: r["policy"], Need: int(r.number("need")),
		Created: r.time("created"), Deadline: r.time("deadline"), Starts: r.time("starts"),
		Started: r.time("started"), Ended: r.time("ended"), EndedBy: r.person("ended_by", ""),
		Why: r["why"], Cause: Why(r["cause"]), Counts: Counts{},
		Chunk: int(r.number("chunk")), Chunks: int(r.number("chunks")), Epoch: r.number("epoch"),
		PlanSHA: r["plan_sha"], ResultSHA: r["result_sha"], Filter: r["filter"],
		Card: Card{
			FileID: r["card_file"], FileShared: r["card_shared"] == "1", Channel: r["card_channel"], TS: r["card_ts"],
			Version: r.number("card_version"), ResultID: r["result_file"], ResultDone: r["result_shared"] == "1",
		},
		Resuming: r["resuming"] == "1", Stopper: r.person("stop", ""), Unreplicated: r["unreplicated"] == "1",
		round: r["round"], mac: r["mac"],
	}
	for field := range r {
		if name, ok := strings.CutPrefix(field, "n:"); ok {
			p.Counts[name] = int(r.number(field))
		}
	}
	return p
}

// genuine checks the seals of record and approvals, with this key or the
// former one, and fills in the approvals of the current round.
func (b *Book) genuine(id string, r record, p *Pending) error {
	keys := []Keys{b.Keys}
	if b.Old != nil {
		keys = append(keys, *b.Old)
	}
	fits := func(mac string, parts ...string) bool {
		return slices.ContainsFunc(keys, func(k Keys) bool { return equal(k.seal(parts...), mac) })
	}
	if !b.off("record-mac") && !fits(r["mac"], "record", b.Tenant, id, r["op"], r["fp"], r["by"], r["enterprise"], r["need"], r["channel"], r["policy"], r["deadline"]) {
		return fmt.Errorf("%w: record %s", ErrForged, id)
	}
	if !slices.Contains(states, p.State) {
		return fmt.Errorf("%w: %s is %q", ErrForged, id, p.State)
	}
	all, err := r.approvals()
	if err != nil {
		return err
	}
	for _, a := range all {
		if !a.counts(r) {
			continue
		}
		if !b.off("approval-mac") && !fits(a.mac, "approval", b.Tenant, id, r["fp"], a.By.String(), a.By.Enterprise, a.op, a.round) {
			return fmt.Errorf("%w: approval of %s in %s", ErrForged, a.By, id)
		}
		p.Approvals = append(p.Approvals, a.Approval)
	}
	if (p.State == APPROVED || p.State == RUNNING) && !b.off("quorum") {
		if len(p.Approvals) < p.Need {
			return fmt.Errorf("%w: %s is %s with %d of %d approvals", ErrForged, id, p.State, len(p.Approvals), p.Need)
		}
	}
	return nil
}

// Open returns the requests that are not over, newest first. A forged one is
// among them, without its plan.
func (b *Book) Open(ctx context.Context) ([]Pending, error) {
	ids, err := b.Client.HKeys(ctx, b.key("open")).Result()
	if err != nil {
		return nil, unavailable(err)
	}
	return b.list(ctx, ids)
}

// All returns the newest requests, over or not.
func (b *Book) All(ctx context.Context, limit int) ([]Pending, error) {
	ids, err := b.Client.ZRevRange(ctx, b.key("all"), 0, int64(limit-1)).Result()
	if err != nil {
		return nil, unavailable(err)
	}
	return b.list(ctx, ids)
}

func (b *Book) list(ctx context.Context, ids []string) ([]Pending, error) {
	var all []Pending
	for _, id := range ids {
		p, err := b.Pending(ctx, id)
		switch {
		case errors.Is(err, ErrNoRequest): // its retention is over
			_ = b.Client.ZRem(ctx, b.key("all"), id).Err() // tried again at the next listing
			continue
		case err != nil && !errors.Is(err, ErrForged):
			return nil, err
		}
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b Pending) int {
		return cmp.Or(b.Created.Compare(a.Created), strings.Compare(a.ID, b.ID))
	})
	return all, nil
}
