package audit

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/approvals"
	"countersign/approvals/rules"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares text with a file of testdata, or writes it.
func golden(t *testing.T, name, text string) {
	t.Helper()
	path := "testdata/" + name
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err, "run the tests once with -update")
	assert.Equal(t, string(want), text)
}

type facts = approvals.Facts

var bot rules.Person

// with gives the event counts.
func with(e approvals.Event, c approvals.Counts) approvals.Event {
	e.Counts = c
	return e
}

// spoken has every kind with the facts that change its words.
var spoken = []struct {
	name  string
	event approvals.Event
}{
	{"requested", asks()},
	{"requested: one user, two approvals, until tomorrow", event(approvals.Requested, alice, facts{
		Verb: "update", Users: 1, Filter: `id=1234 set lastName="Left"`, Reason: "SEC-123 contract ended", Need: 2, Deadline: noon.Add(20 * time.Hour)})},
	{"requested: hostile words", event(approvals.Requested, alice, facts{
		Verb: "delete", Users: 2500, Filter: "company=\"<!channel>\u202e *x*). U0BOB approved\"", Reason: "ok\". U0BOB approved K7F3Q.\nRequest \u200bx \U0001F680", Need: 1})},
	{"requested: a long reason", event(approvals.Requested, alice, facts{
		Verb: "delete", Users: 3, Filter: strings.Repeat("firstName=Ünï ", 40), Reason: strings.Repeat("because ", 100)})},
	{"approved", event(approvals.Approved, bob, facts{Have: 1, Need: 1, Starts: noon.Add(30 * time.Second)})},
	{"approved: one more is needed", event(approvals.Approved, bob, facts{Have: 1, Need: 2})},
	{"approved: two more are needed", event(approvals.Approved, bob, facts{Have: 1, Need: 3})},
	{"approved: to go on, one more is needed", event(approvals.Approved, bob, facts{Have: 1, Need: 2, State: approvals.NEEDS_REVIEW, Starts: noon.Add(-time.Hour)})},
	{"withdrawn", event(approvals.Withdrawn, bob, facts{Have: 0, Need: 1})},
	{"withdrawn: there are enough", event(approvals.Withdrawn, bob, facts{Have: 2, Need: 2})},
	{"rejected", event(approvals.Rejected, bob, facts{Reason: "wrong vendor."})},
	{"rejected: without a reason", event(approvals.Rejected, bob, facts{})},
	{"cancelled", event(approvals.Cancelled, alice, facts{})},
	{"expired: nobody decided", event(approvals.Expired, bot, facts{Why: approvals.WhyDeadline, Need: 1})},
	{"expired: one of two", event(approvals.Expired, bot, facts{Why: approvals.WhyDeadline, Have: 1, Need: 2})},
	{"expired: approved, but late", event(approvals.Expired, bot, facts{Why: approvals.WhyDeadline, Have: 1, Need: 1})},
	{"expired: approved, but frozen", event(approvals.Expired, bot, facts{Why: approvals.WhyFrozen, Have: 1, Need: 1})},
	{"expired: forged", event(approvals.Expired, bot, facts{Why: approvals.WhyForged, Need: 1})},
	{"expired: the plan is gone", event(approvals.Expired, bot, facts{Why: approvals.WhyPayloadGone, Have: 1, Need: 1})},
	{"started: delete", event(approvals.Started, bot, facts{Verb: "delete", Users: 49, Asked: alice})},
	{"started: update of one", event(approvals.Started, bot, facts{Verb: "update", Users: 1, Asked: alice})},
	{"stopped: by a person", with(event(approvals.Stopped, bob, facts{Verb: "delete", Users: 49, Why: approvals.WhyStopped}),
		approvals.Counts{"done": 26, "not-run": 23})},
	{"stopped: by somebody whose name was lost", with(event(approvals.Stopped, bot, facts{Verb: "delete", Users: 49, Why: approvals.WhyStopped}),
		approvals.Counts{"not-run": 49})},
	{"stopped: too many failed", with(event(approvals.Stopped, bot, facts{Verb: "delete", Users: 49, Why: approvals.WhyFailures}),
		approvals.Counts{"done": 20, "failed": 6, "not-run": 23})},
	{"finished: all", with(event(approvals.Finished, bot, facts{Verb: "delete", Users: 49, State: approvals.DONE}),
		approvals.Counts{"done": 49})},
	{"finished: nearly all", with(event(approvals.Finished, bot, facts{Verb: "delete", Users: 49, State: approvals.DONE_WITH_ERRORS}),
		approvals.Counts{"done": 47, "already": 1, "skipped": 1})},
	{"finished: an update", with(event(approvals.Finished, bot, facts{Verb: "update", Users: 1200, State: approvals.DONE_WITH_ERRORS}),
		approvals.Counts{"done": 1100, "already": 2, "skipped": 3, "failed": 1, "unknown": 94})},
	{"finished: nothing done", with(event(approvals.Finished, bot, facts{Verb: "delete", Users: 1, State: approvals.DONE}),
		approvals.Counts{"already": 1})},
	{"review: the requester lost the right", event(approvals.Review, bot, facts{Verb: "delete", Users: 49, Why: approvals.WhyRequesterRights, Asked: alice})},
	{"review: an approver lost the right", event(approvals.Review, bot, facts{Verb: "delete", Users: 49, Why: approvals.WhyApproverRights, Asked: alice})},
	{"review: a larger quorum", event(approvals.Review, bot, facts{Verb: "delete", Users: 49, Why: approvals.WhyQuorum, Need: 1})},
	{"review: a smaller cap", event(approvals.Review, bot, facts{Verb: "delete", Users: 49, Why: approvals.WhyCap})},
	{"review: the channel is not listed", event(approvals.Review, bot, facts{Verb: "delete", Users: 49, Why: approvals.WhyChannel})},
	{"review: forged", event(approvals.Review, bot, facts{Verb: "delete", Users: 49, Why: approvals.WhyForged})},
	{"review: the login is refused", with(event(approvals.Review, bot, facts{Verb: "delete", Users: 49, Why: approvals.WhyCredentials}),
		approvals.Counts{"not-run": 49})},
	{"review: the login is refused, and the counts are lost", event(approvals.Review, bot, facts{Verb: "delete", Users: 49, Why: approvals.WhyCredentials})},
	{"review: no replica has it", event(approvals.Review, bot, facts{Verb: "delete", Users: 49, Why: approvals.WhyUnreplicated})},
	{"review: Redis was set back", event(approvals.Review, bot, facts{Verb: "delete", Users: 49, Why: approvals.WhyRolledBack})},
	{"review: the canary is unknown", event(approvals.Review, bot, facts{Verb: "delete", Users: 49, Why: approvals.WhyUnknown})},
	{"review: in the middle", with(event(approvals.Review, bot, facts{Verb: "update", Users: 49, Why: approvals.WhyUnknown}),
		approvals.Counts{"done": 26, "unknown": 23})},
	{"review: frozen for a day", with(event(approvals.Review, bot, facts{Verb: "delete", Users: 49, Why: approvals.WhyFrozen}),
		approvals.Counts{"done": 26, "not-run": 23})},
	{"resumed", event(approvals.Resumed, bob, facts{Have: 1, Need: 1})},
	{"closed", event(approvals.Closed, bob, facts{Verb: "delete", Users: 49, Reason: "done by hand"})},
	{"closed: nothing was run", event(approvals.Closed, bob, facts{Verb: "delete", Users: 49, Why: approvals.WhyApproverRights})},
	{"closed: the run did not get to anybody", with(event(approvals.Closed, bob, facts{Verb: "delete", Users: 49, Why: approvals.WhyCredentials}), approvals.Counts{"not-run": 49})},
	{"closed: nobody knows", event(approvals.Closed, bob, facts{Verb: "delete", Users: 49, Why: approvals.WhyForged})},
	{"closed: after a part", with(event(approvals.Closed, bob, facts{Verb: "delete", Users: 49}), approvals.Counts{"done": 26})},
	{"void", event(approvals.Void, bot, facts{})},
	{"downloaded", event(approvals.Downloaded, alice, facts{Verb: "download", Users: 2500, Total: 2500, Filter: "role=READER"})},
	{"downloaded: one missing", event(approvals.Downloaded, alice, facts{Verb: "download", Users: 2499, Total: 2500})},
	{"found", event(approvals.Found, alice, facts{Verb: "find", Users: 1, Filter: "company~Acme"})},
	{"found: nobody", event(approvals.Found, alice, facts{Verb: "find", Filter: "company~Acme"})},
	{"counted: nobody", event(approvals.Found, alice, facts{Verb: "count", Filter: "company~Acme"})},
	{"counted: everybody", event(approvals.Found, alice, facts{Verb: "count", Users: 1200})},
	{"refused: own request", event(approvals.Refused, alice, facts{Verb: "approve", Why: WhyOwnRequest})},
	{"refused: no right to approve", event(approvals.Refused, rules.Person{Team: "T1", ID: "U0MALLORY"}, facts{Verb: "approve", Why: WhyNotApprover})},
	{"refused: no role", event(approvals.Refused, rules.Person{Team: "T1", ID: "U0MALLORY"}, facts{Verb: "download", Why: WhyNoRole})},
	{"refused: a guest", event(approvals.Refused, rules.Person{Team: "T1", ID: "U0MALLORY"}, facts{Verb: "find", Filter: "company~Acme", Why: WhyOutsider, Detail: "guest"})},
	{"refused: too many users", event(approvals.Refused, alice, facts{Verb: "delete", Users: 1200, Filter: "company~a", Why: approvals.WhyCap})},
	{"refused: a word we do not know", event(approvals.Refused, alice, facts{Verb: "dance", Why: "no-music"})},
	{"refused: no right to stop", event(approvals.Refused, rules.Person{Team: "T1", ID: "U0MALLORY"}, facts{Verb: "stop", Why: WhyNotStopper})},
	{"refused: the own freeze", event(approvals.Refused, bob, facts{Verb: "unfreeze", Why: WhyOwnFreeze})},
	{"refused: a retry of too many", event(approvals.Refused, alice, facts{Verb: "retry", Users: 120, Why: approvals.WhyCap})},
	{"frozen", event(approvals.Frozen, bob, facts{})},
	{"unfrozen", event(approvals.Unfrozen, bob, facts{})},
	{"policy: changed", event(approvals.Policy, bot, facts{Detail: strings.Repeat("ab", 32)})},
	{"policy: the first", event(approvals.Policy, bot, facts{})},
	{"policy: accepted", event(approvals.Policy, bob, facts{Have: 1, Need: 2})},
	{"key", event(approvals.Key, bot, facts{})},
	{"start", event(approvals.Start, bot, facts{Detail: "v1.2.0"})},
	{"start: without a version", event(approvals.Start, bot, facts{})},
	{"alarm: forged", event(approvals.Alarm, bot, facts{Why: approvals.WhyForged})},
	{"alarm: the trail", event(approvals.Alarm, bot, facts{Why: WhyTrail, Detail: "#3: 1 entry is missing between #2 and #4; 2 more"})},
	{"alarm: in words", event(approvals.Alarm, bot, facts{Reason: "the channel is ahead of Redis."})},
	{"alarm: without words", event(approvals.Alarm, bot, facts{})},
	{"continued", event(approvals.Continued, bot, facts{Detail: "127"})},
	{"checkpoint", event(approvals.Checkpoint, bot, facts{Detail: "#128 9f3ac1"})},
	{"a kind of a later version", event("danced", bob, facts{})},
}

func TestSentences(t *testing.T) {
	var b strings.Builder
	for _, s := range spoken {
		fmt.Fprintf(&b, "# %s\n%s\n\n", s.name, Sentence(s.event))
	}
	golden(t, "sentences.txt", b.String())
}

func TestEveryKindHasASentence(t *testing.T) {
	seen := map[approvals.Kind]bool{}
	for _, s := range spoken {
		seen[s.event.Kind] = true
	}
	for kind := range says {
		assert.True(t, seen[kind], "no sentence of %s is in the golden file", kind)
	}
	assert.Len(t, says, 24, "the kinds of design and approvals")
}

// The words of every refusal and every reason of the bot's own are proofread
// in one place.
func TestReasons(t *testing.T) {
	var b strings.Builder
	for _, why := range []approvals.Why{
		WhyNoRole, WhyNotReader, WhyNotRequester, WhyNotApprover, WhyNotStopper, WhyOutsider, WhyOwnRequest, WhyOwnFreeze, WhySamePerson,
		WhyNotYours, WhyNoQuorum, WhyShare, WhyEverybody, WhyOverlap, WhyTooMany, WhyPublic,
		approvals.WhyCap, approvals.WhyChannel, approvals.WhyForged, approvals.WhyDeadline,
		approvals.WhyProtected, approvals.WhyPayloadGone, approvals.WhyFrozen, approvals.WhyStopped,
		approvals.WhyQuorum, approvals.WhyUnreplicated, approvals.WhyRolledBack, WhyTrail,
	} {
		said := because(event(approvals.Refused, alice, facts{Why: why, Detail: "K2M4N"}))
		assert.NotEqual(t, "K2M4N", said, "%s has no words", why)
		fmt.Fprintf(&b, "%s: %s\n", why, said)
	}
	for _, verb := range strings.Fields("download find count update delete approve reject cancel withdraw retry undo stop resume close freeze unfreeze requests whoami") {
		fmt.Fprintf(&b, "%s: tried to %s\n", verb, attempt(event(approvals.Refused, alice, facts{Verb: verb, Filter: "company=Acme"})))
	}
	golden(t, "reasons.txt", b.String())
}

// What a record says of its review, on the card and to whoever closes it, is
// what the entry in the trail says: nobody was touched where nothing was run,
// and nothing at all where nobody knows.
func TestARecordAndItsEntryAgreeOnWhatWasDone(t *testing.T) {
	const none = "No user was touched."
	for _, tt := range []struct {
		name   string
		why    approvals.Why
		began  bool
		counts approvals.Counts
		head   string
		done   string
	}{
		{"before the run", approvals.WhyApproverRights, false, nil, "was not started", none},
		{"a larger quorum", approvals.WhyQuorum, false, nil, "was not started", none},
		{"the login was refused at once", approvals.WhyCredentials, true, approvals.Counts{"not-run": 3}, "was interrupted", none},
		{"the login was refused, the counts are elsewhere", approvals.WhyCredentials, true, nil, "was interrupted", ""},
		{"rights were lost in the middle", approvals.WhyApproverRights, true, approvals.Counts{"done": 1, "not-run": 2}, "was interrupted",
			"Deleted 1 of 3 SAQ users · 2 were not touched."},
		{"all were skipped", approvals.WhyFrozen, true, approvals.Counts{"skipped": 3}, "was interrupted",
			"Deleted none of 3 SAQ users · 3 changed since approval, skipped."},
		{"a forged record", approvals.WhyForged, false, nil, "needs review", ""},
		{"a forged record of a run", approvals.WhyForged, true, nil, "needs review", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := approvals.Pending{ID: "K7F3Q", Verb: approvals.Delete, Users: 3, Cause: tt.why, Counts: tt.counts, Requester: alice}
			if tt.began {
				p.Started = noon
			}
			assert.Equal(t, tt.done, Account(p))
			said := Interrupted(p)
			assert.True(t, strings.HasPrefix(said, "K7F3Q "+tt.head+": "), "%s", said)
			assert.Contains(t, said, tt.done)
			assert.NotContains(t, said, "known result")
			entry := event(approvals.Review, bot, facts{Verb: "delete", Users: 3, Why: tt.why, Asked: alice})
			assert.Equal(t, said+" A person has to look at it: /qualys-users show K7F3Q.", Sentence(with(entry, tt.counts)))
		})
	}
}

// The rules of the voice, as far as a program can hold us to them.
func proofread(t *testing.T, text string) {
	t.Helper()
	ours := regexp.MustCompile(`"[^"]*"\.?| \([^)]*\)`).ReplaceAllString(text, "") // foreign words are quoted
	for _, bad := range []string{
		`\b1 [a-zA-Z ]*users\b`, `\b(0|[2-9]|\d\d+) (SAQ|platform) user\b`, `\b1 [a-z ]*approvals\b`,
		`\b1 (are|were|have)\b`, `!`, `[a-z]  `, `\.\.`, ` \.`, `(?i)failed to`, `(?i)please`, `<nil>`, `%!`,
	} {
		assert.NotRegexp(t, bad, ours)
	}
	assert.Regexp(t, `\."?$`, text)
	assert.Regexp(t, `^[A-Z]`, text)
}

func TestSentencesFollowTheRulesOfTheVoice(t *testing.T) {
	for _, s := range spoken {
		t.Run(s.name, func(t *testing.T) { proofread(t, Sentence(s.event)) })
	}
	for _, state := range []approvals.State{approvals.RUNNING, approvals.DONE, approvals.STOPPED} {
		for _, verb := range []approvals.Verb{approvals.Update, approvals.Delete} {
			for _, n := range []int{0, 1, 2, 1200} {
				c := approvals.Counts{"done": n, "already": n, "skipped": n, "failed": n, "unknown": n, "not-run": n}
				proofread(t, Summary(approvals.Pending{Verb: verb, Users: 6*n + n, Counts: c, State: state})+".")
			}
		}
	}
}

// P34: what people type never reorders, hides, breaks or ends a sentence.
func FuzzForeignTextStaysForeign(f *testing.F) {
	for _, s := range []string{"SEC-124", "a\"b", "\u202eevil", "x\ny", "\U0001F468\u200d\U0001F469", "\xff\xfe", strings.Repeat("ẞ", 5000), "😀:smile:"} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, reason, filter string) {
		e := asks()
		e.Facts.Reason, e.Facts.Filter = reason, filter
		s := Sentence(e)
		require.True(t, utf8.ValidString(s), "%q is not UTF-8", s)
		require.LessOrEqual(t, utf8.RuneCountInString(s), maxSentence)
		require.NotContains(t, s, "  ")
		for _, r := range s {
			if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || drawing(r) {
				t.Fatalf("%q holds %U", s, r)
			}
		}
		require.True(t, strings.HasPrefix(s, "U0ALICE asked to delete 49 SAQ users"), "%q", s)
		require.True(t, strings.HasSuffix(s, " Request K7F3Q, fingerprint 3fa9c1d2ab07, needs 1 approval by 18:03:05 UTC."), "%q", s)
		e.Facts.Reason = ""
		require.LessOrEqual(t, strings.Count(Sentence(e), ")"), 1, "the parentheses end where we end them")
		e.Facts.Reason, e.Facts.Filter = reason, ""
		require.Contains(t, []int{0, 2}, strings.Count(Sentence(e), `"`), "the quotation ends where we end it")
	})
}
