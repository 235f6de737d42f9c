package slack

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/approvals/rules"
	"countersign/internal/minislack"
)

// quiet is a Slack that neither receives nor posts.
func (w *world) quiet() *Slack {
	w.t.Helper()
	s, err := New(w.config())
	require.NoError(w.t, err)
	w.t.Cleanup(s.Close)
	return s
}

// P21: nothing is judged by what is older than it may be.
func TestLookUpsAreAsFreshAsAsked(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		s := w.quiet()
		now, before := s.Directory(5*time.Second), s.Directory(time.Minute)
		for range 3 {
			ids, err := now.Members(t.Context(), "S0APPROVERS")
			require.NoError(t, err)
			assert.Equal(t, []string{"U0BOB", "U0CAROL"}, ids)
		}
		assert.Equal(t, 1, w.slack.Calls("usergroups.users.list"))
		w.slack.SetGroup("approvers", "carol")
		time.Sleep(4 * time.Second)
		ids, err := now.Members(t.Context(), "S0APPROVERS")
		require.NoError(t, err)
		assert.Len(t, ids, 2)
		time.Sleep(2 * time.Second)
		old, err := before.Members(t.Context(), "S0APPROVERS")
		require.NoError(t, err)
		assert.Len(t, old, 2, "good enough for reads")
		ids, err = now.Members(t.Context(), "S0APPROVERS")
		require.NoError(t, err)
		assert.Equal(t, []string{"U0CAROL"}, ids)

		far := s.Directory(time.Hour)
		_, err = far.Profile(t.Context(), bob)
		require.NoError(t, err)
		w.slack.SetProfile("bob", func(p *minislack.Person) { p.Deleted = true })
		time.Sleep(time.Minute)
		f, err := far.Profile(t.Context(), bob)
		require.NoError(t, err)
		assert.True(t, f.Deleted, "a profile is never older than a minute")
	})
}

// A burst of clicks is one look-up: user groups allow twenty a minute.
func TestABurstIsOneLookUp(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		s := w.quiet()
		w.slack.Delay("usergroups.users.list", time.Second, 10)
		var clicks sync.WaitGroup
		for range 50 {
			clicks.Go(func() {
				_, err := s.Directory(5*time.Second).Members(t.Context(), "S0APPROVERS")
				assert.NoError(t, err)
			})
		}
		clicks.Wait()
		assert.Equal(t, 1, w.slack.Calls("usergroups.users.list"))
	})
}

// Promise 7: what cannot be looked up is an error, never an old answer.
func TestLookUpsFailClosed(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		s := w.quiet()
		d := s.Directory(5 * time.Second)
		_, err := d.Profile(t.Context(), bob)
		require.NoError(t, err)
		time.Sleep(6 * time.Second)
		for _, word := range []string{"internal_error", "missing_scope"} {
			w.slack.FailNext("users.info", word, 1)
			_, err = d.Profile(t.Context(), bob)
			require.ErrorContains(t, err, word)
			require.NotErrorIs(t, err, rules.ErrUnknownPerson)
		}
		w.slack.RateLimit("users.info", time.Minute, 1)
		_, err = d.Profile(t.Context(), bob)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		_, err = d.Profile(t.Context(), bob)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, 4, w.slack.Calls("users.info"), "Slack is left alone for that minute")
		_, err = d.Members(t.Context(), "S0NOBODY")
		require.ErrorContains(t, err, "no_such_subteam")
	})
}

// P25, P22: who is who, by the flags that Slack has for it.
func TestAProfileSaysWhoSomebodyIs(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		d := w.quiet().Directory(0)
		look := func(edit func(*minislack.Person)) rules.Profile {
			w.slack.SetProfile("bob", func(p *minislack.Person) {
				*p = minislack.Person{ID: p.ID, Name: "bob", Email: "bob@example.com", TZ: "Asia/Kolkata", Team: team}
				edit(p)
			})
			f, err := d.Profile(t.Context(), bob)
			require.NoError(t, err)
			return f
		}
		plain := rules.Profile{Name: "bob", Email: "bob@example.com", TimeZone: "Asia/Kolkata", Team: team}
		assert.Equal(t, plain, look(func(*minislack.Person) {}))
		assert.True(t, look(func(p *minislack.Person) { p.Deleted = true }).Deleted)
		assert.True(t, look(func(p *minislack.Person) { p.Bot = true }).Bot)
		assert.True(t, look(func(p *minislack.Person) { p.Restricted = true }).Restricted)
		assert.True(t, look(func(p *minislack.Person) { p.UltraRestricted = true }).UltraRestricted)
		assert.True(t, look(func(p *minislack.Person) { p.Stranger = true }).Stranger)
		assert.True(t, look(func(p *minislack.Person) { p.Team = "T0ELSEWHERE" }).Stranger)
		nameless := look(func(p *minislack.Person) { p.Team = "" })
		assert.False(t, nameless.Stranger, "a Slack that names no workspace means its own")
		assert.True(t, look(func(p *minislack.Person) { p.Team, p.Stranger = "", true }).Stranger)
		assert.Equal(t, "W9", look(func(p *minislack.Person) { p.Enterprise = "W9" }).Enterprise)
		look(func(*minislack.Person) {})
		forged, err := d.Profile(t.Context(), rules.Person{Team: "T0ELSEWHERE", ID: bob.ID})
		require.NoError(t, err)
		assert.True(t, forged.Stranger, "a payload of another workspace speaks of nobody here")
		_, err = d.Profile(t.Context(), rules.Person{Team: team, ID: "U0NOBODY"})
		require.ErrorIs(t, err, rules.ErrUnknownPerson)
	})
}
