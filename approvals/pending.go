package approvals

import (
	"fmt"
	"time"

	"countersign/approvals/rules"
)

// A State is where a request stands. Terminal states never change.
type State string

// The states, as design and record spell them.
const (
	PENDING          State = "PENDING"
	APPROVED         State = "APPROVED"
	RUNNING          State = "RUNNING"
	DONE             State = "DONE"
	DONE_WITH_ERRORS State = "DONE_WITH_ERRORS"
	STOPPED          State = "STOPPED"
	REJECTED         State = "REJECTED"
	CANCELLED        State = "CANCELLED"
	EXPIRED          State = "EXPIRED"
	NEEDS_REVIEW     State = "NEEDS_REVIEW"
	CLOSED           State = "CLOSED"
)

var states = []State{
	PENDING, APPROVED, RUNNING, DONE, DONE_WITH_ERRORS, STOPPED, REJECTED, CANCELLED, EXPIRED, NEEDS_REVIEW, CLOSED,
}

// Open reports whether the request still holds its users.
func (s State) Open() bool {
	return s == PENDING || s == APPROVED || s == RUNNING || s == NEEDS_REVIEW
}

// An Approval is one person's yes.
type Approval struct {
	By rules.Person
	At time.Time
}

// A Card says where a request stands in Slack. The poster keeps it in the
// record, so that any replica goes on where another died.
type Card struct {
	FileID     string // the plan's CSV, stored before the upload is completed
	FileShared bool   // Slack confirmed that the CSV is in the channel
	Channel    string
	TS         string // of the card's message, or ""
	Version    int64  // of the record the card shows
	ResultID   string // the result's CSV, stored before the upload is completed
	ResultDone bool   // Slack confirmed that the result's CSV is in the channel
}

// A Pending is a plan, who asked for it, why, and until when: what people see
// of a request, from the moment it is held to long after it ended.
type Pending struct {
	ID          string
	State       State
	Version     int64  // raised by every change a card must show
	Plan        Plan   // zero when its retention is over
	Op          string // the trigger_id of the command
	Verb        Verb
	Users       int
	Fingerprint string // 64 hex digits
	Requester   rules.Person
	Reason      string
	Channel     string     // where it was asked, and where the card is
	Policy      string     // hash of the policy it was asked under
	Need        int        // approvals needed
	Approvals   []Approval // of the current round, by time
	Created     time.Time
	Deadline    time.Time
	Starts      time.Time    // end of the cool-down, zero before the quorum
	Started     time.Time    // of the first claim, zero before
	Ended       time.Time    // of the terminal state, zero before
	EndedBy     rules.Person // who rejected, cancelled or closed; zero when the bot did
	Why         string       // their words
	Cause       Why          // the bot's own reason, or ""
	Counts      Counts       // what became of the users so far
	Chunk       int          // chunks done
	Chunks      int          // chunks in all
	Epoch       int64        // how often the run was claimed
	PlanSHA     string       // of the plan's CSV
	ResultSHA   string       // of the result's CSV, or ""
	Filter      string       // what was typed to select the users
	Resuming    bool         // somebody resumes it: it takes approvals again
	Stopper     rules.Person // who asked for the run to stop, or zero
	Card        Card

	// Unreplicated says that no replica of Redis had the last decision when it
	// was made. It stands, and nothing starts before one has it.
	Unreplicated bool

	round, mac string
	genuine    bool // every seal fits
}

// PlanFile is the name of the plan's CSV.
func (p Pending) PlanFile() string { return p.file("") }

// ResultFile is the name of the result's CSV.
func (p Pending) ResultFile() string { return p.file("result-") }

func (p Pending) file(prefix string) string {
	return fmt.Sprintf("%s%s-saq-%d-users-%s.csv", prefix, p.Verb, p.Users, p.Short())
}

// Short is the part of the fingerprint that people see: 12 hex digits.
func (p Pending) Short() string { return p.Fingerprint[:min(12, len(p.Fingerprint))] }
