package web

import (
	"context"
	"time"

	"github.com/slack-go/slack"
)

// Post posts a message in its turn and returns its ts. Once begun it is not
// broken off: nobody would know what became of it.
func (c *Client) Post(ctx context.Context, channel string, options ...slack.MsgOption) (ts string, err error) {
	if err := c.pace.message(ctx, channel); err != nil {
		return "", err
	}
	err = c.Call(ctx, "chat.postMessage", channel, func(ctx context.Context) (err error) {
		ctx, cancel := c.Finishing(ctx)
		defer cancel()
		_, ts, err = c.API.PostMessageContext(ctx, channel, options...)
		return err
	})
	return ts, err
}

// whisperTime is how long words to one person are tried: later they would only puzzle.
const whisperTime = time.Minute

// Whisper shows a message to one person, in the channel if they are there, else
// in their direct messages. What does not reach them is a line in the log, too.
func (c *Client) Whisper(ctx context.Context, channel, person string, options ...slack.MsgOption) error {
	ctx, cancel := context.WithTimeout(ctx, whisperTime)
	defer cancel()
	err := c.Call(ctx, "chat.postEphemeral", channel, func(ctx context.Context) error {
		_, err := c.API.PostEphemeralContext(ctx, channel, person, options...)
		return err
	})
	if Is(err, notHere...) {
		err = c.DM(ctx, person, options...)
	}
	if err != nil {
		c.Log.ErrorContext(ctx, "words did not reach their person", "person", person, "channel", channel, "err", err)
	}
	return err
}

// DM sends a direct message.
func (c *Client) DM(ctx context.Context, person string, options ...slack.MsgOption) error {
	c.mu.Lock()
	channel := c.dms[person]
	c.mu.Unlock()
	if channel == "" {
		err := c.Call(ctx, "conversations.open", "", func(ctx context.Context) error {
			opened, _, _, err := c.API.OpenConversationContext(ctx, &slack.OpenConversationParameters{Users: []string{person}})
			if err == nil {
				channel = opened.ID
			}
			return err
		})
		if err != nil {
			return err
		}
		c.mu.Lock()
		c.dms[person] = channel
		c.mu.Unlock()
	}
	_, err := c.Post(ctx, channel, options...)
	return err
}

// Permalink is the address of a message, or empty. It is a kindness: whoever
// shows it goes on without it.
func (c *Client) Permalink(ctx context.Context, channel, ts string) (link string) {
	err := c.Call(ctx, "chat.getPermalink", "", func(ctx context.Context) (err error) {
		link, err = c.API.GetPermalinkContext(ctx, &slack.PermalinkParameters{Channel: channel, Ts: ts})
		return err
	})
	if err != nil {
		c.Log.InfoContext(ctx, "a message has no link", "channel", channel, "ts", ts, "err", err)
	}
	return link
}
