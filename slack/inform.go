package slack

import (
	"context"
	"fmt"
	"strings"
	"time"

	"countersign/approvals"
	"countersign/audit"
	"countersign/slack/cards"
)

const (
	silence       = 45 * time.Second // of a command whose replica has probably died
	abandonedPoll = 10 * time.Second
	toldOnce      = 24 * time.Hour // how long it is remembered that somebody was told
)

// decisions are the events that the requester hears of in a direct message.
var decisions = map[approvals.Kind]bool{
	approvals.Approved: true, approvals.Rejected: true, approvals.Withdrawn: true,
	approvals.Expired: true, approvals.Review: true,
}

// inform sends the requester a direct message about a decision, once. The
// trail does not wait for it.
func (p *poster) inform(ctx context.Context, e approvals.Event, to place) {
	person := e.Facts.Asked.ID
	if !decisions[e.Kind] || person == "" || e.By == e.Facts.Asked {
		return
	}
	p.work.Go(func() {
		ctx, cancel := p.finishing(ctx)
		defer cancel()
		err := guarded(func() error {
			first, err := p.Book.Once(ctx, fmt.Sprintf("dm %d", e.Seq), toldOnce)
			if err != nil || !first {
				return err
			}
			hint := ""
			if to.card.Timestamp != "" {
				if link := p.permalink(ctx, to.card.Channel, to.card.Timestamp); link != "" {
					hint = "<" + link + "|To its card>"
				}
			}
			return p.dm(ctx, person, cards.Reply(decision(e), hint))
		})
		if err != nil {
			p.Log.WarnContext(ctx, "a requester was not told of a decision", "seq", e.Seq, "person", person, "err", err)
		}
	})
}

// decision is the sentence of the trail, with whoever decided shown by name.
func decision(e approvals.Event) string {
	sentence := audit.Sentence(e)
	if rest, ok := strings.CutPrefix(sentence, e.By.ID); ok && e.By.ID != "" {
		return "<@" + e.By.ID + ">" + cards.Escape(rest)
	}
	return cards.Escape(sentence)
}

// abandoned tells people to repeat the commands whose replica has died over them.
func (p *poster) abandoned(ctx context.Context) error {
	for {
		left, err := p.Book.Abandoned(ctx, silence)
		if err != nil && ctx.Err() == nil {
			p.Log.ErrorContext(ctx, "commands that nobody works on cannot be read", "err", err)
		}
		for _, a := range left {
			p.Log.WarnContext(ctx, "a command was left by its replica", "by", a.By.String(), "op", a.Op)
			typed := cards.Escape(strings.ReplaceAll(a.Text, "`", "'"))
			last, cancel := p.finishing(ctx)
			p.whisper(last, a.Channel, a.By.ID,
				"I was interrupted over your command `"+strings.TrimSpace(p.Command+" "+typed)+"` and did not finish it.",
				"Type it again. If a request of yours is open already, `"+p.Command+" requests mine` shows it.")
			cancel()
		}
		if !sleep(ctx, abandonedPoll) {
			return nil
		}
	}
}

// unseen tells the requester that nobody can see the card, and so nobody can approve, once.
func (p *poster) unseen(ctx context.Context, r approvals.Pending, cause error) {
	p.Log.ErrorContext(ctx, "the card of a request cannot be posted", "request", r.ID, "channel", r.Channel, "err", cause)
	first, err := p.Book.Once(ctx, "unseen "+r.ID, toldOnce)
	if err == nil && first {
		said := cards.Escape(cause.Error())
		if word := code(cause); word != "" {
			said = "Slack says " + cards.Escape(word)
		}
		err = p.dm(ctx, r.Requester.ID, cards.Reply(
			fmt.Sprintf("I cannot show your request %s in <#%s>: %s. Nobody can approve it until I can.", r.ID, cards.Escape(r.Channel), said),
			"Check that I am a member of the channel. I keep trying until the request expires."))
	}
	if err != nil {
		p.Log.ErrorContext(ctx, "a requester was not told that the card is missing", "request", r.ID, "err", err)
	}
}
