package page

import (
	"fmt"
	"strings"
	"time"

	"countersign/approvals"
	"countersign/approvals/rules"
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
	freeze approvals.Freeze // that is on meanwhile, or none
}

// A situation makes a request be in it.
type situation struct {
	label string
	make  func(*approvals.Pending)
}

// pendings are requests in every situation a card can show, in the order of
// their lives.
func pendings() []staged {
	now := time.Now().UTC().Truncate(time.Minute)
	change := qualys.NewChange(qualys.Set{Field: qualys.LastName, Value: "Left"}, qualys.Set{Field: qualys.Title})
	update := held(now, approvals.Draft{Verb: approvals.Update, Change: change, Users: crowd(12, "Acme", "Globex"), LeftOut: []approvals.LeftOut{
		{User: somebody(900, "Own Corp"), Why: approvals.WhyProtected}, {User: somebody(901, "NewVendor"), Why: approvals.WhyAlreadySo},
	}})
	undo := held(now, approvals.Draft{Verb: approvals.Update, Users: crowd(3, "Acme"), Restore: formerNames(crowd(3, "Acme")), LeftOut: []approvals.LeftOut{
		{User: somebody(902, "Acme"), Why: approvals.WhyDrifted}, {User: somebody(903, "Acme"), Why: approvals.WhyGone},
		{User: somebody(904, "Acme"), Why: approvals.WhyUnwritable},
	}})
	markup := held(now, approvals.Draft{Verb: approvals.Delete, Users: hostile()})
	updated := update
	ran(now, approvals.DONE, 2, "", approvals.Counts{"done": 12})(&updated)

	base := held(now, approvals.Draft{Verb: approvals.Delete, Users: crowd(49, "NewVendor")})
	var all []staged
	for _, s := range waiting(now) {
		all = append(all, staged{label: s.label, Pending: in(base, s)})
	}
	all = append(all, staged{label: "An update, with users left out", Pending: update}, staged{label: "An undo, with users left out", Pending: undo},
		staged{label: "Names that try to be markup", Pending: markup})
	for _, s := range running(now) {
		all = append(all, staged{label: s.label, Pending: in(base, s)})
	}
	for _, s := range frozen(now) {
		all = append(all, staged{s.label, in(base, s), approvals.Freeze{By: person("bob"), At: now}})
	}
	all = append(all, staged{label: "An update that is done", Pending: updated})
	for _, s := range over(now) {
		all = append(all, staged{label: s.label, Pending: in(base, s)})
	}
	return all
}

// in is a copy of a request in a situation.
func in(p approvals.Pending, s situation) approvals.Pending {
	p.Counts = approvals.Counts{}
	s.make(&p)
	return p
}

func waiting(now time.Time) []situation {
	return []situation{
		{"Waits for its file", func(p *approvals.Pending) { p.Card.FileShared = false }},
		{"Waits for an approval", func(*approvals.Pending) {}},
		{"One of two has approved", func(p *approvals.Pending) {
			p.Need, p.Approvals = 2, []approvals.Approval{{By: person("bob"), At: now}}
		}},
	}
}

func running(now time.Time) []situation {
	return []situation{
		{"Approved; the cool-down runs", approved(now)},
		{"Runs: the first user is done", ran(now, approvals.RUNNING, 1, "", approvals.Counts{"done": 1})},
		{"Runs: about half is done", ran(now, approvals.RUNNING, 2, "", approvals.Counts{"done": 26})},
		{"Runs, and somebody has stopped it", func(p *approvals.Pending) {
			ran(now, approvals.RUNNING, 1, "", approvals.Counts{"done": 1})(p)
			p.Stopper = person("carol")
		}},
		{"Done", ran(now, approvals.DONE, 3, "", approvals.Counts{"done": 49})},
		{"Done, but not for everybody", ran(now, approvals.DONE_WITH_ERRORS, 3, "", approvals.Counts{"done": 46, "already": 1, "skipped": 1, "failed": 1})},
		{"Done, and somebody had asked to stop it", func(p *approvals.Pending) {
			ran(now, approvals.DONE, 3, "", approvals.Counts{"done": 49})(p)
			p.Stopper = person("carol")
		}},
		{"Stopped: too many failed", ran(now, approvals.STOPPED, 2, approvals.WhyFailures, approvals.Counts{"done": 18, "failed": 8, "not-run": 23})},
	}
}

// frozen are open requests while everything stands still.
func frozen(now time.Time) []situation {
	return []situation{
		{"Waits for an approval, while everything stands still", func(*approvals.Pending) {}},
		{"Approved, while everything stands still", approved(now)},
		{"Pauses, because everything stands still", ran(now, approvals.RUNNING, 2, "", approvals.Counts{"done": 26})},
	}
}

func over(now time.Time) []situation {
	ended := func(state approvals.State, by, why string) func(*approvals.Pending) {
		return func(p *approvals.Pending) { p.State, p.Ended, p.EndedBy, p.Why = state, now, person(by), why }
	}
	unclear := ran(now, approvals.NEEDS_REVIEW, 2, approvals.WhyUnknown, approvals.Counts{"done": 26, "unknown": 23})
	return []situation{
		{"Rejected", ended(approvals.REJECTED, "carol", "wrong vendor")},
		{"Cancelled", ended(approvals.CANCELLED, "alice", "")},
		{"Expired", func(p *approvals.Pending) {
			p.State, p.Ended, p.Cause = approvals.EXPIRED, now, approvals.WhyDeadline
		}},
		{"Needs review: an approver lost the right", func(p *approvals.Pending) {
			approved(now)(p)
			p.State, p.Cause = approvals.NEEDS_REVIEW, approvals.WhyApproverRights
		}},
		{"Needs review: the answers do not tell", unclear},
		{"Being resumed: one of two", func(p *approvals.Pending) {
			unclear(p)
			p.Resuming, p.Need = true, 2
		}},
		{"Closed", ended(approvals.CLOSED, "bob", "checked by hand")},
		{"Long ago: the plan is not kept any more", func(p *approvals.Pending) {
			ran(now, approvals.DONE, 3, "", approvals.Counts{"done": 49})(p)
			p.Plan = approvals.Plan{}
		}},
	}
}

func approved(now time.Time) func(*approvals.Pending) {
	return func(p *approvals.Pending) {
		p.State, p.Starts = approvals.APPROVED, now.Add(30*time.Second)
		p.Approvals = []approvals.Approval{{By: person("bob"), At: now}}
	}
}

// ran carries a request as far as a chunk.
func ran(now time.Time, state approvals.State, chunk int, cause approvals.Why, counts approvals.Counts) func(*approvals.Pending) {
	return func(p *approvals.Pending) {
		approved(now)(p)
		p.State, p.Started, p.Chunk, p.Counts, p.Cause = state, now, chunk, counts, cause
		if state != approvals.RUNNING && state != approvals.NEEDS_REVIEW {
			p.Ended, p.ResultSHA, p.Card.ResultDone = now, strings.Repeat("0f", 32), true
		}
	}
}

// held is a request as the book would hold it.
func held(now time.Time, draft approvals.Draft) approvals.Pending {
	draft.Tenant, draft.Scope, draft.Filter = "demo", 1200, "company="+draft.Users[0].Company
	plan, err := approvals.NewPlan(draft)
	if err != nil {
		panic(err) // the canned data are ours
	}
	return approvals.Pending{
		ID: "K7F3Q", State: approvals.PENDING, Version: 1, Plan: plan, Verb: draft.Verb, Users: len(draft.Users),
		Fingerprint: plan.Fingerprint(), Requester: person("alice"), Reason: "SEC-124 contract ended", Channel: "C0QUALYSADMIN",
		Need: 1, Filter: draft.Filter, Created: now.Add(-3 * time.Minute), Deadline: now.Add(4 * time.Hour), Chunks: 3,
		Counts: approvals.Counts{}, Card: approvals.Card{FileID: "F1", FileShared: true, Channel: "C0QUALYSADMIN", TS: "1.1"},
	}
}

// formerNames give each user a name of their own back.
func formerNames(users []qualys.SAQUser) map[qualys.SAQUserID]qualys.Change {
	all := map[qualys.SAQUserID]qualys.Change{}
	for i, u := range users {
		all[u.ID] = qualys.NewChange(qualys.Set{Field: qualys.LastName, Value: names[(i+3)%len(names)]})
	}
	return all
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
