package page

import (
	"strings"
	"time"

	"countersign/approvals"
	"countersign/approvals/rules"
	"countersign/audit"
	"countersign/commands/refusal"
)

// A told is something that happened.
type told struct {
	label string
	approvals.Event
}

// events are something of every kind, with the facts that change its words.
func events() []told {
	now := time.Now().UTC().Truncate(time.Second)
	var bot rules.Person
	alice, bob := person("alice"), person("bob")
	var all []told
	add := func(label string, kind approvals.Kind, by rules.Person, f approvals.Facts, counts approvals.Counts) {
		all = append(all, told{label, approvals.Event{
			At: now, Kind: kind, Request: "K7F3Q", By: by, Facts: f, Counts: counts,
			Fingerprint: strings.Repeat("3fa9c1d2ab07", 6)[:64], Policy: strings.Repeat("c0ffee", 11)[:64],
		}})
	}
	run := approvals.Facts{Verb: "delete", Users: 49, Asked: alice, State: approvals.DONE}
	why := func(w approvals.Why) approvals.Facts { f := run; f.Why = w; return f }
	tried := func(verb string, w approvals.Why) approvals.Facts { return approvals.Facts{Verb: verb, Why: w} }

	add("Requested", approvals.Requested, alice, approvals.Facts{Verb: "delete", Users: 49, Filter: "firstName=NewVendor", Reason: "SEC-124", Need: 1, Deadline: now.Add(4 * time.Hour)}, nil)
	add("Approved", approvals.Approved, bob, approvals.Facts{Have: 1, Need: 1, Starts: now.Add(30 * time.Second)}, nil)
	add("Approved, one of two", approvals.Approved, bob, approvals.Facts{Have: 1, Need: 2}, nil)
	add("Approved that it goes on, one of two", approvals.Approved, bob, approvals.Facts{Have: 1, Need: 2, State: approvals.NEEDS_REVIEW}, nil)
	add("Withdrawn", approvals.Withdrawn, bob, approvals.Facts{Need: 1}, nil)
	add("Rejected", approvals.Rejected, bob, approvals.Facts{Reason: "wrong vendor"}, nil)
	add("Cancelled", approvals.Cancelled, alice, approvals.Facts{}, nil)
	add("Expired", approvals.Expired, bot, approvals.Facts{Why: approvals.WhyDeadline, Need: 1}, nil)
	add("Expired with one of two", approvals.Expired, bot, approvals.Facts{Why: approvals.WhyDeadline, Have: 1, Need: 2}, nil)
	add("Expired, though approved", approvals.Expired, bot, approvals.Facts{Why: approvals.WhyDeadline, Have: 1, Need: 1}, nil)
	add("Expired under a freeze", approvals.Expired, bot, approvals.Facts{Why: approvals.WhyFrozen, Have: 1, Need: 1}, nil)
	add("Expired, forged", approvals.Expired, bot, approvals.Facts{Why: approvals.WhyForged, Need: 1}, nil)
	add("Expired without its plan", approvals.Expired, bot, approvals.Facts{Why: approvals.WhyPayloadGone, Need: 1}, nil)
	add("Started", approvals.Started, bot, run, nil)
	add("Stopped by somebody", approvals.Stopped, bob, run, approvals.Counts{"done": 26, "not-run": 23})
	add("Stopped by itself", approvals.Stopped, bot, why(approvals.WhyFailures), approvals.Counts{"done": 20, "failed": 6, "not-run": 23})
	add("Stopped at the first user", approvals.Stopped, bot, why(approvals.WhyFailures), approvals.Counts{"failed": 1, "not-run": 48})
	add("Finished", approvals.Finished, bot, run, approvals.Counts{"done": 49})
	add("Finished, not for everybody", approvals.Finished, bot, run, approvals.Counts{"done": 47, "already": 1, "skipped": 1})
	for _, w := range []approvals.Why{
		approvals.WhyRequesterRights, approvals.WhyApproverRights, approvals.WhyQuorum, approvals.WhyCap, approvals.WhyChannel,
		approvals.WhyForged, approvals.WhyPayloadGone, approvals.WhyCredentials, approvals.WhyDeadline, approvals.WhyProtected,
		approvals.WhyFrozen, approvals.WhyStopped, approvals.WhyUnreplicated, approvals.WhyRolledBack, "",
	} {
		add("Needs review: "+string(w), approvals.Review, bot, why(w), nil)
	}
	add("Interrupted", approvals.Review, bot, why(approvals.WhyUnknown), approvals.Counts{"done": 26, "unknown": 23})
	add("Resumed", approvals.Resumed, bob, approvals.Facts{Have: 1, Need: 1}, nil)
	add("Closed", approvals.Closed, bob, approvals.Facts{Verb: "delete", Users: 49, Reason: "checked by hand"}, approvals.Counts{"done": 26})
	add("Void", approvals.Void, bot, approvals.Facts{}, nil)
	add("Downloaded", approvals.Downloaded, alice, approvals.Facts{Verb: "download", Users: 2500, Total: 2500, Filter: "role=READER"}, nil)
	add("Looked up", approvals.Found, alice, approvals.Facts{Verb: "find", Users: 12, Filter: "company~Acme"}, nil)
	add("Counted", approvals.Found, alice, approvals.Facts{Verb: "count", Users: 1200}, nil)
	add("Downloaded, not all", approvals.Downloaded, alice, approvals.Facts{Verb: "download", Users: 1000, Total: 2500}, nil)
	add("Looked up, and nobody found", approvals.Found, alice, approvals.Facts{Verb: "find", Filter: "company=Nobody"}, nil)
	for _, w := range []approvals.Why{
		audit.WhyNoRole, audit.WhyNotReader, audit.WhyNotRequester, audit.WhyNotApprover, audit.WhyNotStopper, audit.WhyOwnRequest,
		audit.WhyOwnFreeze, audit.WhySamePerson, audit.WhyNotYours, audit.WhyNoQuorum, audit.WhyShare, audit.WhyEverybody,
		audit.WhyTooMany, audit.WhyPublic, approvals.WhyCap, approvals.WhyForged,
	} {
		add("Refused: "+string(w), approvals.Refused, person("mallory"), tried("delete", w), nil)
	}
	add("Refused: outsider", approvals.Refused, person("gus"), approvals.Facts{Verb: "find", Why: audit.WhyOutsider, Detail: "guest"}, nil)
	if w, detail, ok := refusal.Noted(approvals.ErrFingerprint); ok {
		add("Refused: the button of another plan", approvals.Refused, alice, approvals.Facts{Verb: "approve", Why: w, Detail: detail}, nil)
	}
	add("Refused: overlap", approvals.Refused, alice, approvals.Facts{Verb: "delete", Users: 49, Why: audit.WhyOverlap, Detail: "M2X8P"}, nil)
	for _, verb := range []string{"download", "approve", "reject", "cancel", "withdraw", "close", "resume", "stop", "retry", "undo", "show"} {
		add("Refused to "+verb, approvals.Refused, person("mallory"), tried(verb, audit.WhyNoRole), nil)
	}
	add("Frozen", approvals.Frozen, bob, approvals.Facts{Reason: "incident 7"}, nil)
	add("Unfrozen", approvals.Unfrozen, person("carol"), approvals.Facts{}, nil)
	add("Another policy", approvals.Policy, bot, approvals.Facts{Detail: strings.Repeat("ab", 32)}, nil)
	add("A policy that was accepted", approvals.Policy, bob, approvals.Facts{Detail: strings.Repeat("ab", 32), Have: 1, Need: 2}, nil)
	add("Another key", approvals.Key, bot, approvals.Facts{}, nil)
	add("Another version", approvals.Start, bot, approvals.Facts{Detail: "v1.2.0"}, nil)
	add("Alarm", approvals.Alarm, bot, approvals.Facts{Why: approvals.WhyForged}, nil)
	add("Alarm about the trail", approvals.Alarm, bot, approvals.Facts{Why: audit.WhyTrail, Detail: "#128: 1 entry is missing between #127 and #129"}, nil)
	add("Continued after a loss", approvals.Continued, bot, approvals.Facts{Detail: "128"}, nil)
	add("Checkpoint", approvals.Checkpoint, bot, approvals.Facts{Detail: "#128 9f3ac1"}, nil)
	return all
}
