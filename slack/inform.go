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
	toldOnce      = 24 * time.Hour   // how long it is remembered that somebody was told
	letterTime    = 10 * time.Minute // how long a direct message is tried: Slack may want us to wait for minutes
)

// decisions are the events that the requester hears of in a direct message.
var decisions = map[approvals.Kind]bool{
	approvals.Approved: true, approvals.Rejected: true, approvals.Withdrawn: true,
	approvals.Expired: true, approvals.Review: true, approvals.Closed: true,
}

// A letter is a direct message that waits for its turn.
type letter struct {
	event approvals.Event
	to    place
}

// inform sends the requester a direct message about a decision, once, and behind
// those that were about earlier decisions. The trail does not wait for it.
func (p *poster) inform(ctx context.Context, e approvals.Event, to place) {
	person := e.Facts.Asked.ID
	if !decisions[e.Kind] || person == "" || e.By.Same(e.Facts.Asked) {
		return
	}
	p.mu.Lock()
	waiting := len(p.letters[person])
	p.letters[person] = append(p.letters[person], letter{e, to})
	p.mu.Unlock()
	if waiting == 0 {
		p.work.Go(func() { p.write(ctx, person) })
	}
}

// write sends a person's letters, one after the other, until none is left.
func (p *poster) write(ctx context.Context, person string) {
	last, giveUp := p.outliving(ctx)
	defer giveUp()
	for l, more := p.nextLetter(person, false); more; l, more = p.nextLetter(person, true) {
		err := guarded(func() error {
			once, cancel := context.WithTimeout(last, letterTime)
			defer cancel()
			return p.send(once, person, l)
		})
		if err != nil {
			p.Log.WarnContext(ctx, "a requester was not told of a decision", "seq", l.event.Seq, "person", person, "err", err)
		}
	}
}

// nextLetter is the letter at the front of a person's, after the one before was
// dealt with.
func (p *poster) nextLetter(person string, dealt bool) (l letter, more bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := p.letters[person]
	if dealt {
		all = all[1:]
	}
	if len(all) == 0 {
		delete(p.letters, person)
		return letter{}, false
	}
	p.letters[person] = all
	return all[0], true
}

// send sends a letter that was not sent before, and notes it when it is there:
// twice is better than never.
func (p *poster) send(ctx context.Context, person string, l letter) error {
	sent := fmt.Sprintf("dm %d", l.event.Seq)
	if before, err := p.Book.Seen(ctx, sent); err != nil || before {
		return err
	}
	hint := ""
	if l.to.card.Timestamp != "" {
		if link := p.permalink(ctx, l.to.card.Channel, l.to.card.Timestamp); link != "" {
			hint = "<" + link + "|To its card>"
		}
	}
	if err := p.dm(ctx, person, cards.Reply(decision(l.event), hint)); err != nil {
		return err
	}
	noted, cancel := p.finishing(ctx)
	defer cancel()
	_, err := p.Book.Once(noted, sent, toldOnce)
	return err
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
