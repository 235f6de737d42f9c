package execution_test

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"countersign/approvals"
	"countersign/approvals/rules"
	"countersign/audit"
	"countersign/internal/miniqualys"
	"countersign/qualys"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	alice = rules.Person{Team: "T1", ID: "UALICE"}
	bob   = rules.Person{Team: "T1", ID: "UBOB"}
	carol = rules.Person{Team: "T1", ID: "UCAROL"}
)

const policyText = `
channels: [C1]
readers: [URITA]
requesters: [UALICE]
approvers: [UBOB, UCAROL]
approvals: [{up_to: 500, need: 1}]
max_percent: 100
protected: {companies: [Hands Off]}
`

// A house is one Redis, one Qualys and the people, with as many replicas of the
// executor as a test starts. Time is the bubble's: it costs nothing.
type house struct {
	*testing.T
	redis  *miniredis.Miniredis
	api    *miniqualys.Server
	client *qualys.Client // the tests' own eyes
	book   *approvals.Book
	people *office
	events []approvals.Event    // everything that was posted
	other  string               // id of another request, for tests that forge
	vendor []miniqualys.SAQUser // whom a plan names, by id
	others []miniqualys.SAQUser // bystanders, as they were at first
}

// inHouse runs a test in a bubble, with n users of a vendor and ten bystanders.
func inHouse(t *testing.T, n int, test func(h *house)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := &house{T: t, redis: miniredis.NewMiniRedis(), api: miniqualys.RunInMemoryT(t), people: newOffice()}
		h.redis.ClockTTL(true)
		t.Cleanup(h.redis.Close)
		h.vendor = h.api.AddSAQUsers(n, miniqualys.NewVendor)
		h.others = h.api.AddSAQUsers(10, "Bystander")
		h.client = h.qualys(h.api.Dial)
		h.book = h.open(h.parse(policyText), &link{}, nil)
		test(h)
		h.check()
	})
}

func (h *house) parse(text string) *rules.Policy {
	p, err := rules.Parse([]byte(text))
	require.NoError(h, err)
	return p
}

// open opens the book under a policy, which becomes the newest.
func (h *house) open(p *rules.Policy, l *link, point func(string)) *approvals.Book {
	client := redis.NewClient(&redis.Options{
		Addr: "127.0.0.1:1", MaxRetries: -1, PoolSize: 4, Protocol: 2, DisableIdentity: true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
		Dialer:                   l.dial(h.redis),
	})
	client.AddHook(l)
	h.Cleanup(func() { _ = client.Close() })
	keys, err := approvals.DeriveKeys([]byte(strings.Repeat("k", approvals.KeySize)))
	require.NoError(h, err)
	b, err := approvals.NewBook(approvals.Config{Client: client, Tenant: "test", Keys: keys, Policy: p.Hash(), Retention: time.Hour, Point: point})
	require.NoError(h, err)
	require.NoError(h, b.Record(h.Context(), "policy", b.Policy))
	return b
}

func (h *house) qualys(dial dialer) *qualys.Client {
	c, err := qualys.New(qualys.Config{
		APIURL: h.api.URL(), GatewayURL: h.api.URL(), Dial: dial,
		Username: miniqualys.Username, Password: miniqualys.Password,
	})
	require.NoError(h, err)
	h.Cleanup(c.Close)
	return c
}

// users are the vendor's users, as Qualys shows them.
func (h *house) users() []qualys.SAQUser {
	var users []qualys.SAQUser
	company := qualys.Filter{{Field: qualys.Company, Operator: qualys.Equals, Values: []string{miniqualys.NewVendor}}}
	for u, err := range h.client.Search(h.Context(), company) {
		require.NoError(h, err)
		users = append(users, u)
	}
	qualys.SortSAQUsers(users)
	return users
}

// id is the n-th user of the vendor, from 0; the first chunk is user 0.
func (h *house) id(n int) int64 { return h.vendor[n].ID }

// plan names every user of the vendor.
func (h *house) plan(change ...qualys.Set) approvals.Plan { return h.planOf(h.users(), change...) }

func (h *house) planOf(users []qualys.SAQUser, change ...qualys.Set) approvals.Plan {
	verb := approvals.Delete
	if len(change) > 0 {
		verb = approvals.Update
	}
	p, err := approvals.NewPlan(approvals.Draft{
		Tenant: "test", Verb: verb, Change: change, Users: users, Scope: len(h.api.SAQUsers()), Filter: "company=NewVendor",
	})
	require.NoError(h, err)
	return p
}

const coolDown = 3 * time.Second

// approved holds a plan that Alice asked for and Bob approved, with every entry
// in the channel. It starts by itself after the cool-down.
func (h *house) approved(plan approvals.Plan) approvals.Pending {
	return h.approvedAs("command "+plan.Fingerprint(), plan)
}

// approvedAs is approved, for the command of that operation id.
func (h *house) approvedAs(op string, plan approvals.Plan) approvals.Pending {
	p, err := h.book.Hold(h.Context(), approvals.Holding{
		Plan: plan, By: alice, Op: op, Channel: "C1", Reason: "SEC-124", PlanSHA: "abc",
		Need: 1, Expires: time.Hour, CoolDown: coolDown, MaxOpen: 100, MaxOpenEach: 10,
	})
	require.NoError(h, err)
	h.post()
	c := approvals.Card{FileID: "F1", FileShared: true, Channel: "C1", TS: "1.1"}
	require.NoError(h, h.book.Outbox().SetCard(h.Context(), "poster", p.ID, c))
	require.NoError(h, h.book.Outbox().Shown(h.Context(), "poster", p.ID, 1))
	p, err = h.book.Decide(h.Context(), approvals.Decision{
		Request: p.ID, By: bob, Op: "click", Yes: true, Fingerprint: p.Short(),
	})
	require.NoError(h, err)
	require.Equal(h, approvals.APPROVED, p.State)
	h.post()
	h.api.ForgetRequests()
	return p
}

// post brings every event into the channel, as far as the book can tell.
func (h *house) post() {
	o := h.book.Outbox()
	ok, err := o.Lease(h.Context(), "poster", time.Minute)
	require.NoError(h, err)
	require.True(h, ok, "the tests post alone")
	for {
		events, err := o.Next(h.Context(), 100)
		require.NoError(h, err)
		if len(events) == 0 {
			return
		}
		for _, e := range events {
			require.NoError(h, o.Posted(h.Context(), "poster", e.Seq, fmt.Sprint("hash", e.Seq)))
		}
		h.events = append(h.events, events...)
	}
}

// read returns the request as it is now.
func (h *house) read(p approvals.Pending) approvals.Pending {
	h.Helper()
	p, err := h.book.Pending(h.Context(), p.ID)
	require.NoError(h, err)
	return p
}

// await waits until the request has come to a state, at most for d.
func (h *house) await(p approvals.Pending, d time.Duration, want approvals.State) approvals.Pending {
	h.Helper()
	h.awaitState(p.ID, d, want)
	return h.read(p)
}

func (h *house) awaitState(id string, d time.Duration, want approvals.State) {
	h.Helper()
	record := "countersign:{test}:r:" + id
	for end := time.Now().Add(d); ; time.Sleep(250 * time.Millisecond) {
		state := approvals.State(h.redis.HGet(record, "state"))
		if state == want {
			h.post()
			return
		}
		ended := state != approvals.APPROVED && state != approvals.RUNNING
		if ended || time.Now().After(end) {
			require.Failf(h, "the request did not end as it should", "it is %s (%s), want %s", state, h.redis.HGet(record, "cause"), want)
		}
	}
}

// event returns the one event of that kind about the request.
func (h *house) event(p approvals.Pending, kind approvals.Kind) approvals.Event {
	h.Helper()
	h.post()
	var found []approvals.Event
	for _, e := range h.events {
		if e.Request == p.ID && e.Kind == kind {
			found = append(found, e)
		}
	}
	require.Len(h, found, 1, "events %s", kind)
	return found[0]
}

func (h *house) outcomes(p approvals.Pending) map[qualys.SAQUserID]approvals.Outcome {
	all, err := h.book.Outcomes(h.Context(), p.ID)
	require.NoError(h, err)
	return all
}

func (h *house) outcome(p approvals.Pending, n int) approvals.Outcome {
	return h.outcomes(p)[qualys.SAQUserID(h.id(n))]
}

// writes are the calls that change users, in order.
func (h *house) writes() []miniqualys.Request {
	return slices.DeleteFunc(h.api.Requests(), func(r miniqualys.Request) bool {
		return r.Op != miniqualys.Delete && r.Op != miniqualys.Update
	})
}

var idInBody = regexp.MustCompile(`\b\d{9}\b`)

func named(r miniqualys.Request) []int64 {
	var ids []int64
	for _, s := range idInBody.FindAllString(r.Body, -1) {
		id, _ := strconv.ParseInt(s, 10, 64)
		ids = append(ids, id)
	}
	return ids
}

// check holds after every test: nobody but the planned users was touched, no
// write could have met everybody, nobody was written twice without being read
// in between, and a finished run reports what Qualys really shows.
func (h *house) check() {
	h.Helper()
	for _, was := range h.others {
		is, there := h.api.SAQUser(was.ID)
		assert.True(h, there, "bystander %d is gone", was.ID)
		assert.Equal(h, was, is, "bystander")
	}
	assert.Zero(h, h.api.Wild(), "writes without ids")
	open := map[int64]bool{}
	for _, r := range h.api.Requests() {
		for _, id := range named(r) {
			write := r.Op == miniqualys.Delete || r.Op == miniqualys.Update
			assert.False(h, write && open[id], "user %d was written twice without a reading in between", id)
			open[id] = write
		}
	}
	h.post()
	all, err := h.book.All(h.Context(), 100)
	require.NoError(h, err)
	for _, p := range all {
		h.complete(p)
		if p.State == approvals.DONE || p.State == approvals.DONE_WITH_ERRORS || p.State == approvals.STOPPED {
			h.truthful(p)
		}
	}
}

// complete checks that whatever ended a run, or left it to people, counts every
// user that was approved.
func (h *house) complete(p approvals.Pending) {
	h.Helper()
	users, started := 0, false
	for _, e := range h.events {
		if e.Request != p.ID {
			continue
		}
		switch e.Kind {
		case approvals.Requested:
			users = e.Facts.Users // the record may be forged by now
		case approvals.Started:
			started = true
		case approvals.Finished, approvals.Stopped, approvals.Review, approvals.Closed:
			sum := 0
			for _, n := range e.Counts {
				sum += n
			}
			if started {
				assert.Equal(h, users, sum, "%s counts %s", e.Kind, e.Counts)
			}
		}
	}
}

// truthful compares the result of a run with Qualys' truth, and its counts and
// file with its outcomes.
func (h *house) truthful(p approvals.Pending) {
	h.Helper()
	kind := approvals.Finished
	if p.State == approvals.STOPPED {
		kind = approvals.Stopped
	}
	end := h.event(p, kind)
	all := h.outcomes(p)
	counts := approvals.Counts{}
	for _, u := range p.Plan.Users() {
		o, ok := all[u.ID]
		if !ok {
			o.Result = approvals.ResultNotRun
		}
		counts[string(o.Result)]++
		_, there := h.api.SAQUser(int64(u.ID))
		if p.Plan.Verb() == approvals.Delete {
			gone := o.Result == approvals.ResultDone || o.Result == approvals.ResultAlready || o.Why == approvals.WhyGone
			assert.Equal(h, gone, !there, "user %s is %s in the report", u.ID, o.Result)
		}
	}
	assert.Equal(h, counts.String(), end.Counts.String(), "counts of the event")
	csv := audit.SHA(io.Discard)
	require.NoError(h, audit.ResultCSV(csv, p.Plan, all))
	assert.Equal(h, csv.Sum(), end.FileSHA, "file of the event")
	assert.Equal(h, csv.Sum(), p.ResultSHA, "file of the record")
}
