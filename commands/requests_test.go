package commands_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/approvals"
	"countersign/audit"
	"countersign/commands"
)

func TestRequestsAreListed(t *testing.T) {
	w := newTown(t)
	assert.Equal(t, "No requests are open.", w.in(rita, "requests").Text)
	assert.Equal(t, "No requests of yours are kept.", w.in(rita, "requests mine").Text)
	assert.Equal(t, "No requests are kept.", w.in(rita, "requests all").Text)

	first := w.asked(`delete id=1000 reason="SEC-1 *bold* <!channel>"`)
	w.click(bob, commands.ActApprove, first)
	w.redis.SetTime(afternoon.Add(time.Minute))
	w.in(max, `delete id=1100 reason="SEC-2"`)
	w.redis.SetTime(afternoon.Add(2 * time.Minute))
	w.in(alice, `delete id=1200 reason="SEC-3"`)
	all, err := w.book.All(t.Context(), 10)
	require.NoError(t, err)
	require.Len(t, all, 3)
	w.in(alice, "cancel "+all[0].ID)

	open := w.in(rita, "requests").Text
	assert.Contains(t, open, "2 requests\n")
	assert.Contains(t, open, "`"+first.ID+"` · delete 1 SAQ user · approved, starts at ")
	assert.Contains(t, open, "waits for approval (0 of 1) until ")
	mine := w.in(alice, "requests mine").Text
	assert.Contains(t, mine, "2 requests\n")
	assert.Contains(t, mine, "cancelled")
	assert.Contains(t, w.in(bob, "requests all").Text, "3 requests\n")
}

func TestALongListOfRequestsIsCut(t *testing.T) {
	w := newTown(t)
	for i := range 25 {
		w.redis.SetTime(afternoon.Add(time.Duration(i) * time.Minute))
		who := alice
		if i > 9 {
			who = max
		}
		w.in(who, fmt.Sprintf(`delete id=%d reason="SEC-1"`, 1000+i))
		if i > 9 && i < 16 {
			all, err := w.book.All(t.Context(), 1)
			require.NoError(t, err)
			w.in(max, "cancel "+all[0].ID)
		}
	}
	r := w.in(rita, "requests all")
	assert.Contains(t, r.Text, "The latest 20 requests\n")
	assert.Less(t, len(r.Text), 12_000)
}

func TestShowTellsWhatTheCardTells(t *testing.T) {
	w := newTown(t)
	p := w.asked(`update id=1000 set lastName="Left" reason="SEC-1"`)
	r := w.in(rita, "show "+p.ID)
	for _, words := range []string{
		"*Update 1 SAQ user?* · request `" + p.ID + "`", "Asked by: <@UALICE>, <!date^", "Reason: SEC-1",
		"Selected by: `id=1000`", "New values: lastName = `Left`", "Approvals: 0 of 1", "Fingerprint: `" + p.Short() + "`",
	} {
		assert.Contains(t, r.Text, words)
	}
	assert.Equal(t, "There is no request AAAAA, or it is no longer kept.", w.in(rita, "show AAAAA").Text)
}

func TestCloseEndsWhatNeedsReview(t *testing.T) {
	w := newTown(t)
	p := w.asked(`delete id=1000 reason="SEC-1"`)
	assert.Equal(t, p.ID+" still waits for approvals.", w.in(bob, "close "+p.ID).Text)
	w.click(bob, commands.ActApprove, p)
	require.NoError(t, w.book.Review(t.Context(), p.ID, approvals.WhyQuorum))

	assert.Equal(t, "You may not decide requests here.", w.in(rita, "close "+p.ID).Text)
	assert.Equal(t, audit.WhyNotApprover, w.last().Facts.Why)
	r := w.in(carol, "close "+p.ID+" reason=\"looked at it\"")
	assert.Contains(t, r.Text, "Request `"+p.ID+"` is closed.")
	p = w.now(p)
	assert.Equal(t, approvals.CLOSED, p.State)
	assert.Equal(t, "looked at it", p.Why)
	assert.Equal(t, carol, p.EndedBy)
}

func TestTheRequesterMayClose(t *testing.T) {
	w := newTown(t)
	p := w.asked(`delete id=1000 reason="SEC-1"`)
	w.click(bob, commands.ActApprove, p)
	require.NoError(t, w.book.Review(t.Context(), p.ID, approvals.WhyQuorum))
	assert.Contains(t, w.in(alice, "close "+p.ID).Text, "is closed.")
}

// The file has the users of the plan alone: whoever is left out stands here.
func TestShowNamesWhoIsLeftOut(t *testing.T) {
	w := newTown(t)
	for i := range 7 {
		w.qualys.users[i].Company = "Own Corp"
	}
	w.qualys.users[6].LastName = "`<!channel>"
	p := w.asked(newVendor)
	shown := w.in(bob, "show "+p.ID).Text
	assert.Equal(t, 7, strings.Count(shown, " · protected`"), shown)
	assert.Contains(t, shown, "Left out: 7 are protected by the policy\n• `1000 · user0@vendor · NewVendor Smith0 · jo0@example.com · Own Corp · protected`\n")
	assert.NotContains(t, shown, "<!channel>")
	assert.Contains(t, shown, "'&lt;!channel&gt;")
	assert.Equal(t, 2, commands.Card(p, approvals.Freeze{}).LeftOutMore, "where the card names five")

	w.click(alice, commands.ActCancel, p)
	assert.NotContains(t, w.in(bob, "show "+p.ID).Text, "user0@vendor", "history names nobody")
}
