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
	if r[field] == "" {
		return rules.Person{}
	}
	p, err := rules.ParsePerson(r[field])
	if err != nil {
		return rules.Person{}
	}
	p.Enterprise = r[enterprise]
	return p
}

// whole reports whether it is what the scripts write for a number: decimal, at
// most 15 digits.
func whole(s string) bool {
	if len(s) == 0 || len(s) > 15 || s[0] == '0' && s != "0" {
		return false
	}
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// The fields that hold numbers: those that are there from the beginning, those
// that come later, and those that a state cannot be without.
var (
	numbers = []string{
		"version", "users", "need", "created", "deadline", "cool_down", "chunks", "chunk", "round", "have", "epoch", "lease",
	}
	laterNumbers = []string{"starts", "started", "ended", "approved_seq", "floor", "card_version"}
	stateNumbers = map[State][]string{APPROVED: {"starts", "approved_seq"}, RUNNING: {"approved_seq"}}
)

// sound says which field holds something that no script writes, or is nil.
func (r record) sound() error {
	must := slices.Concat(numbers, stateNumbers[State(r["state"])])
	for field := range r {
		if strings.HasPrefix(field, "n:") {
			must = append(must, field)
		}
	}
	for _, field := range laterNumbers {
		if r[field] != "" {
			must = append(must, field)
		}
	}
	for _, field := range must {
		if !whole(r[field]) {
			return fmt.Errorf("%w: %s is %q", ErrForged, field, r[field])
		}
	}
	if _, err := ParseCounts(r["counted"]); err != nil {
		return fmt.Errorf("%w: %w", ErrForged, err)
	}
	return nil
}

// approval is a stored approval: round, time, MAC, enterprise, operation.
type approval struct {
	by             rules.Person
	at             int64
	round, mac, op string
}

// parseApproval reads an a: field.
func parseApproval(field, value string) (approval, error) {
	p, err := rules.ParsePerson(strings.TrimPrefix(field, "a:"))
	parts := strings.SplitN(value, "|", 5)
	if err != nil || len(parts) != 5 || !whole(parts[0]) || !whole(parts[1]) {
		return approval{}, fmt.Errorf("%w: approval %q of %q", ErrForged, value, field)
	}
	p.Enterprise = parts[3]
	a := approval{by: p, round: parts[0], mac: parts[2], op: parts[4]}
	a.at, err = strconv.ParseInt(parts[1], 10, 64)
	return a, err
}

// String is the approval as the record keeps it.
func (a approval) String() string {
	return fmt.Sprintf("%s|%d|%s|%s|%s", a.round, a.at, a.mac, a.by.Enterprise, a.op)
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
		if !strings.HasPrefix(field, "a:") {
			continue
		}
		a, err := parseApproval(field, value)
		if err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	slices.SortFunc(all, func(a, b approval) int {
		return cmp.Or(cmp.Compare(a.at, b.at), strings.Compare(a.by.String(), b.by.String()))
	})
	return all, nil
}

// over says who ended the request, or gave the approval that completed it.
func (r record) over() *OverError {
	e := &OverError{State: State(r["state"]), By: r.person("ended_by", ""), At: r.time("ended")}
	if e.At.IsZero() {
		if all, err := r.approvals(); err == nil && len(all) > 0 {
			last := all[len(all)-1]
			e.By, e.At = last.by, fromMillis(last.at)
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
		p.genuine = true
		return p, nil
	}
	if err != nil {
		return p, unavailable(err)
	}
	return b.readPlan(p, box)
}

// readBox is read, where the payload came with the record.
func (b *Book) readBox(ctx context.Context, id string, fields map[string]string, box []byte) (Pending, error) {
	if len(box) == 0 { // gone, or an older script that does not send it
		return b.read(ctx, id, fields)
	}
	p := record(fields).pending(id)
	if err := b.genuine(id, fields, &p); err != nil {
		return p, err
	}
	return b.readPlan(p, box)
}

// readWith is read, where the caller has the plan already. Of another one than
// people approved it makes nothing.
func (b *Book) readWith(ctx context.Context, id string, fields map[string]string, plan Plan) (Pending, error) {
	if plan.IsZero() || plan.print != fields["fp"] {
		return b.read(ctx, id, fields)
	}
	p := record(fields).pending(id)
	if err := b.genuine(id, fields, &p); err != nil {
		return p, err
	}
	return p.with(plan)
}

// readPlan opens the payload that belongs to a genuine record.
func (b *Book) readPlan(p Pending, box []byte) (Pending, error) {
	payload, err := b.decrypt(box, b.label(p.ID))
	if err != nil {
		return p, fmt.Errorf("%w: plan of %s: %w", ErrForged, p.ID, err)
	}
	if b.off("plan-seal") {
		if p.Plan, err = parsePlan(payload); err != nil {
			return p, fmt.Errorf("%w: plan of %s: %w", ErrForged, p.ID, err)
		}
		return p, nil
	}
	plan, err := openPlan(payload, p.Fingerprint)
	if err != nil {
		return p, fmt.Errorf("%w: plan of %s: %w", ErrForged, p.ID, err)
	}
	return p.with(plan)
}

// with adds the plan. The record's own words about it are not under its seal,
// so they are judged by the plan, and replaced by what is true.
func (p Pending) with(plan Plan) (Pending, error) {
	said, users := p, len(plan.sealed.Users)
	p.Plan, p.Verb, p.Users, p.Filter = plan, plan.Verb(), users, plan.Filter()
	if reason := plan.sealed.Reason; reason != nil {
		p.Reason = *reason
	}
	if said.Verb != p.Verb || said.Users != p.Users || said.Filter != p.Filter || said.Reason != p.Reason {
		return p, fmt.Errorf("%w: record %s tells of another plan than its own", ErrForged, p.ID)
	}
	p.genuine = true
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
	if r["counted"] != "" && (p.State == NEEDS_REVIEW || p.State == CLOSED) { // what its event says, of everybody
		p.Counts, _ = ParseCounts(r["counted"]) // that it can be read is checked with the seals
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
	if err := r.sound(); err != nil {
		return fmt.Errorf("record %s: %w", id, err)
	}
	all, err := r.approvals()
	if err != nil {
		return err
	}
	for _, a := range all {
		if !b.off("approval-mac") && !fits(a.mac, "approval", b.Tenant, id, r["fp"], a.by.String(), a.by.Enterprise, a.op, a.round) {
			return fmt.Errorf("%w: approval of %s in %s", ErrForged, a.by, id)
		}
		if a.counts(r) {
			p.Approvals = append(p.Approvals, Approval{a.by, fromMillis(a.at)})
		}
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
