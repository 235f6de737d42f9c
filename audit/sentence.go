package audit

import (
	"fmt"
	"strings"
	"time"

	"countersign/approvals"
	"countersign/approvals/rules"
)

// The longest pieces of foreign text in a sentence, in characters. Together
// with our own words they stay below maxSentence.
const (
	maxReason   = 300
	maxFilter   = 300
	maxDetail   = 200
	maxSentence = 2900 // Slack takes 3,000 in one block
)

// Sentence says what happened, for the channel: one plain line, or two short
// sentences, without mentions and without emoji. People are named by their id,
// because that is what the trail can prove; foreign text is quoted and cut.
// The entry's text_sha is the SHA-256 of exactly these bytes.
func Sentence(e approvals.Event) string {
	said := says[e.Kind]
	if said == nil {
		said = func(e approvals.Event) string {
			return "Something happened that has no words yet: " + string(e.Kind) + "."
		}
	}
	return foreign(said(e), maxSentence)
}

// says has the words for each kind.
var says = map[approvals.Kind]func(approvals.Event) string{
	approvals.Requested:  requested,
	approvals.Approved:   approved,
	approvals.Withdrawn:  withdrawn,
	approvals.Rejected:   rejected,
	approvals.Cancelled:  cancelled,
	approvals.Expired:    expired,
	approvals.Started:    started,
	approvals.Stopped:    stopped,
	approvals.Finished:   finished,
	approvals.Review:     review,
	approvals.Resumed:    resumed,
	approvals.Closed:     closed,
	approvals.Void:       void,
	approvals.Downloaded: downloaded,
	approvals.Found:      found,
	approvals.Refused:    refused,
	approvals.Frozen:     frozen,
	approvals.Unfrozen:   unfrozen,
	approvals.Policy:     policy,
	approvals.Key:        key,
	approvals.Start:      start,
	approvals.Alarm:      alarm,
	approvals.Continued:  continued,
	approvals.Checkpoint: checkpoint,
}

func requested(e approvals.Event) string {
	s := fmt.Sprintf("%s asked to %s%s.", who(e.By), users(e), inParens(e.Facts.Filter))
	s += reason(e)
	s += fmt.Sprintf(" Request %s, fingerprint %.12s", e.Request, e.Fingerprint)
	if e.Facts.Need > 0 {
		s += ", needs " + Plural(e.Facts.Need, "approval")
		if !e.Facts.Deadline.IsZero() {
			s += " by " + clock(e.Facts.Deadline, e.At)
		}
	}
	return s + "."
}

func approved(e approvals.Event) string {
	if e.Facts.State == approvals.NEEDS_REVIEW {
		return fmt.Sprintf("%s approved that %s goes on%s.%s", who(e.By), e.Request, quorum(e), missing(e))
	}
	s := fmt.Sprintf("%s approved %s%s.%s", who(e.By), e.Request, quorum(e), missing(e))
	if e.Facts.Have >= e.Facts.Need && !e.Facts.Starts.IsZero() {
		s += " It starts at " + clock(e.Facts.Starts, e.At) + "."
	}
	return s
}

// missing says how many approvals are still awaited, if any.
func missing(e approvals.Event) string {
	if n := e.Facts.Need - e.Facts.Have; n > 0 {
		return " It needs " + Plural(n, "more approval") + "."
	}
	return ""
}

func withdrawn(e approvals.Event) string {
	return fmt.Sprintf("%s withdrew the approval of %s%s.%s", who(e.By), e.Request, quorum(e), missing(e))
}

func rejected(e approvals.Event) string {
	return fmt.Sprintf("%s rejected %s.%s No user was touched.", who(e.By), e.Request, reason(e))
}

func cancelled(e approvals.Event) string {
	return fmt.Sprintf("%s cancelled %s.%s No user was touched.", who(e.By), e.Request, reason(e))
}

func expired(e approvals.Event) string {
	why := "nobody approved it in time"
	switch {
	case e.Facts.Why == approvals.WhyPayloadGone:
		why = "its plan was no longer in Redis"
	case e.Facts.Why == approvals.WhyForged:
		why = "its record does not fit its seals"
	case e.Facts.Why == approvals.WhyFrozen:
		why = "it was approved, but everything stood still when its time was over"
	case e.Facts.Have > 0 && e.Facts.Have >= e.Facts.Need:
		why = "it was approved, but could not start in time"
	case e.Facts.Have > 0:
		why = fmt.Sprintf("it had %d of %s when its time was over", e.Facts.Have, Plural(e.Facts.Need, "approval"))
	}
	return fmt.Sprintf("%s expired: %s. No user was touched.", e.Request, why)
}

func started(e approvals.Event) string {
	what := "update"
	if e.Facts.Verb == string(approvals.Delete) {
		what = "deletion"
	}
	s := fmt.Sprintf("The %s of %s began. Request %s", what, Plural(e.Facts.Users, "SAQ user"), e.Request)
	if e.Facts.Asked.ID != "" {
		s += " of " + who(e.Facts.Asked)
	}
	return s + "."
}

func stopped(e approvals.Event) string {
	s := fmt.Sprintf("%s stopped %s.%s", who(e.By), e.Request, reason(e))
	if e.By.ID == "" {
		s = fmt.Sprintf("%s was stopped: %s.", e.Request, because(e))
	}
	return s + " " + ran(approvals.Verb(e.Facts.Verb), e.Facts.Users, e.Counts, "") + "."
}

func finished(e approvals.Event) string {
	return fmt.Sprintf("%s. Request %s.",
		ran(approvals.Verb(e.Facts.Verb), e.Facts.Users, e.Counts, e.Facts.State), e.Request)
}

// review speaks of two things: a run that never began, and one that was given
// up. Its counts are those of everybody, if there are any.
func review(e approvals.Event) string {
	b := begunFor(e.Facts.Why)
	if len(e.Counts) > 0 {
		b = hasBegun
	}
	return interrupted(e, b) + " A person has to look at it: /qualys-users show " + e.Request + "."
}

// interrupted says why a request was handed to people, and what was done by then.
func interrupted(e approvals.Event, b begun) string {
	head := map[begun]string{notBegun: "was not started", hasBegun: "was interrupted", mayHaveBegun: "needs review"}[b]
	return fmt.Sprintf("%s %s: %s.%s", e.Request, head, because(e), account(e, b))
}

func resumed(e approvals.Event) string {
	return fmt.Sprintf("%s resumed %s%s.%s It goes on.", who(e.By), e.Request, quorum(e), reason(e))
}

func closed(e approvals.Event) string {
	return fmt.Sprintf("%s closed %s.%s%s", who(e.By), e.Request, reason(e), account(e, begunFor(e.Facts.Why)))
}

func void(e approvals.Event) string {
	return fmt.Sprintf("%s is void: its record was lost. Nothing more of it will run.", e.Request)
}

func downloaded(e approvals.Event) string {
	s := fmt.Sprintf("%s downloaded %s%s.", who(e.By), Plural(e.Facts.Users, "platform user"), inParens(e.Facts.Filter))
	if e.Facts.Total > 0 && e.Facts.Total != e.Facts.Users {
		s += fmt.Sprintf(" Qualys had announced %s.", Number(e.Facts.Total))
	}
	return s
}

func found(e approvals.Event) string {
	verb := "looked up"
	if e.Facts.Verb == "count" {
		verb = "counted"
	}
	filter := inParens(e.Facts.Filter)
	if filter == "" {
		filter = " (everybody in scope)"
	}
	if e.Facts.Users == 0 {
		return fmt.Sprintf("%s %s SAQ users%s and found none.", who(e.By), verb, filter)
	}
	return fmt.Sprintf("%s %s %s%s.", who(e.By), verb, Plural(e.Facts.Users, "SAQ user"), filter)
}

func refused(e approvals.Event) string {
	return fmt.Sprintf("%s tried to %s and was refused: %s.", who(e.By), attempt(e), because(e))
}

func frozen(e approvals.Event) string {
	return fmt.Sprintf("%s froze all changes.%s Nothing starts, and a run pauses, until an approver other than them lifts this.", who(e.By), reason(e))
}

func unfrozen(e approvals.Event) string {
	return fmt.Sprintf("%s lifted the freeze.%s", who(e.By), reason(e))
}

func policy(e approvals.Event) string {
	s := fmt.Sprintf("The policy changed to %.12s", e.Policy)
	if e.By.ID != "" {
		s = fmt.Sprintf("%s accepted the policy %.12s", who(e.By), e.Policy)
	}
	if e.Facts.Detail != "" {
		s += fmt.Sprintf("; it was %.12s before", foreign(e.Facts.Detail, maxDetail))
	}
	return s + quorum(e) + "."
}

func key(e approvals.Event) string {
	return "The key that signs this trail changed. The former key signed the change too."
}

func start(e approvals.Event) string {
	s := "Countersign started"
	if e.Facts.Detail != "" {
		s = "Countersign " + foreign(e.Facts.Detail, maxDetail) + " started"
	}
	if e.Policy != "" {
		s += fmt.Sprintf(" with the policy %.12s", e.Policy)
	}
	return s + "."
}

func alarm(e approvals.Event) string {
	s := "Alarm"
	if e.Request != "" {
		s += " about " + e.Request
	}
	s += ": " + because(e) + "."
	if e.Facts.Why == WhyTrail {
		s += " Everything is named by bot audit verify --live."
	}
	return s
}

func continued(e approvals.Event) string {
	s := "The trail was continued from the channel, because Redis had lost its end"
	if e.Facts.Detail != "" {
		s += ": the last entry found was #" + foreign(e.Facts.Detail, maxDetail)
	}
	return s + "."
}

func checkpoint(e approvals.Event) string {
	s := "Checkpoint"
	if e.Facts.Detail != "" {
		s += ": the trail stood at " + foreign(e.Facts.Detail, maxDetail)
	}
	return s + "."
}

// users says what a request does, as in "asked to delete 49 SAQ users".
func users(e approvals.Event) string {
	return fmt.Sprintf("%s %s", e.Facts.Verb, Plural(e.Facts.Users, "SAQ user"))
}

// who names a person by id. Without one it was the bot.
func who(p rules.Person) string {
	if p.ID == "" {
		return "Countersign"
	}
	return foreign(p.ID, 40)
}

// quorum is " (1 of 2)", where there is one.
func quorum(e approvals.Event) string {
	if e.Facts.Need == 0 {
		return ""
	}
	return fmt.Sprintf(" (%d of %d)", e.Facts.Have, e.Facts.Need)
}

// reason is somebody's own words as a sentence of their own.
func reason(e approvals.Event) string {
	if foreign(e.Facts.Reason, maxReason) == "" {
		return ""
	}
	said := " Reason: " + quote(e.Facts.Reason, maxReason)
	if strings.HasSuffix(said, `."`) {
		return said
	}
	return said + "."
}

// inParens is what was typed, behind what it selected. Like a quotation, it
// cannot end itself.
func inParens(filter string) string {
	if filter = foreign(filter, maxFilter); filter == "" {
		return ""
	}
	return " (" + strings.NewReplacer("(", "[", ")", "]").Replace(filter) + ")"
}

// clock is a time of the day in UTC, with the day where it is another one.
func clock(t, now time.Time) string {
	t, now = t.UTC(), now.UTC()
	if t.Truncate(24 * time.Hour).Equal(now.Truncate(24 * time.Hour)) {
		return t.Format("15:04:05 UTC")
	}
	return t.Format("2006-01-02 15:04:05 UTC")
}
