package post

import (
	"context"
	"fmt"
	"strings"
	"time"

	"countersign/approvals"
	"countersign/audit"
	"countersign/slack/cards"
	"countersign/slack/web"
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
func (s *shift) inform(ctx context.Context, e approvals.Event, to place) {
	person := e.Facts.Asked.ID
	if !decisions[e.Kind] || person == "" || e.By.Same(e.Facts.Asked) {
		return
	}
	s.mu.Lock()
	waiting := len(s.letters[person])
	s.letters[person] = append(s.letters[person], letter{e, to})
	s.mu.Unlock()
	if waiting == 0 {
		s.work.Go(func() { s.write(ctx, person) })
	}
}

// write sends a person's letters, one after the other, until none is left.
func (s *shift) write(ctx context.Context, person string) {
	last, giveUp := s.Web.Outliving(ctx)
	defer giveUp()
	for l, more := s.nextLetter(person, false); more; l, more = s.nextLetter(person, true) {
		err := web.Guarded(func() error {
			once, cancel := context.WithTimeout(last, letterTime)
			defer cancel()
			return s.send(once, person, l)
		})
		if err != nil {
			s.Log.WarnContext(ctx, "a requester was not told of a decision", "seq", l.event.Seq, "person", person, "err", err)
		}
	}
}

// nextLetter is the letter at the front of a person's, after the one before was
// dealt with.
func (s *shift) nextLetter(person string, dealt bool) (l letter, more bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.letters[person]
	if dealt {
		all = all[1:]
	}
	if len(all) == 0 {
		delete(s.letters, person)
		return letter{}, false
	}
	s.letters[person] = all
	return all[0], true
}

// send sends a letter that was not sent before, and notes it when it is there:
// twice is better than never.
func (s *shift) send(ctx context.Context, person string, l letter) error {
	sent := fmt.Sprintf("dm %d", l.event.Seq)
	if before, err := s.Book.Seen(ctx, sent); err != nil || before {
		return err
	}
	hint := ""
	if l.to.card.Timestamp != "" {
		if link := s.Web.Permalink(ctx, l.to.card.Channel, l.to.card.Timestamp); link != "" {
			hint = "<" + link + "|To its card>"
		}
	}
	if err := s.Web.DM(ctx, person, cards.Reply(decision(l.event), hint).Options()...); err != nil {
		return err
	}
	noted, cancel := s.Web.Finishing(ctx)
	defer cancel()
	_, err := s.Book.Once(noted, sent, toldOnce)
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
func (s *shift) abandoned(ctx context.Context) error {
	for {
		left, err := s.Book.Abandoned(ctx, silence)
		if err != nil && ctx.Err() == nil {
			s.Log.ErrorContext(ctx, "commands that nobody works on cannot be read", "err", err)
		}
		for _, a := range left {
			s.repeat(ctx, a)
		}
		if !web.Sleep(ctx, abandonedPoll) {
			return nil
		}
	}
}

// repeat tells a person to type a command again, and then forgets it: twice is
// better than never. Where Slack cannot show it now it comes up again.
func (s *shift) repeat(ctx context.Context, a approvals.Asked) {
	s.Log.WarnContext(ctx, "a command was left by its replica", "by", a.By.String(), "op", a.Op)
	typed := cards.Escape(strings.ReplaceAll(a.Text, "`", "'"))
	last, cancel := s.Web.Outliving(ctx)
	defer cancel()
	err := s.Web.Whisper(last, a.Channel, a.By.ID, cards.Reply(
		"I was interrupted over your command `"+strings.TrimSpace(s.Command+" "+typed)+"` and did not finish it.",
		"Type it again. If a request of yours is open already, `"+s.Command+" requests mine` shows it.").Options()...)
	if web.Passing(err) {
		return // the log has it
	}
	if err := s.Book.Answered(last, a.Op); err != nil {
		s.Log.WarnContext(ctx, "a person may be told twice to repeat a command", "by", a.By.String(), "op", a.Op, "err", err)
	}
}

// unseen tells the requester that nobody can see the card, and so nobody can approve, once.
func (s *shift) unseen(ctx context.Context, r approvals.Pending, cause error) {
	s.Log.ErrorContext(ctx, "the card of a request cannot be posted", "request", r.ID, "channel", r.Channel, "err", cause)
	first, err := s.Book.Once(ctx, "unseen "+r.ID, toldOnce)
	if err == nil && first {
		said := cards.Escape(cause.Error())
		if word := web.Code(cause); word != "" {
			said = "Slack says " + cards.Escape(word)
		}
		err = s.Web.DM(ctx, r.Requester.ID, cards.Reply(
			fmt.Sprintf("I cannot show your request %s in <#%s>: %s. Nobody can approve it until I can.", r.ID, cards.Escape(r.Channel), said),
			"Check that I am a member of the channel. I keep trying until the request expires.").Options()...)
	}
	if err != nil {
		s.Log.ErrorContext(ctx, "a requester was not told that the card is missing", "request", r.ID, "err", err)
	}
}
