package trail

import (
	"context"

	"github.com/slack-go/slack"

	"countersign/audit"
)

// CheckpointType is the event_type of a message that holds a checkpoint of the
// trail: a signed note, {seq, hash} in its metadata for programs that do not read notes.
const CheckpointType = "countersign_checkpoint"

// Checkpoints reads what the bot posted to a channel of checkpoints. It goes first
// when the trail is compared with them: a head that is posted meanwhile is no
// longer in what was read.
func (l Live) Checkpoints(ctx context.Context, channel string) ([]audit.Checkpoint, error) {
	var all []audit.Checkpoint
	r, err := l.reader(ctx)
	if err != nil {
		return nil, err
	}
	err = r.pages(ctx, channel, "", "", func(messages []slack.Message) (bool, error) {
		for _, m := range messages {
			if m.User == l.Web.Identity().User && m.Metadata.EventType == CheckpointType {
				all = append(all, audit.Checkpoint{Text: Sentence(m), Where: channel + "/" + m.Timestamp})
			}
		}
		return true, nil
	})
	return all, err
}
