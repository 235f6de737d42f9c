package slack

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/approvals"
	"countersign/commands"
	"countersign/internal/minislack"
	"countersign/slack/web"
)

// shownCard holds a request of n users and returns it with its card.
func (w *world) shownCard(n int) (approvals.Pending, minislack.Message) {
	w.t.Helper()
	p := w.hold("trigger", n)
	w.pass(5 * time.Second)
	return p, w.card()
}

func (w *world) state(p approvals.Pending) approvals.State {
	w.t.Helper()
	now, err := w.book.Pending(w.t.Context(), p.ID)
	require.NoError(w.t, err)
	return now.State
}

// Promise 1: a command is acknowledged at once, and answered when the work is done.
func TestACommandIsAcknowledgedAndThenAnswered(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.bot()
		ack, err := w.slack.As("alice").Slash(channel, "/qualys-users", `delete firstName=NewVendor reason="SEC-124"`)
		require.NoError(t, err)
		assert.NotEmpty(t, ack.Text)
		w.pass(5 * time.Second)
		assert.Contains(t, w.told("alice")[1], "Held as ")
		assert.Contains(t, w.card().Rendered(), "Delete 49 SAQ users?")
		left, err := w.book.Abandoned(t.Context(), 0)
		require.NoError(t, err)
		assert.Empty(t, left, "commands still noted")
	})
}

// P04, P05: a command that Slack repeats runs once and is answered once.
func TestARepeatedCommandIsAnsweredOnce(t *testing.T) {
	for _, sameEnvelope := range []bool{true, false} {
		inBubble(t, func(t *testing.T, w *world) {
			w.bot()
			w.slack.DuplicateNext(sameEnvelope)
			_, err := w.slack.As("alice").Slash(channel, "/qualys-users", `delete firstName=NewVendor reason="SEC-124"`)
			require.NoError(t, err)
			w.pass(10 * time.Second)
			all, err := w.book.All(t.Context(), 10)
			require.NoError(t, err)
			assert.Len(t, all, 1)
			assert.Len(t, w.with(web.CardType), 1)
			assert.LessOrEqual(t, len(w.told("alice")), 2)
		})
	}
}

// Where the policy lists no channel, the bot is no member: the refusal travels in the ack.
func TestARefusalInAnotherChannelTravelsInTheAck(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.slack.AddChannel(minislack.Channel{Name: "random", Members: []string{"alice"}})
		w.bot()
		ack, err := w.slack.As("alice").Slash("#random", "/qualys-users", "find company=Acme")
		require.NoError(t, err)
		assert.Contains(t, ack.Text, "#qualys-admin")
		assert.False(t, ack.InChannel)
		w.pass(time.Minute)
		assert.Zero(t, w.slack.Calls("chat.postEphemeral"))
	})
}

// P01: a command whose replica dies over it is noticed by another, which tells the person.
func TestACommandWhoseReplicaDiedIsNoticed(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.deskWith = func(d Desk) Desk { return slowDesk{d} }
		dying := w.bot(func(c *Config) { c.Grace = time.Second })
		_, err := w.slack.As("alice").Slash(channel, "/qualys-users", "find company=`Acme`")
		require.NoError(t, err)
		w.pass(time.Minute)
		assert.Len(t, w.told("alice"), 1, "it shows signs of life")
		dying.stop()
		w.bot()
		w.pass(90 * time.Second)
		told := w.told("alice")
		require.Len(t, told, 2, "told once")
		assert.Contains(t, told[1], "/qualys-users find company='Acme'")
	})
}

// A slowDesk takes an hour for every command.
type slowDesk struct{ Desk }

func (slowDesk) Slash(context.Context, commands.Slash) commands.Reply {
	return commands.Reply{Text: "Looking up…", Then: func(ctx context.Context) commands.Reply {
		web.Sleep(ctx, time.Hour)
		return commands.Reply{Text: "Too late."}
	}}
}

// Promise 5: a decision is stored before Slack hears its ok.
func TestADecisionIsStoredBeforeItsAcknowledgement(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.bot()
		p, card := w.shownCard(3)
		require.NoError(t, w.slack.As("bob").ClickThrough(card.Ref(), "Approve"))
		assert.Equal(t, approvals.APPROVED, w.state(p))
		w.pass(3 * time.Second)
		assert.Empty(t, w.told("bob"), "the card says it")
		assert.Contains(t, w.card().Rendered(), "Approved")
		assert.Equal(t, []string{"requested", "approved"}, w.trail())
	})
}

// P20: the requester's own click is refused, privately and in the trail.
func TestTheRequestersOwnClickIsRefused(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.bot()
		p, card := w.shownCard(3)
		require.NoError(t, w.slack.As("alice").ClickThrough(card.Ref(), "Approve"))
		w.pass(3 * time.Second)
		assert.Contains(t, w.told("alice")[0], "You asked for this one. A second person has to approve it.")
		assert.Equal(t, approvals.PENDING, w.state(p))
		assert.Equal(t, []string{"requested", "refused"}, w.trail())
	})
}

// P02: what is not decided within two seconds is not stored; Slack gets its ok
// and the person presses again.
func TestAClickThatTakesTooLongIsNotStored(t *testing.T) {
	for _, slow := range []string{"users.info", "usergroups.users.list"} {
		inBubble(t, func(t *testing.T, w *world) {
			w.bot()
			p, card := w.shownCard(3)
			w.slack.Delay(slow, 4*time.Second, 10)
			began := time.Now()
			require.NoError(t, w.slack.As("bob").ClickThrough(card.Ref(), "Approve"))
			assert.Less(t, time.Since(began), 3*time.Second)
			w.pass(10 * time.Second)
			assert.Equal(t, approvals.PENDING, w.state(p))
			require.Len(t, w.told("bob"), 1)
			assert.Contains(t, w.told("bob")[0], "Press again")
			assert.NotEmpty(t, w.card().Buttons())
			w.slack.Delay(slow, 0, 1)
		})
	}
}

// A decision that was stored late is not asked for again.
func TestADecisionThatWasStoredLateIsSaid(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		late := &lateDesk{reply: commands.Reply{Text: "Your approval counts. One more is needed.", Stored: true}}
		w.deskWith = func(d Desk) Desk { late.Desk = d; return late }
		w.bot()
		_, card := w.shownCard(3)
		require.NoError(t, w.slack.As("bob").ClickThrough(card.Ref(), "Approve"))
		w.pass(3 * time.Second)
		require.Len(t, w.told("bob"), 1)
		assert.Contains(t, w.told("bob")[0], "One more is needed")
		late.reply.Stored = false
		require.NoError(t, w.slack.As("carol").ClickThrough(card.Ref(), "Approve"))
		w.pass(3 * time.Second)
		require.Len(t, w.told("carol"), 1)
		assert.Contains(t, w.told("carol")[0], "Press again")
	})
}

// A lateDesk answers clicks when their time is just over.
type lateDesk struct {
	Desk
	reply commands.Reply
}

func (d *lateDesk) Click(ctx context.Context, _ commands.Click) commands.Reply {
	<-ctx.Done()
	return d.reply
}

// Who was not looked up in time hears that, and not of a memory that was never asked.
func TestAPersonWhoIsNotLookedUpInTimeHearsWhy(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.bot()
		w.slack.Delay("users.info", 4*time.Second, 10)
		ack, err := w.slack.As("alice").Slash(channel, "/qualys-users", "count company=Acme")
		require.NoError(t, err)
		assert.Contains(t, ack.Text, "Slack did not tell me in time who you are")
		w.pass(10 * time.Second)
		left, err := w.book.Abandoned(t.Context(), 0)
		require.NoError(t, err)
		assert.Empty(t, left, "commands still noted")
	})
	inBubble(t, func(t *testing.T, w *world) {
		w.bot()
		w.slack.RateLimit("users.info", time.Minute, 10)
		ack, err := w.slack.As("alice").Slash(channel, "/qualys-users", "count company=Acme")
		require.NoError(t, err)
		assert.NotContains(t, ack.Text, "memory")
		assert.NotEmpty(t, ack.Text)
		w.pass(10 * time.Second)
	})
}

// P05: a refused click that Slack delivers again is answered once; the next click
// of the same person is answered again.
func TestARefusedClickIsAnsweredOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.bot()
		p, card := w.shownCard(3)
		payload := func(at string) map[string]any {
			return map[string]any{
				"type": "block_actions", "user": map[string]any{"id": "U0CAROL"}, "team": map[string]any{"id": team},
				"container": map[string]any{"type": "message", "message_ts": card.TS, "channel_id": channel},
				"actions":   []map[string]any{{"type": "button", "block_id": "b", "action_id": "cancel", "value": p.ID + ":" + p.Short(), "action_ts": at}},
			}
		}
		for range 3 {
			w.raw("interactive", payload("1.5"))
			w.pass(2 * time.Second)
		}
		require.Len(t, w.told("carol"), 1)
		assert.Contains(t, w.told("carol")[0], "Only the person who asked")
		w.raw("interactive", payload("1.6"))
		w.pass(2 * time.Second)
		assert.Len(t, w.told("carol"), 2)
		assert.Equal(t, []string{"requested", "refused"}, w.trail())
	})
}

// P21, P22, P23: rights are those of now, and belong to an id.
func TestRightsAreReadAtTheClick(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.bot()
		p, card := w.shownCard(3)
		require.NoError(t, w.slack.As("mallory").ClickThrough(card.Ref(), "Approve"))
		w.slack.SetProfile("mallory", func(m *minislack.Person) { m.Name, m.Email = "b0b", "bob@example.com" })
		w.slack.SetGroup("approvers", "carol")
		w.pass(6 * time.Second)
		require.NoError(t, w.slack.As("bob").ClickThrough(card.Ref(), "Approve"))
		require.NoError(t, w.slack.As("b0b").ClickThrough(card.Ref(), "Approve"))
		w.slack.SetProfile("carol", func(c *minislack.Person) { c.Deleted = true })
		w.pass(61 * time.Second)
		assert.Equal(t, approvals.PENDING, w.state(p))
		assert.Len(t, w.told("bob"), 1)
	})
}

// P25: guests and strangers are refused, and the trail says so.
func TestOutsidersAreRefused(t *testing.T) {
	for name, change := range map[string]func(*minislack.Person){
		"guest":      func(p *minislack.Person) { p.Restricted = true },
		"stranger":   func(p *minislack.Person) { p.Stranger = true },
		"other team": func(p *minislack.Person) { p.Team = "T0ELSEWHERE" },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, w *world) {
				w.bot()
				p, card := w.shownCard(3)
				w.slack.SetProfile("bob", change)
				w.pass(61 * time.Second)
				require.NoError(t, w.slack.As("bob").ClickThrough(card.Ref(), "Approve"))
				w.pass(3 * time.Second)
				assert.Equal(t, approvals.PENDING, w.state(p))
				assert.Equal(t, []string{"requested", "refused"}, w.trail())
			})
		})
	}
}

// A forged value of a button decides nothing, and neither does a click on another message.
func TestForgedClicksDecideNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.bot()
		p, card := w.shownCard(3)
		for _, raw := range []minislack.RawClick{
			{Ref: card.Ref(), ActionID: "approve", Value: ""},
			{Ref: card.Ref(), ActionID: "approve", Value: p.ID},
			{Ref: card.Ref(), ActionID: "approve", Value: p.ID + ":000000000000"},
			{Ref: card.Ref(), ActionID: "approve", Value: "AAAAA:" + p.Short()},
			{Ref: card.Ref(), ActionID: "delete", Value: p.ID + ":" + p.Short()},
			{Ref: w.said()[0].Ref(), ActionID: "approve", Value: p.ID + ":" + p.Short()},
		} {
			require.NoError(t, w.slack.As("bob").ClickRaw(raw), raw.Value)
		}
		w.pass(10 * time.Second)
		assert.Equal(t, approvals.PENDING, w.state(p))
		assert.Len(t, w.told("bob"), 6, "each is answered")
	})
}

// raw sends an envelope with a payload of the test's own.
func (w *world) raw(kind string, payload map[string]any) {
	w.t.Helper()
	frame, err := json.Marshal(map[string]any{
		"envelope_id": "raw", "type": kind, "payload": payload, "accepts_response_payload": true,
	})
	require.NoError(w.t, err)
	require.True(w.t, w.slack.SendRaw(frame))
}

// P24: names and domains may be missing.
func TestPayloadsWithoutNamesWork(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.bot()
		w.raw("slash_commands", map[string]any{
			"team_id": team, "channel_id": channel, "user_id": "U0ALICE", "command": "/qualys-users",
			"text": `delete firstName=NewVendor reason="SEC-124"`, "trigger_id": "1.2.3",
		})
		w.pass(5 * time.Second)
		card := w.card()
		p, err := w.book.Pending(t.Context(), w.book.ID("1.2.3"))
		require.NoError(t, err)
		w.raw("interactive", map[string]any{
			"type": "block_actions", "user": map[string]any{"id": "U0BOB"}, "team": map[string]any{"id": team},
			"container":  map[string]any{"type": "message", "message_ts": card.TS, "channel_id": channel},
			"actions":    []map[string]any{{"type": "button", "block_id": "b", "action_id": "reject", "value": p.ID + ":" + p.Short(), "action_ts": "1.5"}},
			"trigger_id": "none",
		})
		w.pass(5 * time.Second)
		require.Len(t, w.told("bob"), 1)
		assert.Contains(t, w.told("bob")[0], "The form did not open")
	})
}

// A payload of another app decides nothing, and its person hears why.
func TestAnotherAppsPayloadIsTurnedAway(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		b := w.bot()
		p, card := w.shownCard(3)
		b.greeted("A0OURS")
		ack, err := w.slack.As("alice").Slash(channel, "/qualys-users", "help")
		require.NoError(t, err)
		assert.Contains(t, ack.Text, "another Slack app")
		require.NoError(t, w.slack.As("bob").ClickThrough(card.Ref(), "Approve"))
		w.pass(3 * time.Second)
		assert.Equal(t, approvals.PENDING, w.state(p))
		require.Len(t, w.told("bob"), 1)
		assert.Contains(t, w.told("bob")[0], "nothing happened")
		assert.Contains(t, w.log.String(), "an envelope of another app")
	})
}

// The app is the one that Slack's hello names, whatever stands in the app token;
// where no app is named, nothing is compared.
func TestTheAppIsTheOneThatSlackGreets(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		b := w.bot(func(c *Config) { c.SecondSocket = time.Hour })
		w.pass(time.Second)
		assert.False(t, b.foreign(minislack.AppID))
		assert.False(t, b.foreign(""))
		assert.True(t, b.foreign("A0OTHER"))
		b.greeted("")
		assert.False(t, b.foreign("A0OTHER"))
	})
}

// Promise 8: who has left the channel gets the answer as a direct message.
func TestAnAnswerFollowsItsPerson(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.bot()
		w.slack.LateShares(5 * time.Second)
		_, err := w.slack.As("alice").Slash(channel, "/qualys-users", "find firstName=NewVendor")
		require.NoError(t, err)
		w.slack.Leave(channel, "alice")
		w.pass(10 * time.Second)
		dms := w.slack.As("alice").DM()
		require.Len(t, dms, 1)
		assert.Contains(t, dms[0].Rendered(), "49 SAQ users are in the channel")
	})
}
