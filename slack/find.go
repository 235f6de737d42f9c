package slack

import (
	"context"
	"fmt"
	"time"

	"github.com/slack-go/slack"
)

// The event types of our metadata, besides audit.EventType.
const (
	cardType    = "countersign_card"
	summaryType = "countersign_summary"
)

// about is the metadata of a message about a request.
func about(eventType, request string) slack.MsgOption {
	return slack.MsgOptionMetadata(slack.SlackMetadata{
		EventType: eventType, EventPayload: map[string]any{"request": request},
	})
}

// messageAbout finds our newest message of this type about a request, not older
// than that, and returns its ts, or "".
func (s *Slack) messageAbout(ctx context.Context, channel, eventType, request string, from time.Time) (string, error) {
	return s.search(ctx, channel, "", from, func(m slack.Message) bool {
		return m.Metadata.EventType == eventType && m.Metadata.EventPayload["request"] == request
	})
}

// search looks through a channel, or through a thread of it, for a message of
// ours that is wanted, and returns its ts, or "". Metadata of others proves
// nothing: anybody may write any.
func (s *Slack) search(ctx context.Context, channel, thread string, from time.Time, wanted func(slack.Message) bool) (string, error) {
	cursor := ""
	for {
		messages, next, err := s.history(ctx, channel, thread, since(from), cursor)
		if is(err, "thread_not_found") {
			return "", nil
		}
		if err != nil {
			return "", err
		}
		for _, m := range messages {
			if m.User == s.identity().user && wanted(m) {
				return m.Timestamp, nil
			}
		}
		if cursor = next; cursor == "" {
			return "", nil
		}
	}
}

// historyPage is how many messages Slack advises to read at once.
const historyPage = 200

// history reads a page of a channel, newest first, or of a thread, oldest first.
func (s *Slack) history(ctx context.Context, channel, thread, oldest, cursor string) (messages []slack.Message, next string, err error) {
	if thread != "" {
		err = s.call(ctx, "conversations.replies", "", func(ctx context.Context) (err error) {
			messages, _, next, err = s.api.GetConversationRepliesContext(ctx, &slack.GetConversationRepliesParameters{
				ChannelID: channel, Timestamp: thread, Oldest: oldest, Cursor: cursor,
				Limit: historyPage, IncludeAllMetadata: true,
			})
			return err
		})
		return messages, next, err
	}
	err = s.call(ctx, "conversations.history", "", func(ctx context.Context) error {
		page, err := s.api.GetConversationHistoryContext(ctx, &slack.GetConversationHistoryParameters{
			ChannelID: channel, Oldest: oldest, Cursor: cursor, Limit: historyPage, IncludeAllMetadata: true,
		})
		if err == nil {
			messages, next = page.Messages, page.ResponseMetaData.NextCursor
		}
		return err
	})
	return messages, next, err
}

// since is a ts of Slack's a while before t: Slack's clock and Redis' may differ.
func since(t time.Time) string {
	t = t.Add(-10 * time.Minute)
	return fmt.Sprintf("%d.%06d", t.Unix(), t.Nanosecond()/1000)
}
