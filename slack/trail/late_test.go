package trail

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"

	"countersign/approvals"
	"countersign/audit"
	"countersign/internal/minislack"
)

// What is posted while the trail is read stands in parts of it only, and counts next time.
func TestWhatIsPostedMeanwhileIsNoGap(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		card := w.card("K7F3Q")
		w.entries(3, card)
		w.chatter(5)
		l := w.live()
		l.Pace = rate.NewLimiter(rate.Every(time.Minute), 1)
		go func() {
			time.Sleep(10 * time.Second)
			w.entries(1, "")
			w.entries(1, card)
		}()
		r := w.verify(l)
		assert.Equal(t, audit.CodeSound, r.Code(), texts(r.Problems))
	})
}

// Two downloads may have the same bytes: neither stands in for a third.
func TestEqualCSVsAccuseNobody(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		dl := func(content string) minislack.File {
			f := w.csv("users-platform-1-2026-11-22.csv", content, "")
			w.post(w.seal(approvals.Event{Kind: approvals.Downloaded, By: alice, FileSHA: sha(content)}), "")
			return f
		}
		dl("a")
		dl("a")
		w.post(w.seal(approvals.Event{Kind: approvals.Downloaded, By: alice, FileSHA: sha("b")}), "") // its CSV was deleted
		l := w.live()
		l.Files = []string{channel}
		r := w.verify(l)
		assert.Equal(t, audit.CodeSound, r.Code(), texts(r.Problems))
	})
}

// Who ends the comparison of CSVs has not checked everything.
func TestACheckThatWasEndedIsPartial(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		w.csv("users-platform-1-2026-11-22.csv", "other", "")
		w.post(w.seal(approvals.Event{Kind: approvals.Downloaded, By: alice, FileSHA: sha("a")}), "")
		l := w.live()
		l.Pace = rate.NewLimiter(rate.Every(time.Second), 1)
		l.Files = []string{channel, "C0OTHER"}
		ctx, cancel := context.WithCancel(t.Context())
		go func() { time.Sleep(500 * time.Millisecond); cancel() }()
		r, err := audit.Check{Key: public, Bot: minislack.BotUser}.Verify(l.Lines(ctx))
		require.Error(t, err)
		assert.Equal(t, audit.CodePartial, r.Code())
	})
}

// A card may be older than entries that are older than what stands below it.
func TestACardOnTheNextPageIsRead(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		card := w.card("K7F3Q")
		w.entries(1, card) // #1 requested
		w.chatter(5)
		w.entries(1, "")   // #2 found, by somebody else
		w.entries(1, card) // #3 approved
		w.entries(1, "")   // #4
		w.chatter(196)     // so the page ends between card and #2
		l := w.live()
		first, lines, err := l.Recent(t.Context(), 4, 2, nobody)
		require.NoError(t, err)
		r, err := audit.Check{Key: public, Bot: minislack.BotUser, First: first, Last: 4}.Verify(lines)
		require.NoError(t, err)
		assert.Empty(t, r.Problems)
	})
}

// Where people talk more than the bot, what could be read is checked.
func TestABusyChannelIsCheckedInPart(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		w.entries(3, "")
		w.chatter(10000)
		w.entries(3, "")
		first, _, err := w.live().Recent(t.Context(), 6, 6, nobody)
		require.NoError(t, err)
		assert.EqualValues(t, 4, first)
	})
}
