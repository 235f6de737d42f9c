package slack

import (
	"context"
	"errors"
	"time"

	"countersign/approvals/rules"
	"countersign/commands"
	"countersign/slack/cards"
	"countersign/slack/web"
)

// tellTime is how long words about work that goes on are tried: it may be over soon.
const tellTime = 5 * time.Second

// Tell shows one person a line while their command still works. It waits for
// nothing: what does not reach them soon is a line in the log.
func (s *Slack) Tell(ctx context.Context, channel string, who rules.Person, text string) {
	s.telling.Go(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tellTime)
		defer cancel()
		s.whisper(ctx, channel, who.ID, text, "")
	})
}

// whisper shows words to one person, in the channel if they are there, else in
// their direct messages.
func (s *Slack) whisper(ctx context.Context, channel, person, text, hint string) {
	_ = s.web.Whisper(ctx, channel, person, cards.Reply(text, hint).Options()...)
}

// show brings a reply to its person: the file into the channel, the words to
// them alone.
func (s *Slack) show(ctx context.Context, person, channel string, r commands.Reply) {
	if r.File != nil && !s.file(ctx, person, channel, *r.File) {
		return
	}
	if r.Text != "" || r.Hint != "" {
		s.whisper(ctx, channel, person, r.Text, r.Hint)
	}
}

// file uploads the CSV of a reply, and reports whether it is in the channel. If
// not, the person is told.
func (s *Slack) file(ctx context.Context, person, channel string, f commands.File) bool {
	defer closeFile(&f)
	_, err := s.web.Upload(ctx, web.Upload{
		Name: f.Name, Title: f.Title, Comment: f.Comment, Size: f.Size, Open: f.Open, Channel: channel,
	})
	if err == nil {
		return true
	}
	s.Log.ErrorContext(ctx, "a file was not posted", "file", f.Name, "channel", channel, "err", err)
	text, hint := "The file "+cards.Escape(f.Name)+" could not be posted.", "Type the command again in a moment."
	word := web.Code(err)
	switch {
	case errors.Is(err, web.ErrNotShown):
		text = "Slack took the file " + cards.Escape(f.Name) + " but does not show it yet. It may still appear in the channel."
		hint = "Look again in a few minutes before you repeat the command."
	case errors.Is(err, web.ErrNotPrivate):
		text = "I post files only to private channels that nobody outside shares, and this is not one."
		hint = "Use a private channel."
	case word != "":
		text = "The file " + cards.Escape(f.Name) + " could not be posted: Slack says " + cards.Escape(word) + "."
	}
	s.whisper(ctx, channel, person, text, hint)
	return false
}

func closeFile(f *commands.File) {
	if f != nil && f.Close != nil {
		_ = f.Close() // it has no name on the disk any more
	}
}
