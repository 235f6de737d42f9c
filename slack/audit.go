package slack

import (
	"context"
	"iter"
	"time"

	"golang.org/x/time/rate"

	"countersign/audit"
	"countersign/slack/post"
	"countersign/slack/trail"
)

// Signer is under which name the newest replica records its public key, so that no
// other key seals any more.
const Signer = post.Signer

// ReadExport reads a trail from a file of JSON lines, or from an export that Slack
// made: a zip, its folder, or the folder of one channel.
func ReadExport(path string) iter.Seq2[audit.Line, error] { return trail.Export(path) }

// Bot is the id of the bot's user, known after [Slack.Hello].
func (s *Slack) Bot() string { return s.web.Identity().User }

// ReadTrail reads all of the trail in a channel, oldest number first. With the
// channels in which CSVs were posted, it compares these with what the entries say.
// It leaves a part of what Slack allows to a bot that runs meanwhile.
func (s *Slack) ReadTrail(ctx context.Context, channel string, files ...string) iter.Seq2[audit.Line, error] {
	l := s.live(channel)
	l.Files = files
	return l.Lines(ctx)
}

// ReadCheckpoints reads the heads of the trail that stand in a channel of their own.
func (s *Slack) ReadCheckpoints(ctx context.Context, channel string) ([]audit.Checkpoint, error) {
	return s.live(channel).Checkpoints(ctx, channel)
}

func (s *Slack) live(channel string) trail.Live {
	return trail.Live{Web: s.web, Channel: channel, Pace: rate.NewLimiter(rate.Every(1500*time.Millisecond), 10)}
}

// TrailProblems is how many problems the last hourly check of the trail found, if
// this replica made it and still posts.
func (s *Slack) TrailProblems() int { return s.poster.Problems() }
