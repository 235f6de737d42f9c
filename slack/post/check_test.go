package post

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/approvals"
	"countersign/audit"
	"countersign/internal/minislack"
)

// watchful lets a replica check the trail every ten minutes.
func watchful(c *Config) {
	c.CheckEvery, c.Poll, c.Lease = 10*time.Minute, 20*time.Second, 3*time.Minute
}

// note writes n entries that stand top-level.
func (w *world) note(n int) {
	w.t.Helper()
	for range n {
		w.names++
		require.NoError(w.t, w.book.Note(w.t.Context(), fmt.Sprint("note ", w.names), approvals.Event{Kind: approvals.Found, By: alice}))
	}
}

// alarms are the sentences of the alarms in the channel.
func (w *world) alarms() []string {
	var all []string
	for _, m := range w.with(audit.EventType) {
		if text, _, _ := strings.Cut(m.Rendered(), "\n"); strings.HasPrefix(text, "Alarm") {
			all = append(all, text)
		}
	}
	return all
}

// entry is the message with an entry.
func (w *world) entry(seq int64) minislack.Message {
	w.t.Helper()
	for _, m := range w.slack.Messages(channel) {
		var e audit.Entry
		if m.Metadata != nil && m.Metadata.Type == audit.EventType && e.UnmarshalJSON(m.Metadata.Payload) == nil && e.Seq == seq {
			return m
		}
	}
	w.t.Fatalf("there is no #%d", seq)
	return minislack.Message{}
}

// A trail that grows for days, in threads and beside them, with posts that were
// repeated, alarms nobody.
func TestAnUntouchedTrailAlarmsNobody(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.bot(watchful)
		for day := range 2 {
			plan, err := approvals.NewPlan(approvals.Draft{
				Tenant: "test", Verb: approvals.Delete, Users: w.users[day*4 : day*4+3], Scope: len(w.users), Filter: "firstName=NewVendor",
			})
			require.NoError(t, err)
			p := w.holdPlan(fmt.Sprint("day ", day), plan)
			w.pass(20 * time.Minute)
			w.slack.LoseAnswer("chat.postMessage", 1)
			w.approve(p)
			w.note(110)
			w.pass(2 * time.Minute)
			w.run(p)
			w.pass(45 * time.Minute)
		}
		assert.Empty(t, w.alarms())
		assert.Greater(t, strings.Count(w.log.String(), "the end of the trail is as it was posted"), 5)
		assert.NotContains(t, w.log.String(), "could not be checked")
	})
}

// What somebody did to the channel is an entry of the trail, once, and stays a
// problem of the replica that posts.
func TestWhatTheCheckFindsIsAnAlarmOnce(t *testing.T) {
	for _, tt := range []struct {
		name string
		do   func(w *world)
		want string
	}{
		{"deleted", func(w *world) { w.slack.DeleteMessage(w.entry(3).Ref()) }, "(#3: 1 entry is missing between #2 and #4)"},
		{"the newest deleted", func(w *world) { w.slack.DeleteMessage(w.entry(6).Ref()) }, "(#6: the entry is missing)"},
		{"edited", func(w *world) { w.slack.EditMessage(w.entry(3).Ref(), "x", nil) }, "(#3: Slack marks the message as edited by U0ADMINISTRATOR"},
		{"forged", func(w *world) { w.slack.Forge("mallory", w.entry(3)) }, "(#3: U0MALLORY posted it, and not Countersign [U0BOT]: it does not count"},
		{"several", func(w *world) {
			w.slack.DeleteMessage(w.entry(3).Ref())
			w.slack.DeleteMessage(w.entry(5).Ref())
		}, "(#3: 1 entry is missing between #2 and #4; 1 more)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, w *world) {
				var problems []int
				b := w.bot(watchful, func(c *Config) { c.Checked = func(n int) { problems = append(problems, n) } })
				w.hold("trigger", 3)
				w.note(5)
				w.pass(30 * time.Minute)
				tt.do(w)
				w.pass(30 * time.Minute)
				alarms := w.alarms()
				require.Len(t, alarms, 1)
				assert.Contains(t, alarms[0], "Alarm: the channel does not show this trail as it was posted "+tt.want)
				assert.Positive(t, b.Problems())
				w.note(5)
				w.pass(45 * time.Minute)
				assert.Len(t, w.alarms(), 1, "%q", w.alarms())
				assert.Positive(t, b.Problems())
				assert.Contains(t, w.log.String(), "the trail is not as it was posted")
				b.stop()
				assert.Zero(t, b.Problems(), "whoever posts next says how it goes")
				assert.Zero(t, problems[len(problems)-1])

				w.bot(watchful)
				w.pass(45 * time.Minute)
				assert.Len(t, w.alarms(), 1, "another replica repeats nothing")
			})
		})
	}
}

// More that is deleted later is another alarm.
func TestAnotherDeletionIsAnotherAlarm(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.bot(watchful)
		w.note(6)
		w.pass(30 * time.Minute)
		w.slack.DeleteMessage(w.entry(3).Ref())
		w.pass(30 * time.Minute)
		require.Len(t, w.alarms(), 1)
		w.slack.DeleteMessage(w.entry(4).Ref())
		w.pass(30 * time.Minute)
		require.Len(t, w.alarms(), 2)
		assert.Contains(t, w.alarms()[1], "(#3: 2 entries are missing between #2 and #5)")
	})
}

// Messages that go at their age, day by day, are told once.
func TestARetentionOfTheChannelIsToldOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.bot(watchful)
		w.note(20)
		w.pass(time.Hour)
		for seq := range int64(5) {
			w.slack.DeleteMessage(w.entry(seq + 1).Ref())
			w.pass(45 * time.Minute)
		}
		assert.Len(t, w.alarms(), 1, "%q", w.alarms())
	})
}

// Who cannot read has found nothing.
func TestACheckThatCannotReadAlarmsNobody(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		b := w.bot(watchful)
		w.note(3)
		w.pass(15 * time.Minute)
		w.slack.FailNext("conversations.history", "fatal_error", 1)
		w.pass(12 * time.Minute)
		assert.Contains(t, w.log.String(), "the trail could not be checked")
		w.pass(45 * time.Minute)
		assert.Empty(t, w.alarms())
		assert.Zero(t, b.Problems())
	})
}

// Slack's history may be late: what was gone for a moment only is none.
func TestWhatIsThereAgainIsNoProblem(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.bot(watchful)
		w.note(3)
		w.pass(50 * time.Second)
		m := w.entry(3)
		w.slack.DeleteMessage(m.Ref())
		w.pass(time.Minute)
		m.Deleted = false
		w.slack.Forge("bot", m)
		w.pass(45 * time.Minute)
		assert.Empty(t, w.alarms())
	})
}

// The trail goes on behind what Redis lost, and nothing of that is a problem.
func TestATrailThatContinuesIsSound(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		b := w.bot(watchful)
		w.hold("trigger", 3)
		w.note(4)
		w.pass(30 * time.Minute)
		b.stop()
		w.redis.FlushAll()
		w.bot(watchful)
		w.pass(time.Minute)
		w.note(4)
		w.pass(45 * time.Minute)
		assert.Empty(t, w.alarms())
		assert.Contains(t, w.trail(), "continued")
	})
}

// The check reads no faster than it may, and never for long.
func TestTheCheckLeavesSlackToOthers(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.slack.SetMessageRate(0, 0)
		w.slack.EnforceTiers()
		w.bot(watchful)
		for i := range 40 {
			plan, err := approvals.NewPlan(approvals.Draft{Tenant: "test", Verb: approvals.Delete, Users: w.users[i : i+1], Scope: len(w.users)})
			require.NoError(t, err)
			p := w.holdPlan(fmt.Sprint("matter ", i), plan)
			_, err = w.book.Cancel(t.Context(), p.ID, alice, fmt.Sprint("cancel ", i))
			require.NoError(t, err)
			w.note(4)
		}
		w.pass(19 * time.Minute)
		before := w.slack.Calls("conversations.history") + w.slack.Calls("conversations.replies")
		w.pass(10 * time.Minute)
		calls := w.slack.Calls("conversations.history") + w.slack.Calls("conversations.replies") - before
		assert.Positive(t, calls)
		assert.LessOrEqual(t, calls, 60)
		assert.Empty(t, w.alarms())
	})
}
