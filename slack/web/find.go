package web

import (
	"context"
	"fmt"
	"time"

	"github.com/slack-go/slack"
)

// The event types of our metadata, besides audit.EventType.
const (
	CardType    = "countersign_card"
	SummaryType = "countersign_summary"
)

// About is the metadata of a message about a request.
func About(eventType, request string) slack.MsgOption {
	return slack.MsgOptionMetadata(slack.SlackMetadata{
		EventType: eventType, EventPayload: map[string]any{"request": request},
	})
}

// MessageAbout finds our newest message of this type about a request, not older
// than that, and returns its ts, or "".
func (c *Client) MessageAbout(ctx context.Context, channel, eventType, request string, from time.Time) (string, error) {
	return c.Search(ctx, channel, "", from, func(m slack.Message) bool {
		return m.Metadata.EventType == eventType && m.Metadata.EventPayload["request"] == request
	})
}

// Search looks through a channel, or through a thread of it, for a message of
// ours that is wanted, and returns its ts, or "". Metadata of others proves
// nothing: anybody may write any.
func (c *Client) Search(ctx context.Context, channel, thread string, from time.Time, wanted func(slack.Message) bool) (string, error) {
	cursor := ""
	for {
		messages, next, err := c.History(ctx, channel, thread, Since(from), cursor)
		if Is(err, "thread_not_found") {
			return "", nil
		}
		if err != nil {
			return "", err
		}
		for _, m := range messages {
			if m.User == c.Identity().User && wanted(m) {
				return m.Timestamp, nil
			}
		}
		if cursor = next; cursor == "" {
			return "", nil
		}
	}
}

// HistoryPage is how many messages Slack advises to read at once.
const HistoryPage = 200

// History reads a page of a channel, newest first, or of a thread, oldest first.
func (c *Client) History(ctx context.Context, channel, thread, oldest, cursor string) (messages []slack.Message, next string, err error) {
	if thread != "" {
		err = c.Call(ctx, "conversations.replies", "", func(ctx context.Context) (err error) {
			messages, _, next, err = c.API.GetConversationRepliesContext(ctx, &slack.GetConversationRepliesParameters{
				ChannelID: channel, Timestamp: thread, Oldest: oldest, Cursor: cursor,
				Limit: HistoryPage, IncludeAllMetadata: true,
			})
			return err
		})
		return messages, next, err
	}
	err = c.Call(ctx, "conversations.history", "", func(ctx context.Context) error {
		page, err := c.API.GetConversationHistoryContext(ctx, &slack.GetConversationHistoryParameters{
			ChannelID: channel, Oldest: oldest, Cursor: cursor, Limit: HistoryPage, IncludeAllMetadata: true,
		})
		if err == nil {
			messages, next = page.Messages, page.ResponseMetaData.NextCursor
		}
		return err
	})
	return messages, next, err
}

// Since is a ts of Slack's a while before t: Slack's clock and Redis' may differ.
func Since(t time.Time) string {
	t = t.Add(-10 * time.Minute)
	return fmt.Sprintf("%d.%06d", t.Unix(), t.Nanosecond()/1000)
}
