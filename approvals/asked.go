package approvals

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"countersign/approvals/rules"
)

// An Asked is a command being worked on.
type Asked struct {
	Op      string       `json:"op"` // its trigger_id
	By      rules.Person `json:"by"`
	Channel string       `json:"channel"`
	Text    string       `json:"text"`
}

// Ask notes a command before Slack is told that it arrived, and reports
// whether it is new: a command that Slack repeats is not run again.
func (b *Book) Ask(ctx context.Context, a Asked) (bool, error) {
	raw, err := json.Marshal(a)
	if err != nil {
		return false, err
	}
	keys := []string{b.key("op:asked:" + a.Op), b.key("asked"), b.key("askedat")}
	n, err := b.eval(ctx, ask, keys, a.Op, opKept.Milliseconds(), raw, rand.Text()).Int()
	return n == 1, unavailable(err)
}

// StillAsked is a sign of life for a command that takes long.
func (b *Book) StillAsked(ctx context.Context, op string) error {
	return unavailable(b.eval(ctx, stillAsked, []string{b.key("askedat")}, op).Err())
}

// Answered forgets a command that was answered, or whose person was told to
// repeat it.
func (b *Book) Answered(ctx context.Context, op string) error {
	keys := []string{b.key("asked"), b.key("askedat")}
	return unavailable(b.eval(ctx, answered, keys, op).Err())
}

// Abandoned lists the commands whose replica has been silent for so long. The
// caller tells each person and then calls [Book.Answered]; one that dies before
// it leaves the command to be listed again after the same silence.
func (b *Book) Abandoned(ctx context.Context, silence time.Duration) ([]Asked, error) {
	keys := []string{b.key("asked"), b.key("askedat")}
	raws, err := b.eval(ctx, abandoned, keys, silence.Milliseconds()).StringSlice()
	if err != nil {
		return nil, unavailable(err)
	}
	var all []Asked
	var unread []error
	for i := 1; i < len(raws); i += 2 {
		a := Asked{Op: raws[i-1]}
		if err := json.Unmarshal([]byte(raws[i]), &a); err != nil { // nobody can be told
			unread = append(unread, fmt.Errorf("a command being worked on: %w", err), b.Answered(ctx, raws[i-1]))
			continue
		}
		all = append(all, a)
	}
	return all, errors.Join(unread...)
}
