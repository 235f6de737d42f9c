package page

import (
	"fmt"
	"strings"
	"time"

	"countersign/approvals"
	"countersign/approvals/rules"
	"countersign/audit"
	"countersign/qualys"
)

// The people of the canned data are those of [minislack.Server.Example].
func person(name string) rules.Person {
	return rules.Person{Team: "T0EXAMPLE", ID: "U0" + strings.ToUpper(name)}
}

// A staged is a request in some situation.
type staged struct {
	label string
	approvals.Pending
}

// pendings are requests in every situation a card can show.
func pendings() []staged {
	now := time.Now().UTC().Truncate(time.Minute)
	base := held(now, approvals.Delete, crowd(49, "NewVendor"), nil, nil)
	with := func(label string, change func(*approvals.Pending)) staged {
		p := base
		p.Counts = approvals.Counts{}
		change(&p)
		return staged{label, p}
	}
	approved := func(p *approvals.Pending) {
		p.State, p.Starts = approvals.APPROVED, now.Add(30*time.Second)
		p.Approvals = []approvals.Approval{{By: person("bob"), At: now}}
	}
	ran := func(state approvals.State, chunk int, cause approvals.Why, counts approvals.Counts) func(*approvals.Pending) {
		return func(p *approvals.Pending) {
			approved(p)
			p.State, p.Started, p.Chunk, p.Counts, p.Cause = state, now, chunk, counts, cause
			if state != approvals.RUNNING && state != approvals.NEEDS_REVIEW {
				p.Ended, p.ResultSHA, p.Card.ResultDone = now, strings.Repeat("0f", 32), true
			}
		}
	}
	ended := func(state approvals.State, by, why string) func(*approvals.Pending) {
		return func(p *approvals.Pending) { p.State, p.Ended, p.EndedBy, p.Why = state, now, person(by), why }
	}
	change := qualys.NewChange(qualys.Set{Field: qualys.LastName, Value: "Left"}, qualys.Set{Field: qualys.Title})
	left := []approvals.LeftOut{
		{User: somebody(900, "Own Corp"), Why: approvals.WhyProtected}, {User: somebody(901, "NewVendor"), Why: approvals.WhyAlreadySo},
	}
	return []staged{
		with("Waits for its file", func(p *approvals.Pending) { p.Card.FileShared = false }),
		with("Waits for an approval", func(*approvals.Pending) {}),
		with("One of two has approved", func(p *approvals.Pending) {
			p.Need, p.Approvals = 2, []approvals.Approval{{By: person("bob"), At: now}}
		}),
		{"An update, with users left out", held(now, approvals.Update, crowd(12, "Acme", "Globex"), change, left)},
		{"Names that try to be markup", held(now, approvals.Delete, hostile(), nil, nil)},
		with("Approved; the cool-down runs", approved),
		with("Runs: the first user is done", ran(approvals.RUNNING, 1, "", approvals.Counts{"done": 1})),
		with("Runs: about half is done", ran(approvals.RUNNING, 2, "", approvals.Counts{"done": 26})),
		with("Done", ran(approvals.DONE, 3, "", approvals.Counts{"done": 49})),
		with("Done, but not for everybody", ran(approvals.DONE_WITH_ERRORS, 3, "", approvals.Counts{"done": 46, "already": 1, "skipped": 1, "failed": 1})),
		with("Stopped: too many failed", ran(approvals.STOPPED, 2, approvals.WhyFailures, approvals.Counts{"done": 18, "failed": 8, "not-run": 23})),
		with("Rejected", ended(approvals.REJECTED, "carol", "wrong vendor")),
		with("Cancelled", ended(approvals.CANCELLED, "alice", "")),
		with("Expired", func(p *approvals.Pending) {
			p.State, p.Ended, p.Cause = approvals.EXPIRED, now, approvals.WhyDeadline
		}),
		with("Needs review: an approver lost the right", func(p *approvals.Pending) {
			approved(p)
			p.State, p.Cause = approvals.NEEDS_REVIEW, approvals.WhyApproverRights
		}),
		with("Needs review: the answers do not tell", ran(approvals.NEEDS_REVIEW, 2, approvals.WhyUnknown, approvals.Counts{"done": 26, "unknown": 23})),
		with("Closed", ended(approvals.CLOSED, "bob", "checked by hand")),
		with("Long ago: the plan is not kept any more", func(p *approvals.Pending) {
			ran(approvals.DONE, 3, "", approvals.Counts{"done": 49})(p)
			p.Plan = approvals.Plan{}
		}),
	}
}

// held is a request as the book would hold it.
func held(now time.Time, verb approvals.Verb, users []qualys.SAQUser, change qualys.Change, left []approvals.LeftOut) approvals.Pending {
	draft := approvals.Draft{Tenant: "demo", Verb: verb, Change: change, Users: users, LeftOut: left, Scope: 1200, Filter: "company=" + users[0].Company}
	plan, err := approvals.NewPlan(draft)
	if err != nil {
		panic(err) // the canned data are ours
	}
	return approvals.Pending{
		ID: "K7F3Q", State: approvals.PENDING, Version: 1, Plan: plan, Verb: verb, Users: len(users),
		Fingerprint: plan.Fingerprint(), Requester: person("alice"), Reason: "SEC-124 contract ended", Channel: "C0QUALYSADMIN",
		Need: 1, Filter: draft.Filter, Created: now.Add(-3 * time.Minute), Deadline: now.Add(4 * time.Hour), Chunks: 3,
		Counts: approvals.Counts{}, Card: approvals.Card{FileID: "F1", FileShared: true, Channel: "C0QUALYSADMIN", TS: "1.1"},
	}
}

var names = []string{"Fischer", "Kumar", "Petrov", "Usman", "Costa", "Hughes", "Moreau", "Rossi", "Wójcik", "Eriksen"}

func somebody(n int, company string) qualys.SAQUser {
	first, last := []string{"Aisha", "Liam", "Wei", "Vera", "Quinn"}[n%5], names[n%len(names)]
	login := strings.ToLower(first) + fmt.Sprint(n) + "_" + strings.ToLower(strings.ReplaceAll(company, " ", ""))
	return qualys.SAQUser{
		ID: qualys.SAQUserID(767231594 + n), UserName: login, FirstName: first, LastName: last,
		EmailAddress: login + "@example.com", Company: company, Title: "Vendor contact",
	}
}

func crowd(n int, companies ...string) []qualys.SAQUser {
	var all []qualys.SAQUser
	for i := range n {
		all = append(all, somebody(i, companies[i%len(companies)]))
	}
	return all
}

// hostile are users whose names try everything.
func hostile() []qualys.SAQUser {
	all := crowd(4, "Globex")
	all[0].FirstName, all[0].LastName = "<script>alert(1)</script>", "<img src=x onerror=alert(2)>"
	all[1].FirstName, all[1].Company = "<!channel> *bold* `code`", "=HYPERLINK(\"http://evil.example\")"
	all[2].FirstName, all[2].LastName = "&lt;b&gt; &amp;amp;", "<@U0BOB> :tada:"
	all[3].LastName, all[3].Company = "\u202egnp.exe", "Ünïcödé 漢字 🚀"
	return all
}

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
	add("Withdrawn", approvals.Withdrawn, bob, approvals.Facts{Need: 1}, nil)
	add("Rejected", approvals.Rejected, bob, approvals.Facts{Reason: "wrong vendor"}, nil)
	add("Cancelled", approvals.Cancelled, alice, approvals.Facts{}, nil)
	add("Expired", approvals.Expired, bot, approvals.Facts{Why: approvals.WhyDeadline, Need: 1}, nil)
	add("Started", approvals.Started, bot, run, nil)
	add("Stopped by somebody", approvals.Stopped, bob, run, approvals.Counts{"done": 26, "not-run": 23})
	add("Stopped by itself", approvals.Stopped, bot, why(approvals.WhyFailures), approvals.Counts{"done": 20, "failed": 6, "not-run": 23})
	add("Finished", approvals.Finished, bot, run, approvals.Counts{"done": 49})
	add("Finished, not for everybody", approvals.Finished, bot, run, approvals.Counts{"done": 47, "already": 1, "skipped": 1})
	add("Not started: rights", approvals.Review, bot, why(approvals.WhyRequesterRights), nil)
	add("Not started: the login", approvals.Review, bot, why(approvals.WhyCredentials), nil)
	add("Interrupted", approvals.Review, bot, why(approvals.WhyUnknown), approvals.Counts{"done": 26, "unknown": 23})
	add("Resumed", approvals.Resumed, bob, approvals.Facts{Have: 1, Need: 1}, nil)
	add("Closed", approvals.Closed, bob, approvals.Facts{Verb: "delete", Users: 49, Reason: "checked by hand"}, approvals.Counts{"done": 26})
	add("Void", approvals.Void, bot, approvals.Facts{}, nil)
	add("Downloaded", approvals.Downloaded, alice, approvals.Facts{Verb: "download", Users: 2500, Total: 2500, Filter: "role=READER"}, nil)
	add("Looked up", approvals.Found, alice, approvals.Facts{Verb: "find", Users: 12, Filter: "company~Acme"}, nil)
	add("Counted", approvals.Found, alice, approvals.Facts{Verb: "count", Users: 1200}, nil)
	add("Refused: the own request", approvals.Refused, alice, tried("approve", audit.WhyOwnRequest), nil)
	add("Refused: no right", approvals.Refused, person("mallory"), tried("approve", audit.WhyNotApprover), nil)
	add("Refused: no role", approvals.Refused, person("mallory"), tried("download", audit.WhyNoRole), nil)
	add("Refused: a guest", approvals.Refused, person("gus"), approvals.Facts{Verb: "find", Why: audit.WhyOutsider, Detail: "guest"}, nil)
	add("Refused: too many users", approvals.Refused, alice, tried("delete", approvals.WhyCap), nil)
	add("Frozen", approvals.Frozen, bob, approvals.Facts{Reason: "incident 7"}, nil)
	add("Unfrozen", approvals.Unfrozen, person("carol"), approvals.Facts{}, nil)
	add("Another policy", approvals.Policy, bot, approvals.Facts{Detail: strings.Repeat("ab", 32)}, nil)
	add("Another key", approvals.Key, bot, approvals.Facts{}, nil)
	add("Another version", approvals.Start, bot, approvals.Facts{Detail: "v1.2.0"}, nil)
	add("Alarm", approvals.Alarm, bot, approvals.Facts{Why: approvals.WhyForged}, nil)
	add("Continued after a loss", approvals.Continued, bot, approvals.Facts{Detail: "128"}, nil)
	add("Checkpoint", approvals.Checkpoint, bot, approvals.Facts{Detail: "#128 9f3ac1"}, nil)
	return all
}
