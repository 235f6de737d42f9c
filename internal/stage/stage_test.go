package stage_test

import (
	"errors"
	"flag"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/internal/chat"
	"countersign/internal/stage"
)

var update = flag.Bool("update", false, "write the conversations as they happen")

// A closing stage is one that can be taken down.
type closing interface {
	chat.Stage
	Close() error
}

// Every conversation as the desk alone plays it.
func TestConversationsAtTheDesk(t *testing.T) {
	playAll(t, false, func(c stage.Config) closing { return stage.NewDesk(c) })
}

// Every conversation end to end: two bots, a Slack, a Qualys and a Redis.
func TestConversationsOverTheWire(t *testing.T) {
	playAll(t, true, func(c stage.Config) closing { return stage.NewHouse(c) })
}

func playAll(t *testing.T, whole bool, open func(stage.Config) closing) {
	all, err := chat.All()
	require.NoError(t, err)
	for _, c := range all {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) { play(t, c, dir, whole, open) })
		})
	}
}

// play plays one conversation in a bubble, at two in the afternoon.
func play(t *testing.T, c *chat.Conversation, dir string, whole bool, open func(stage.Config) closing) {
	time.Sleep(14 * time.Hour)
	s := open(stage.Config{Rest: synctest.Wait, Dir: dir, Log: logTo(t)})
	r, err := chat.Play(t.Context(), c, s)
	var left error
	if house, ok := s.(*stage.House); ok {
		left = house.Check()
	}
	require.NoError(t, s.Close())
	require.NoError(t, left)
	if whole && *update && r != nil {
		require.NoError(t, os.WriteFile(filepath.Join("../chat", c.Name), []byte(r.Transcript()), 0o600))
	}
	if unknown := (*chat.UnknownDirection)(nil); errors.As(err, &unknown) && !whole {
		t.Skipf("for the whole house only: (%s)", unknown.Text)
	}
	require.NoError(t, err)
	require.Empty(t, r.Diff())
}

// logTo shows what bots log with -v.
func logTo(t *testing.T) *slog.Logger {
	if !testing.Verbose() {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(t.Output(), nil))
}

// onBothStages runs a test in a bubble with each of the stages.
func onBothStages(t *testing.T, test func(t *testing.T, s chat.Stage)) {
	for name, open := range map[string]func(stage.Config) closing{
		"desk":  func(c stage.Config) closing { return stage.NewDesk(c) },
		"house": func(c stage.Config) closing { return stage.NewHouse(c) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				s := open(stage.Config{Rest: synctest.Wait, Dir: dir})
				defer func() { require.NoError(t, s.Close()) }()
				test(t, s)
			})
		})
	}
}
