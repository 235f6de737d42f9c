package slack

import (
	"context"
	"errors"
	"time"

	"github.com/slack-go/slack"

	"countersign/approvals/rules"
	"countersign/commands"
	"countersign/slack/cards"
)

// message is what every message of ours has in common: text that nothing
// parses, blocks, and no previews of links.
func message(m cards.Message, more ...slack.MsgOption) []slack.MsgOption {
	return append([]slack.MsgOption{
		slack.MsgOptionText(m.Text, false), slack.MsgOptionBlocks(m.Blocks...), slack.MsgOptionParse(false),
		slack.MsgOptionDisableLinkUnfurl(), slack.MsgOptionDisableMediaUnfurl(),
	}, more...)
}

// post posts a message in its turn and returns its ts. Once begun it is not
// broken off: nobody would know what became of it.
func (s *Slack) post(ctx context.Context, channel string, options ...slack.MsgOption) (ts string, err error) {
	if err := s.pace.message(ctx, channel); err != nil {
		return "", err
	}
	err = s.call(ctx, "chat.postMessage", channel, func(ctx context.Context) (err error) {
		ctx, cancel := s.finishing(ctx)
		defer cancel()
		_, ts, err = s.api.PostMessageContext(ctx, channel, options...)
		return err
	})
	return ts, err
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
	_, err := s.upload(ctx, upload{
		name: f.Name, title: f.Title, comment: f.Comment, size: f.Size, open: f.Open, channel: channel,
	})
	if err == nil {
		return true
	}
	s.Log.ErrorContext(ctx, "a file was not posted", "file", f.Name, "channel", channel, "err", err)
	text, hint := "The file "+cards.Escape(f.Name)+" could not be posted.", "Type the command again in a moment."
	word := code(err)
	switch {
	case errors.Is(err, errNotShown):
		text = "Slack took the file " + cards.Escape(f.Name) + " but does not show it yet. It may still appear in the channel."
		hint = "Look again in a few minutes before you repeat the command."
	case errors.Is(err, errNotPrivate):
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

// How long words to one person are tried: later they would only puzzle.
const (
	whisperTime = time.Minute
	tellTime    = 5 * time.Second // words about work that goes on, and may be over soon
)

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
	ctx, cancel := context.WithTimeout(ctx, whisperTime)
	defer cancel()
	m := cards.Reply(text, hint)
	err := s.call(ctx, "chat.postEphemeral", channel, func(ctx context.Context) error {
		_, err := s.api.PostEphemeralContext(ctx, channel, person, message(m)...)
		return err
	})
	if is(err, notHere...) {
		err = s.dm(ctx, person, m)
	}
	if err != nil {
		s.Log.ErrorContext(ctx, "words did not reach their person", "person", person, "channel", channel, "err", err)
	}
}

// dm sends a direct message.
func (s *Slack) dm(ctx context.Context, person string, m cards.Message) error {
	s.mu.Lock()
	channel := s.dms[person]
	s.mu.Unlock()
	if channel == "" {
		err := s.call(ctx, "conversations.open", "", func(ctx context.Context) error {
			c, _, _, err := s.api.OpenConversationContext(ctx, &slack.OpenConversationParameters{Users: []string{person}})
			if err == nil {
				channel = c.ID
			}
			return err
		})
		if err != nil {
			return err
		}
		s.mu.Lock()
		s.dms[person] = channel
		s.mu.Unlock()
	}
	_, err := s.post(ctx, channel, message(m)...)
	return err
}

// biggestForm is the largest file of a form; 5,000 ids are far less.
const biggestForm = 1 << 20

// errBigFile means that a form came with more than anybody's list of ids.
var errBigFile = errors.New("the file is larger than 1 MB")

// read fetches a file that came with a form.
func (s *Slack) read(ctx context.Context, id string) ([]byte, error) {
	var f *slack.File
	err := s.call(ctx, "files.info", "", func(ctx context.Context) (err error) {
		f, _, _, err = s.api.GetFileInfoContext(ctx, id, 0, 0)
		return err
	})
	if err != nil {
		return nil, err
	}
	switch {
	case f.Size > biggestForm:
		return nil, errBigFile
	case f.IsExternal: // its address is whatever somebody wrote
		return nil, errors.New("the file is not in Slack")
	}
	var content limited
	err = s.call(ctx, "download", "", func(ctx context.Context) error {
		content.bytes = nil
		return s.fetch(ctx, firstOf(f.URLPrivateDownload, f.URLPrivate), &content)
	})
	return content.bytes, err
}

// limited keeps what is written to it, up to the size of a form's file.
type limited struct{ bytes []byte }

func (l *limited) Write(p []byte) (int, error) {
	if len(l.bytes)+len(p) > biggestForm {
		return 0, errBigFile
	}
	l.bytes = append(l.bytes, p...)
	return len(p), nil
}
