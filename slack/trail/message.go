package trail

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/slack-go/slack"

	"countersign/audit"
)

// encoded is how Slack writes three characters of what it was given.
var encoded = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&")

// Sentence is what the first block of a message says, as it was before Slack
// encoded it.
func Sentence(m slack.Message) string {
	if len(m.Blocks.BlockSet) == 0 {
		return ""
	}
	first, ok := m.Blocks.BlockSet[0].(*slack.SectionBlock)
	if !ok || first.Text == nil {
		return ""
	}
	return encoded.Replace(first.Text.Text)
}

// chainLine is the small line of the chain in the second block of a message, or "".
func chainLine(m slack.Message) string {
	if len(m.Blocks.BlockSet) < 2 {
		return ""
	}
	second, ok := m.Blocks.BlockSet[1].(*slack.ContextBlock)
	if !ok || len(second.ContextElements.Elements) != 1 {
		return ""
	}
	return asChainLine(second.ContextElements.Elements[0])
}

func asChainLine(element slack.MixedElement) string {
	if text, ok := element.(*slack.TextBlockObject); ok && audit.IsLine(encoded.Replace(text.Text)) {
		return encoded.Replace(text.Text)
	}
	return ""
}

// errUnreadable begins what is wrong with a message that ought to be an entry.
var errUnreadable = errors.New("its entry cannot be read")

// line makes a line of a message that carries an entry, or shows that it did. ok is
// false for any other message.
func line(channel string, m slack.Message) (l audit.Line, ok bool, bad *audit.LineError) {
	l = audit.Line{Channel: channel, TS: m.Timestamp, By: cmp.Or(m.User, m.BotID, "somebody")}
	visible := chainLine(m)
	switch {
	case m.Metadata.EventType == audit.EventType && len(m.Metadata.EventPayload) > 0:
		var err error
		if l.Entry, err = audit.ParsePayload(m.Metadata.EventPayload); err != nil {
			return l, true, &audit.LineError{Where: channel + "/" + m.Timestamp, Err: fmt.Errorf("%w: %w", errUnreadable, err)}
		}
		l.Text = Sentence(m)
	case visible != "":
		l.Visible = visible
	case m.Metadata.EventType == audit.EventType:
		return l, true, &audit.LineError{Where: channel + "/" + m.Timestamp, Err: errUnreadable}
	default:
		return l, false, nil
	}
	if m.Edited != nil {
		l.Wrong = append(l.Wrong, "Slack marks the message as edited by "+cmp.Or(m.Edited.User, "somebody"))
	}
	return l, true, nil
}

// parse reads a message of an export. What slack-go does not understand of it, such as
// a block that is newer than slack-go, is left out: entries have none of that.
func parse(raw json.RawMessage) (slack.Message, error) {
	var m slack.Message
	if err := json.Unmarshal(raw, &m); err == nil {
		return m, nil
	}
	var some struct {
		User     string              `json:"user"`
		BotID    string              `json:"bot_id"`
		TS       string              `json:"ts"`
		Edited   *slack.Edited       `json:"edited"`
		Metadata slack.SlackMetadata `json:"metadata"`
	}
	err := json.Unmarshal(raw, &some)
	m = slack.Message{}
	m.User, m.BotID, m.Timestamp, m.Edited, m.Metadata = some.User, some.BotID, some.TS, some.Edited, some.Metadata
	return m, err
}
