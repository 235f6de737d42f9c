package approvals

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gowebpki/jcs"

	"countersign/qualys"
)

// A Verb is what a plan does to its users.
type Verb string

// The two things that need a second person.
const (
	Update Verb = "update"
	Delete Verb = "delete"
)

// MaxUsers is the most users any plan can name, whatever the policy says.
const MaxUsers = 5000

// A LeftOut is a user that the filter matched and the plan does not touch.
type LeftOut struct {
	User qualys.SAQUser
	Why  Why
}

// A Plan is what would happen: these users, this change, sealed. It is made
// only by [NewPlan] and read only from the book, and never changes.
type Plan struct {
	sealed plan
	print  string
}

// A Draft is what a plan is made from.
type Draft struct {
	Tenant  string
	Verb    Verb
	Change  qualys.Change                      // for an update; nil for a delete, and where Restore is set
	Restore map[qualys.SAQUserID]qualys.Change // for an update that gives each user values of its own, as an undo does; else nil
	Users   []qualys.SAQUser                   // as Qualys shows them now; the order does not matter
	LeftOut []LeftOut                          // listed for people, not part of the fingerprint
	Scope   int                                // SAQ users in scope when the plan was made
	Filter  string                             // what was typed, for people
}

// ChangeFor is what the draft writes to one user.
func (d Draft) ChangeFor(id qualys.SAQUserID) qualys.Change {
	if d.Restore != nil {
		return d.Restore[id]
	}
	return d.Change
}

// plan is the payload as Redis keeps it, encrypted. Fields may be added.
type plan struct {
	V       int                                `json:"v"`
	Tenant  string                             `json:"tenant"`
	Verb    Verb                               `json:"verb"`
	Change  qualys.Change                      `json:"change,omitempty"`
	Restore map[qualys.SAQUserID]qualys.Change `json:"restore,omitempty"`
	Users   []qualys.SAQUser                   `json:"users"`
	LeftOut []LeftOut                          `json:"left_out,omitempty"`
	Scope   int                                `json:"scope,omitempty"`
	Filter  string                             `json:"filter,omitempty"`
	Reason  *string                            `json:"reason,omitempty"` // the requester's; nil in plans of older versions
}

// What NewPlan refuses.
var (
	ErrNobody        = errors.New("a plan must name at least one user")
	ErrTooMany       = fmt.Errorf("a plan names at most %d users", MaxUsers)
	ErrSharedEmail   = errors.New("an e-mail address can be set on one user only")
	ErrNoChange      = errors.New("an update must change something")
	errDraft         = errors.New("a draft that no command makes")
	errPlanPayload   = errors.New("not a plan")
	errPlanFootprint = errors.New("the plan does not fit its fingerprint")
)

// NewPlan seals a draft. It refuses a plan of nobody, of the same user twice,
// and a change that nobody may write in bulk.
func NewPlan(d Draft) (Plan, error) {
	switch {
	case len(d.Users) == 0:
		return Plan{}, ErrNobody
	case len(d.Users) > MaxUsers:
		return Plan{}, ErrTooMany
	case d.Verb != Update && d.Verb != Delete, d.Tenant == "":
		return Plan{}, errDraft
	case d.Verb == Delete && (len(d.Change) > 0 || d.Restore != nil), len(d.Change) > 0 && d.Restore != nil:
		return Plan{}, errDraft
	}
	users := slices.Clone(d.Users)
	qualys.SortSAQUsers(users)
	for i, u := range users {
		if u.ID <= 0 || i > 0 && users[i-1].ID == u.ID {
			return Plan{}, fmt.Errorf("%w: user %s", errDraft, u.ID)
		}
	}
	sealed := plan{
		V: 1, Tenant: d.Tenant, Verb: d.Verb, Users: users,
		LeftOut: slices.Clone(d.LeftOut), Scope: d.Scope, Filter: d.Filter,
	}
	if err := sealed.changes(d); err != nil {
		return Plan{}, err
	}
	return seal(sealed)
}

// changes takes over what an update writes: one change for all, or one for
// each user, all of the same fields.
func (p *plan) changes(d Draft) error {
	if p.Verb == Delete {
		return nil
	}
	if d.Restore == nil {
		p.Change = qualys.NewChange(d.Change...)
		return writable(p.Change, len(p.Users))
	}
	p.Restore = map[qualys.SAQUserID]qualys.Change{}
	first := fields(qualys.NewChange(d.Restore[p.Users[0].ID]...))
	for _, u := range p.Users {
		c := qualys.NewChange(d.Restore[u.ID]...)
		if err := writable(c, len(p.Users)); err != nil {
			return err
		}
		if !slices.Equal(fields(c), first) {
			return fmt.Errorf("%w: change of user %s", errDraft, u.ID)
		}
		p.Restore[u.ID] = c
	}
	return nil
}

func writable(c qualys.Change, users int) error {
	if len(c) == 0 {
		return ErrNoChange
	}
	for i, s := range c {
		if !slices.Contains(qualys.Writable, s.Field) || i > 0 && c[i-1].Field == s.Field {
			return fmt.Errorf("%w: change of %s", errDraft, s.Field)
		}
		if s.Field == qualys.EmailAddress && users > 1 {
			return ErrSharedEmail
		}
	}
	return nil
}

func fields(c qualys.Change) []qualys.Field {
	var all []qualys.Field
	for _, s := range c {
		all = append(all, s.Field)
	}
	return all
}

func seal(p plan) (Plan, error) {
	print, err := fingerprint(p)
	return Plan{sealed: p, print: print}, err
}

// openPlan reads a payload and checks it against the fingerprint that people
// approved.
func openPlan(payload []byte, print string) (Plan, error) {
	p, err := parsePlan(payload)
	if err == nil && p.print != print {
		return Plan{}, errPlanFootprint
	}
	return p, err
}

func parsePlan(payload []byte) (Plan, error) {
	var p plan
	if err := json.Unmarshal(payload, &p); err != nil {
		return Plan{}, fmt.Errorf("%w: %w", errPlanPayload, err)
	}
	again, err := NewPlan(Draft{
		Tenant: p.Tenant, Verb: p.Verb, Change: p.Change, Restore: p.Restore, Users: p.Users,
		LeftOut: p.LeftOut, Scope: p.Scope, Filter: p.Filter,
	})
	if err != nil {
		return Plan{}, fmt.Errorf("%w: %w", errPlanPayload, err)
	}
	again.sealed.Reason = p.Reason
	return again, nil
}

// because is the plan with its requester's words, so that they are under its
// seal too.
func (p Plan) because(reason string) Plan {
	p.sealed.Reason = &reason
	return p
}

// fingerprint hashes what would happen, over canonical JSON (RFC 8785): the
// tenant, the verb, the change, and each user's id with a hash of its values
// and, in a plan that restores, its own change.
func fingerprint(p plan) (string, error) {
	type set struct {
		Field string `json:"field"`
		Value string `json:"value"`
	}
	type before struct {
		ID     string `json:"id"`
		Before string `json:"before"`
		Change []set  `json:"change,omitempty"`
	}
	sets := func(c qualys.Change) []set {
		all := []set{}
		for _, s := range c {
			all = append(all, set{string(s.Field), s.Value})
		}
		return all
	}
	f := struct {
		Tenant string   `json:"tenant"`
		Op     string   `json:"op"`
		Change []set    `json:"change"`
		Users  []before `json:"users"`
	}{Tenant: p.Tenant, Op: string(p.Verb), Change: sets(p.Change)}
	for _, u := range p.Users {
		f.Users = append(f.Users, before{u.ID.String(), Before(u), sets(p.Restore[u.ID])})
	}
	return canonicalSHA(f)
}

// Before hashes what a user holds: id, userName, e-mail, names, company, title
// and sorted tag ids. A user whose hash differs from the plan's has drifted.
func Before(u qualys.SAQUser) string {
	var tags []int64
	for _, t := range u.Tags {
		tags = append(tags, t.ID)
	}
	slices.Sort(tags)
	values := []string{
		u.ID.String(), u.UserName, u.EmailAddress, u.FirstName, u.LastName, u.Company, u.Title,
	}
	for _, t := range tags {
		values = append(values, fmt.Sprint(t))
	}
	sum, err := canonicalSHA(values)
	if err != nil { // strings always marshal
		return ""
	}
	return sum
}

func canonicalSHA(v any) (string, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return "", err
	}
	canonical, err := jcs.Transform(raw)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(canonical)
	return hex.EncodeToString(sum[:]), nil
}

// Fingerprint is what people approve: 64 hex digits, of which they see 12.
func (p Plan) Fingerprint() string { return p.print }

// Verb says what happens to the users.
func (p Plan) Verb() Verb { return p.sealed.Verb }

// Change is what an update writes to all users alike; nil for a delete, and
// for a plan that restores.
func (p Plan) Change() qualys.Change { return slices.Clone(p.sealed.Change) }

// Restores reports whether each user gets values of its own.
func (p Plan) Restores() bool { return p.sealed.Restore != nil }

// ChangeFor is what an update writes to one user; nil for a delete.
func (p Plan) ChangeFor(id qualys.SAQUserID) qualys.Change {
	if p.Restores() {
		return slices.Clone(p.sealed.Restore[id])
	}
	return p.Change()
}

// Fields are what an update writes, in the order of [qualys.Writable]; nil for
// a delete.
func (p Plan) Fields() []qualys.Field {
	if p.IsZero() {
		return nil
	}
	return fields(p.ChangeFor(p.sealed.Users[0].ID))
}

// ChunkSize is how many users one write names, after a first write that names
// one: the canary.
const ChunkSize = 25

// Chunks are the users in the order of their writes: the canary alone, then at
// most ChunkSize users that get the same change.
func (p Plan) Chunks() [][]qualys.SAQUser {
	users := p.Users()
	slices.SortStableFunc(users, func(a, b qualys.SAQUser) int { // does nothing where there is one change for all
		return slices.CompareFunc(p.sealed.Restore[a.ID], p.sealed.Restore[b.ID], func(a, b qualys.Set) int {
			return strings.Compare(a.Value, b.Value) // the fields are the same
		})
	})
	var chunks [][]qualys.SAQUser
	for i, u := range users {
		last := len(chunks) - 1
		if i < 2 || len(chunks[last]) == ChunkSize || !slices.Equal(p.sealed.Restore[u.ID], p.sealed.Restore[chunks[last][0].ID]) {
			chunks = append(chunks, nil)
			last++
		}
		chunks[last] = append(chunks[last], u)
	}
	return chunks
}

// Users are the users of the plan by id, as they were when it was made.
func (p Plan) Users() []qualys.SAQUser { return slices.Clone(p.sealed.Users) }

// LeftOut are the users that matched and are not touched.
func (p Plan) LeftOut() []LeftOut { return slices.Clone(p.sealed.LeftOut) }

// Scope is how many SAQ users there were in all.
func (p Plan) Scope() int { return p.sealed.Scope }

// Filter is what was typed to select the users.
func (p Plan) Filter() string { return p.sealed.Filter }

// IsZero reports whether there is no plan: its retention is over.
func (p Plan) IsZero() bool { return p.print == "" }

func (p Plan) payload() ([]byte, error) { return json.Marshal(p.sealed) }
