package commands

import (
	"context"

	"countersign/commands/refusal"
)

// explain turns an error into an answer, and is the only function that does.
// What has no words is our fault: an apology for the person, everything for the
// log.
func (d *Desk) explain(ctx context.Context, err error) Reply {
	said, known := refusal.For(err)
	switch {
	case !known:
		d.Log.ErrorContext(ctx, "command failed for a reason without words", "err", err)
		return Reply{
			Text: "Something went wrong on my side, and nothing was stored. The cause is in my log.",
			Hint: "Try again; if it stays like this, tell whoever runs Countersign.",
		}
	case refusal.Noisy(err):
		d.Log.ErrorContext(ctx, "command failed", "err", err)
	}
	return Reply{Text: said.Text, Hint: said.Hint}
}
