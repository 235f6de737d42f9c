package rules

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"time"
)

// A Policy is policy.yaml with its defaults filled in. [Parse] makes one; it is
// not changed afterwards.
type Policy struct {
	Channels   []string // channels
	Audit      string   // audit_channel, or the one channel: see [Policy.AuditChannel]
	Checkpoint string   // checkpoint_channel, or empty

	Readers    []string // readers: ids of people and groups
	Requesters []string // requesters
	Approvers  []string // approvers

	Approvals          []Row          // approvals, ascending: see [Policy.Need]
	MaxPercent         int            // max_percent: see [Policy.CapFor]
	TypeToConfirmAbove int            // type_to_confirm_above
	ExpiresAfter       time.Duration  // expires_after
	CoolDown           time.Duration  // cool_down
	Protect            ProtectedUsers // protected: see [Policy.Protected]
	MaxOpen            int            // max_open, of the installation
	Retention          time.Duration  // retention
	Files              FilePolicy     // files
	SamePerson         [][]string     // same_person: see [Policy.SameHuman]
	PolicyChanges      ChangePolicy   // policy_changes
	NewApproversWait   time.Duration  // new_approvers_wait: see [Policy.Waited]
}

// A Row says how many approvals a plan of up to so many users needs.
type Row struct {
	UpTo int `json:"up_to"`
	Need int `json:"need"`
}

// ProtectedUsers are SAQ users that no plan touches.
type ProtectedUsers struct {
	Usernames []string `json:"usernames,omitempty"`
	Companies []string `json:"companies,omitempty"`
	Tags      []string `json:"tags,omitempty"`
}

// A FilePolicy says where CSV files may be posted.
type FilePolicy string

// The values of files.
const (
	PrivateChannelsOnly FilePolicy = "private_channels_only"
	AnyChannel          FilePolicy = "any_channel"
)

// A ChangePolicy says when a changed policy counts.
type ChangePolicy string

// The values of policy_changes.
const (
	Announce  ChangePolicy = "announce"
	TwoPeople ChangePolicy = "two_people"
)

// Limits that no key changes.
const (
	// MaxOpenEach is how many open requests one person may have.
	MaxOpenEach = 10

	// AlwaysAllowed is how many users a plan may name however small the share
	// that max_percent allows. The last row of approvals still holds.
	AlwaysAllowed = 10
)

// AuditChannel returns the channel of the trail.
func (p *Policy) AuditChannel() string {
	if p.Audit == "" && len(p.Channels) == 1 {
		return p.Channels[0]
	}
	return p.Audit
}

// Need returns how many approvals a plan of so many users needs. It is not ok
// when no row covers them: a plan of nobody, or one above the cap.
func (p *Policy) Need(users int) (need int, ok bool) {
	if users < 1 {
		return 0, false
	}
	for _, row := range p.Approvals {
		if users <= row.UpTo {
			return row.Need, true
		}
	}
	return 0, false
}

// Cap returns the most users a plan may name, however many there are.
func (p *Policy) Cap() int {
	if len(p.Approvals) == 0 {
		return 0
	}
	return p.Approvals[len(p.Approvals)-1].UpTo
}

// CapFor returns the most users a plan may name when so many are in scope:
// [Policy.Cap] or the share of max_percent, rounded down, whichever is lower.
// [AlwaysAllowed] is the least that a share comes to.
func (p *Policy) CapFor(scope int) int {
	share := int64(max(scope, 0)) * int64(p.MaxPercent) / 100
	return min(p.Cap(), int(max(share, AlwaysAllowed)))
}

// Waited reports whether an approver who was first seen in a group at that
// moment may approve by now. The caller keeps the first looks, and asks only
// about people who joined a group after its own first look: whoever is named by
// id ([Policy.Named]) or was there from the beginning does not wait. Without a
// first look (the zero time) nobody has waited.
func (p *Policy) Waited(firstSeen, now time.Time) bool {
	if p.NewApproversWait <= 0 {
		return true
	}
	return !firstSeen.IsZero() && !now.Before(firstSeen.Add(p.NewApproversWait))
}

// Named reports whether the policy names the person by id as an approver.
func (p *Policy) Named(who Person) bool { return slices.Contains(p.Approvers, who.ID) }

// canonical is a Policy as [Policy.Canonical] writes it: the keys of the file.
type canonical struct {
	Channels         []string        `json:"channels"`
	Audit            string          `json:"audit_channel,omitempty"`
	Checkpoint       string          `json:"checkpoint_channel,omitempty"`
	Readers          []string        `json:"readers"`
	Requesters       []string        `json:"requesters"`
	Approvers        []string        `json:"approvers"`
	Approvals        []Row           `json:"approvals"`
	MaxPercent       int             `json:"max_percent"`
	TypeToConfirm    int             `json:"type_to_confirm_above"`
	ExpiresAfter     string          `json:"expires_after"`
	CoolDown         string          `json:"cool_down"`
	Protect          *ProtectedUsers `json:"protected,omitempty"`
	MaxOpen          int             `json:"max_open"`
	Retention        string          `json:"retention"`
	Files            FilePolicy      `json:"files"`
	SamePerson       [][]string      `json:"same_person,omitempty"`
	PolicyChanges    ChangePolicy    `json:"policy_changes"`
	NewApproversWait string          `json:"new_approvers_wait"`
}

// Canonical returns the policy on one line of JSON, with every default spelled
// out and every list whose order means nothing sorted. [Parse] reads it back:
// JSON is YAML.
func (p *Policy) Canonical() []byte {
	c := canonical{
		Channels:         sorted(p.Channels),
		Audit:            p.AuditChannel(),
		Checkpoint:       p.Checkpoint,
		Readers:          sorted(p.Readers),
		Requesters:       sorted(p.Requesters),
		Approvers:        sorted(p.Approvers),
		Approvals:        p.Approvals,
		MaxPercent:       p.MaxPercent,
		TypeToConfirm:    p.TypeToConfirmAbove,
		ExpiresAfter:     p.ExpiresAfter.String(),
		CoolDown:         p.CoolDown.String(),
		MaxOpen:          p.MaxOpen,
		Retention:        p.Retention.String(),
		Files:            p.Files,
		PolicyChanges:    p.PolicyChanges,
		NewApproversWait: p.NewApproversWait.String(),
	}
	if u := p.Protect; len(u.Usernames)+len(u.Companies)+len(u.Tags) > 0 {
		c.Protect = &ProtectedUsers{sorted(u.Usernames), sorted(u.Companies), sorted(u.Tags)}
	}
	for _, ids := range p.SamePerson {
		c.SamePerson = append(c.SamePerson, sorted(ids))
	}
	slices.SortFunc(c.SamePerson, slices.Compare)

	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	// Strings and integers into memory: this cannot fail.
	_ = enc.Encode(c)
	return bytes.TrimSpace(b.Bytes())
}

// Hash returns the SHA-256 of [Policy.Canonical] in lower-case hex.
func (p *Policy) Hash() string {
	sum := sha256.Sum256(p.Canonical())
	return hex.EncodeToString(sum[:])
}

func sorted(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return list
}
