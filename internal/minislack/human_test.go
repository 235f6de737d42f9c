package minislack_test

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/internal/minislack"
)

// A command arrives as Slack sends it, and its acknowledgement is for one person.
func TestACommandAndItsAcknowledgement(t *testing.T) {
	s, a := install(t)
	var seen envelope
	l := a.open()
	l.answer(func(e envelope) any { seen = e; return obj{"text": "Held as *K7F3Q* & waiting."} })
	ack, err := s.As("alice").Slash("#qualys-admin", "/qualys-users", `find company="A&B" lastName~<x>`)
	require.NoError(t, err)
	assert.Equal(t, "Held as K7F3Q & waiting.", ack.Text)
	assert.False(t, ack.InChannel)
	assert.Equal(t, "alice", ack.Message.EphemeralTo)
	assert.Empty(t, s.As("bob").Read(channel))

	p := seen.Payload
	assert.Equal(t, `find company="A&amp;B" lastName~&lt;x&gt;`, p["text"])
	assert.Equal(t, "privategroup", p["channel_name"])
	assert.Equal(t, channel, p["channel_id"])
	assert.Equal(t, "false", p["is_enterprise_install"], "a string")
	assert.NotEmpty(t, p["trigger_id"])
	s.EncodeSlash(false)
	_, err = s.As("alice").Slash(channel, "/qualys-users", "a&b")
	require.NoError(t, err)
	assert.Equal(t, "a&b", seen.Payload["text"])
}

// An acknowledgement in_channel shows the command and the answer to everybody.
func TestAnAcknowledgementForEverybody(t *testing.T) {
	s, a := install(t)
	a.open().answer(func(envelope) any {
		return obj{"response_type": "in_channel", "text": "fallback", "blocks": card()}
	})
	ack, err := s.As("alice").Slash(channel, "/qualys-users", "requests")
	require.NoError(t, err)
	assert.True(t, ack.InChannel)
	read := s.As("bob").Read(channel)
	require.Len(t, read, 2)
	assert.Equal(t, "/qualys-users requests", read[0].Rendered())
	assert.Equal(t, "Delete 49 SAQ users?\n[Approve] [Reject & close]", read[1].Rendered())
}

// A bad message in an acknowledgement is shown to nobody.
func TestABadAcknowledgementShowsNothing(t *testing.T) {
	s, a := install(t)
	a.open().answer(func(envelope) any { return obj{"blocks": []any{obj{"type": "table"}}} })
	_, err := s.As("alice").Slash(channel, "/qualys-users", "help")
	assert.ErrorContains(t, err, "bad message: invalid_blocks")
	assert.Empty(t, s.As("alice").Read(channel))
}

// Commands work for people who can open the channel, if the app has them.
func TestWhoCanTypeWhat(t *testing.T) {
	s, a := install(t)
	a.open().answer(quiet)
	s.AddPerson(minislack.Person{Name: "eve"})
	s.AddChannel(minislack.Channel{Name: "open"})
	_, err := s.As("eve").Slash(channel, "/qualys-users", "help")
	assert.ErrorIs(t, err, minislack.ErrNotThere)
	_, err = s.As("eve").Slash("#open", "/qualys-users", "help")
	assert.NoError(t, err, "also where the app is no member")
	s.SetCommands("/qualys-users")
	_, err = s.As("alice").Slash(channel, "/other", "help")
	assert.ErrorContains(t, err, "/other is not a valid command")
	s.SetProfile("alice", func(p *minislack.Person) { p.Deleted = true })
	_, err = s.As("alice").Slash(channel, "/qualys-users", "help")
	assert.ErrorIs(t, err, minislack.ErrNotThere)
	s.SetScopes()
	_, err = s.As("bob").Slash(channel, "/qualys-users", "help")
	assert.ErrorIs(t, err, minislack.ErrNotThere, "the scope commands is missing")
}

// A click arrives with its encoded message; a confirm dialog comes first.
func TestAClickAndItsDialog(t *testing.T) {
	s, a := install(t)
	var clicks []envelope
	a.open().answer(func(e envelope) any { clicks = append(clicks, e); return nil })
	ts := a.post("49 & more", "blocks", raw(t, card()))
	ref := minislack.Ref{Channel: "#qualys-admin", TS: ts}
	bob := s.As("bob")

	dialog, err := bob.Click(ref, "Approve")
	require.NoError(t, err)
	require.NotNil(t, dialog)
	assert.Equal(t, []string{"Sure?", "49 users go.", "Yes", "No"}, []string{dialog.Title, dialog.Text, dialog.Yes, dialog.No})
	dialog.Deny()
	assert.Empty(t, clicks)
	require.NoError(t, dialog.Confirm())
	require.Len(t, clicks, 1)
	p := clicks[0].Payload
	action := p["actions"].([]any)[0].(obj)
	assert.Equal(t, "block_actions", p["type"])
	assert.Equal(t, "U0BOB", p["user"].(obj)["id"])
	assert.Equal(t, "approve", action["action_id"])
	assert.Equal(t, "K7F3Q", action["value"])
	assert.Equal(t, "decide", action["block_id"])
	assert.Equal(t, ts, p["container"].(obj)["message_ts"])
	assert.Equal(t, "49 &amp; more", p["message"].(obj)["text"])

	dialog, err = bob.Click(ref, "Reject & close") // by label, though it is stored encoded
	require.NoError(t, err)
	assert.Nil(t, dialog)
	require.Len(t, clicks, 2)
	_, err = bob.Click(ref, "reject") // by action_id
	require.NoError(t, err)
	require.Len(t, clicks, 3)
	_, err = bob.Click(ref, "Approove")
	assert.EqualError(t, err, `button "Approove": not there; there is [Approve] [Reject & close]`)
}

// A screen shows the newest message only; a forged or stale click needs no screen.
func TestAStaleClickIsSentRaw(t *testing.T) {
	s, a := install(t)
	var last envelope
	a.open().answer(func(e envelope) any { last = e; return nil })
	ts := a.post("x", "blocks", raw(t, card()))
	ref := minislack.Ref{Channel: channel, TS: ts}
	require.Empty(t, a.call("chat.update", "channel", channel, "ts", ts, "text", "decided").Refused)
	_, err := s.As("bob").Click(ref, "Approve")
	assert.ErrorIs(t, err, minislack.ErrNotThere)
	require.NoError(t, s.As("bob").ClickRaw(minislack.RawClick{Ref: ref, ActionID: "approve", Value: "forged <x>"}))
	assert.Equal(t, "forged <x>", last.Payload["actions"].([]any)[0].(obj)["value"])
	require.NoError(t, s.As("mallory").ClickRaw(minislack.RawClick{Ref: minislack.Ref{Channel: channel, TS: "1.0"}, ActionID: "approve"}))
	assert.NotContains(t, last.Payload, "message", "no such message")
}

// The buttons of an ephemeral message carry no message, and only its reader presses them.
func TestAClickOnAnEphemeralMessage(t *testing.T) {
	s, a := install(t)
	var last envelope
	a.open().answer(func(e envelope) any { last = e; return nil })
	ts := a.call("chat.postEphemeral", "channel", channel, "user", "U0ALICE", "blocks", raw(t, card())).str("message_ts")
	ref := minislack.Ref{Channel: channel, TS: ts}
	require.NoError(t, s.As("alice").ClickThrough(ref, "Approve"))
	assert.Equal(t, true, last.Payload["container"].(obj)["is_ephemeral"])
	assert.NotContains(t, last.Payload, "message")
	_, err := s.As("bob").Click(ref, "Approve")
	assert.ErrorIs(t, err, minislack.ErrNotThere)
}

// A crowd clicks, types and reads while the card changes: every click is acknowledged.
func TestACrowdAtOnce(t *testing.T) {
	s, a := install(t)
	var clicks atomic.Int64
	for range 3 {
		a.open().answer(func(envelope) any { clicks.Add(1); return nil })
	}
	ts := a.post("x", "blocks", raw(t, card()))
	ref := minislack.Ref{Channel: channel, TS: ts}
	var crowd sync.WaitGroup
	for n := range 50 {
		p := s.AddPerson(minislack.Person{Name: "p" + strconv.Itoa(n)})
		s.Join(channel, p.ID)
		crowd.Go(func() {
			assert.NoError(t, s.As(p.ID).ClickThrough(ref, "Approve"))
			a.call("chat.update", "channel", channel, "ts", ts, "text", p.ID, "blocks", raw(t, card()))
			assert.NotEmpty(t, s.As(p.ID).Read(channel))
		})
	}
	crowd.Wait()
	assert.EqualValues(t, 50, clicks.Load())
}

// An option of a menu is pressed by its label.
func TestAnOptionIsPressedByItsLabel(t *testing.T) {
	s, a := install(t)
	var last envelope
	a.open().answer(func(e envelope) any { last = e; return nil })
	blocks := []any{actions(menu("overflow", []any{option("Cancel", "c"), option("Withdraw", "w")}))}
	ts := a.post("x", "blocks", raw(t, blocks))
	require.NoError(t, s.As("alice").ClickThrough(minislack.Ref{Channel: channel, TS: ts}, "Withdraw"))
	assert.Equal(t, "w", last.Payload["actions"].([]any)[0].(obj)["selected_option"].(obj)["value"])
}

// People talk too, in threads as well; who is not in a private channel reads nothing.
func TestPeopleTalkAndRead(t *testing.T) {
	s, _ := install(t)
	s.AddPerson(minislack.Person{Name: "eve"})
	first, err := s.As("alice").Say(channel, "hello @here & all")
	require.NoError(t, err)
	_, err = s.As("bob").Reply(first.Ref(), "hi")
	require.NoError(t, err)
	thread := s.As("carol").Thread(first.Ref())
	require.Len(t, thread, 2)
	assert.Equal(t, "hello @here & all", thread[0].Rendered())
	assert.Equal(t, first.TS, thread[1].Thread)
	assert.Equal(t, "bob", thread[1].From)
	assert.Empty(t, s.As("eve").Read(channel))
	_, err = s.As("eve").Say(channel, "let me in")
	assert.ErrorIs(t, err, minislack.ErrNotThere)
	s.Join(channel, "eve")
	assert.Len(t, s.As("eve").Read(channel), 2)
}

// Mistakes in a test are told at once.
func TestMistakesInATestPanic(t *testing.T) {
	s, _ := install(t)
	assert.PanicsWithValue(t, `minislack: there is no person "dave"; AddPerson first`, func() { s.As("dave") })
	assert.PanicsWithValue(t, `minislack: there is no channel "#x"; AddChannel first`, func() { s.Channel("#x") })
	assert.PanicsWithValue(t, `minislack: there is no group "x"; AddGroup first`, func() { s.SetGroup("x") })
}

// The feed keeps everything in order; nobody who reads it needs to sleep.
func TestTheFeedKeepsEverythingInOrder(t *testing.T) {
	s, a := install(t)
	feed := s.Subscribe()
	ts := a.post("one")
	a.call("chat.update", "channel", channel, "ts", ts, "text", "two")
	a.call("chat.delete", "channel", channel, "ts", ts)
	var kinds []minislack.Kind
	var texts []string
	for range 3 {
		e, err := feed.Next(t.Context())
		require.NoError(t, err)
		kinds, texts = append(kinds, e.Kind), append(texts, e.Text)
	}
	assert.Equal(t, []minislack.Kind{minislack.Posted, minislack.Updated, minislack.Deleted}, kinds)
	assert.Equal(t, []string{"one", "two", "two"}, texts)
	assert.Len(t, s.Since(0), 3)
	assert.Len(t, s.Since(2), 1)
	assert.Empty(t, s.Since(s.Now()))
	e, err := s.Await(t.Context(), s.PostedIn(channel))
	require.NoError(t, err)
	assert.EqualValues(t, 1, e.N)

	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("gave up"))
	_, err = feed.Next(ctx)
	assert.EqualError(t, err, "gave up")
	s.Close()
	_, err = feed.Next(t.Context())
	assert.ErrorIs(t, err, minislack.ErrClosed)
}
