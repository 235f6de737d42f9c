package approvals

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"countersign/approvals/rules"
)

// A Kind says what an [Event] is about. The words are part of the trail's
// format and never change.
type Kind string

// The kinds of events, and so of entries in the trail.
const (
	Requested  Kind = "requested"
	Approved   Kind = "approved"
	Withdrawn  Kind = "withdrawn"
	Rejected   Kind = "rejected"
	Cancelled  Kind = "cancelled"
	Expired    Kind = "expired"
	Started    Kind = "started"
	Stopped    Kind = "stopped"
	Finished   Kind = "finished"
	Review     Kind = "review"
	Resumed    Kind = "resumed"
	Closed     Kind = "closed"
	Void       Kind = "void"
	Downloaded Kind = "downloaded"
	Found      Kind = "found"
	Refused    Kind = "refused"
	Frozen     Kind = "frozen"
	Unfrozen   Kind = "unfrozen"
	Policy     Kind = "policy"
	Key        Kind = "key"
	Start      Kind = "start"
	Alarm      Kind = "alarm"
	Continued  Kind = "continued"
	Checkpoint Kind = "checkpoint"
)

// An Event is something that happened, written by the Lua script that made it
// true, or noted by the bot ([Book.Note]). Its number is unbroken over the
// installation.
type Event struct {
	Seq         int64        // 1, 2, 3 …; 0 before Redis numbered it
	At          time.Time    // by Redis' clock, whole milliseconds, UTC
	Kind        Kind         //
	Request     string       // the id of the request, or ""
	By          rules.Person // who did it; zero when the bot did
	Fingerprint string       // of the plan, 64 hex digits, or ""
	Policy      string       // hash of the policy in force, 64 hex digits
	Counts      Counts       // what was counted, or nil
	FileSHA     string       // SHA-256 of the CSV that belongs to it, hex, or ""
	Facts       Facts        // what the sentence needs besides
}

// Facts are what a sentence about an event needs to know. They are never
// hashed themselves: the sentence made of them is.
type Facts struct {
	Verb     string       `json:"verb,omitempty"`    // download, find, update, delete …
	Users    int          `json:"users,omitempty"`   // how many the plan or file names
	Reason   string       `json:"reason,omitempty"`  // the requester's, or why somebody said no
	Why      Why          `json:"why,omitempty"`     // the bot's own reason
	Filter   string       `json:"filter,omitempty"`  // what was typed after find or count
	File     string       `json:"file,omitempty"`    // name of the CSV
	Asked    rules.Person `json:"asked,omitzero"`    // the requester, where By is somebody else
	Have     int          `json:"have,omitempty"`    // approvals so far
	Need     int          `json:"need,omitempty"`    // approvals needed
	Deadline time.Time    `json:"deadline,omitzero"` // when the request expires
	Starts   time.Time    `json:"starts,omitzero"`   // when the run may begin
	State    State        `json:"state,omitempty"`   // how a run ended
	Total    int          `json:"total,omitempty"`   // what Qualys said there would be
	Detail   string       `json:"detail,omitempty"`  // a version, an old hash, a number
}

// Counts name numbers of users, such as done or skipped.
type Counts map[string]int

// String is the form that the trail hashes: "done=47 skipped=2", sorted by
// name, without zeros.
func (c Counts) String() string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(c)) {
		if c[name] != 0 {
			parts = append(parts, name+"="+strconv.Itoa(c[name]))
		}
	}
	return strings.Join(parts, " ")
}

// ParseCounts reads what String wrote, and nothing else.
func ParseCounts(s string) (Counts, error) {
	c := Counts{}
	for part := range strings.FieldsSeq(s) {
		name, number, ok := strings.Cut(part, "=")
		n, err := strconv.Atoi(number)
		if !ok || err != nil || name == "" {
			return nil, fmt.Errorf("counts %q", s)
		}
		c[name] = n
	}
	if c.String() != s {
		return nil, fmt.Errorf("counts %q", s)
	}
	return c, nil
}
