package audit

import (
	"cmp"
	"strings"

	"countersign/approvals"
)

// Why somebody was refused: what [approvals.Refused] carries in Facts.Why,
// besides the reasons that package approvals knows. Facts.Verb is what they
// tried.
const (
	WhyNoRole       approvals.Why = "no-role"       // in none of the policy's lists
	WhyNotReader    approvals.Why = "not-reader"    // in a list, but not in readers
	WhyNotRequester approvals.Why = "not-requester" // nor in requesters
	WhyNotApprover  approvals.Why = "not-approver"  // nor in approvers
	WhyNotStopper   approvals.Why = "not-stopper"   // neither in requesters nor in approvers
	WhyOutsider     approvals.Why = "outsider"      // a guest, an app, deactivated: Detail says which
	WhyOwnRequest   approvals.Why = "own-request"   // nobody approves what they asked for
	WhyOwnFreeze    approvals.Why = "own-freeze"    // nobody lifts their own freeze
	WhySamePerson   approvals.Why = "same-person"   // another account of whoever asked
	WhyNotYours     approvals.Why = "not-yours"     // only the requester may
	WhyNoQuorum     approvals.Why = "no-quorum"     // it could never get its approvals
	WhyShare        approvals.Why = "share"         // too large a part of all SAQ users
	WhyEverybody    approvals.Why = "everybody"     // it names all SAQ users in scope
	WhyOverlap      approvals.Why = "overlap"       // another request holds a user: Detail is its id
	WhyTooMany      approvals.Why = "too-many"      // too many requests are open
	WhyPublic       approvals.Why = "public"        // files go to private channels only
)

// WhyTrail is why an alarm is raised about the trail itself; Detail is what was found.
const WhyTrail approvals.Why = "trail"

// because is the bot's own reason as a clause that follows a colon. What has no
// word comes with the words of whoever noted it, in Facts.Reason or Detail.
func because(e approvals.Event) string {
	f := e.Facts
	switch f.Why {
	case approvals.WhyRequesterRights:
		return who(f.Asked) + " may no longer ask for changes"
	case approvals.WhyApproverRights:
		return "somebody who approved it may no longer approve"
	case approvals.WhyQuorum:
		return "the policy asks for more approvals now" // Facts.Need is what it was made with
	case approvals.WhyCap:
		return "the policy allows fewer users in one request"
	case approvals.WhyChannel:
		return "the policy does not list its channel"
	case approvals.WhyForged:
		return "its record does not fit its seals, so nothing of it will run"
	case approvals.WhyPayloadGone:
		return "its plan is no longer in Redis"
	case approvals.WhyCredentials:
		return "Qualys does not accept the login of Countersign"
	case approvals.WhyUnknown:
		return "after three attempts Qualys' answers do not tell what was done"
	case approvals.WhyFailures:
		if first(e.Counts) {
			return "the first user, who is tried alone, failed"
		}
		return "more than a fifth of a chunk failed"
	case approvals.WhyDeadline:
		return "its time is over"
	case approvals.WhyProtected:
		return "all of the users are protected"
	case approvals.WhyFrozen:
		return "everything stood still for too long"
	case approvals.WhyStopped:
		return "a person stopped it"
	case approvals.WhyUnreplicated:
		return "no replica of Redis could be shown to have what was decided"
	case approvals.WhyRolledBack:
		return "the channel knows more of it than Redis does, so Redis was set back"
	case WhyTrail:
		return "the channel does not show this trail as it was posted" + inParens(f.Detail)
	}
	if said := refusal(f); said != "" {
		return said
	}
	if said := foreign(f.Reason, maxReason); said != "" {
		return strings.TrimRight(said, ".")
	}
	if said := foreign(f.Detail, maxDetail); said != "" {
		return strings.TrimRight(said, ".")
	}
	if f.Why != "" {
		return foreign(string(f.Why), maxDetail)
	}
	return "no reason was noted"
}

// first reports whether nobody's turn came but that of the first user.
func first(c approvals.Counts) bool {
	n := 0
	for name, users := range c {
		if name != string(approvals.ResultNotRun) {
			n += users
		}
	}
	return n == 1
}

// refusal has the words for the reasons that only a refusal can have.
func refusal(f approvals.Facts) string {
	switch f.Why {
	case WhyNoRole:
		return "the policy gives them no role"
	case WhyNotReader:
		return "they are not one of the readers"
	case WhyNotRequester:
		return "they are not one of the requesters"
	case WhyNotApprover:
		return "they are not one of the approvers"
	case WhyNotStopper:
		return "they are neither one of the requesters nor one of the approvers"
	case WhyOutsider:
		return "the account is not a full member" + inParens(f.Detail)
	case WhyOwnRequest:
		return "it is their own request"
	case WhyOwnFreeze:
		return "the freeze is their own"
	case WhySamePerson:
		return "the account belongs to the person who asked"
	case WhyNotYours:
		return "only the person who asked may do that"
	case WhyNoQuorum:
		return "too few people could approve it"
	case WhyShare:
		return "that is too large a part of all SAQ users"
	case WhyEverybody:
		return "that is every SAQ user in scope"
	case WhyOverlap:
		return "another request holds some of these users" + inParens(f.Detail)
	case WhyTooMany:
		return "too many requests are open"
	case WhyPublic:
		return "files are posted to private channels only"
	}
	return ""
}

// attempt is what somebody tried, as a verb and what it is about.
func attempt(e approvals.Event) string {
	f := e.Facts
	switch f.Verb {
	case "update", "delete":
		what := "SAQ users"
		if f.Users > 0 {
			what = Plural(f.Users, "SAQ user")
		}
		return f.Verb + " " + what + inParens(f.Filter)
	case "find", "count":
		return f.Verb + " SAQ users" + inParens(f.Filter)
	case "download":
		return "download platform users" + inParens(f.Filter)
	case "approve", "reject", "cancel", "withdraw", "close", "resume", "stop", "retry", "undo", "show":
		return f.Verb + " " + cmp.Or(e.Request, "a request")
	case "requests":
		return "list requests"
	case "freeze", "unfreeze":
		return f.Verb + " all changes"
	}
	return "use Countersign" + inParens(f.Verb)
}
