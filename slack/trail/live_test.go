package trail

import (
	"context"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"

	"countersign/approvals"
	"countersign/audit"
	"countersign/internal/minislack"
)

func opening(content string) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(content)), nil }
}

// An untouched channel is sound: top-level, in threads, over several pages, with
// people talking in between and in threads of their own.
func TestTheWholeTrailIsRead(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		w.entries(3, "")
		card := w.card("K7F3Q")
		w.entries(210, card) // more than a page
		w.chatter(210)
		m, err := w.slack.As("bob").Say(channel, "what is this?")
		require.NoError(t, err)
		_, err = w.slack.As("alice").Reply(m.Ref(), "a trail")
		require.NoError(t, err)
		w.entries(2, "")
		report := w.verify(w.live())
		assert.Equal(t, audit.CodeSound, report.Code(), texts(report.Problems))
		assert.Equal(t, 215, report.Entries)
		assert.Empty(t, report.Notes)
		assert.LessOrEqual(t, w.slack.Calls("conversations.replies"), 2, "a thread of people holds no entry")

		var seqs []int64
		for l, err := range w.live().Lines(t.Context()) {
			require.NoError(t, err)
			seqs = append(seqs, l.Entry.Seq)
		}
		require.Len(t, seqs, 215)
		assert.IsIncreasing(t, seqs)
	})
}

// What an admin or another app can do to the channel is named.
func TestWhatWasDoneToTheChannelIsNamed(t *testing.T) {
	forgedBlocks := json.RawMessage(`[{"type":"section","text":{"type":"plain_text","text":"Nothing happened."}}]`)
	for _, tt := range []struct {
		name string
		do   func(t *testing.T, w *town, ref minislack.Ref, card string)
		want []string // the beginnings of the problems
	}{
		{"deleted in a thread", func(_ *testing.T, w *town, ref minislack.Ref, _ string) { w.slack.DeleteMessage(ref) },
			[]string{"#3: 1 entry is missing between #2 and #4"}},
		{"the card was deleted", func(_ *testing.T, w *town, _ minislack.Ref, card string) {
			w.slack.DeleteMessage(minislack.Ref{Channel: channel, TS: card})
		}, nil},
		{"edited in place", func(_ *testing.T, w *town, ref minislack.Ref, _ string) { w.slack.EditMessage(ref, "same", nil) },
			[]string{"#3: Slack marks the message as edited by U0ADMINISTRATOR"}},
		{"another sentence", func(_ *testing.T, w *town, ref minislack.Ref, _ string) {
			w.slack.EditMessage(ref, "Nothing happened.", forgedBlocks)
		}, []string{
			"#3: Slack marks the message as edited by U0ADMINISTRATOR",
			"#3: the sentence was edited: it is not the one that was sealed",
		}},
		{"without its metadata", func(_ *testing.T, w *town, ref minislack.Ref, _ string) { w.slack.StripMetadata(ref) },
			[]string{"#3: its metadata is gone"}},
		{"copied by somebody else", func(_ *testing.T, w *town, ref minislack.Ref, _ string) { w.slack.Forge("mallory", w.message(ref)) },
			[]string{"#3: U0MALLORY posted it, and not Countersign (U0BOT): it does not count"}},
		{"deleted, and posted again by somebody else", func(_ *testing.T, w *town, ref minislack.Ref, _ string) {
			w.slack.Forge("mallory", w.message(ref))
			w.slack.DeleteMessage(ref)
		}, []string{
			"#3: 1 entry is missing between #2 and #4",
			"#3: U0MALLORY posted it, and not Countersign (U0BOT): it does not count",
		}},
		{"a number of the future", func(t *testing.T, w *town, ref minislack.Ref, _ string) {
			w.slack.Forge("mallory", changed(t, w.message(ref), "seq", 99))
		}, []string{"#99: U0MALLORY posted it, and not Countersign (U0BOT): it does not count"}},
		{"metadata of nonsense", func(t *testing.T, w *town, ref minislack.Ref, _ string) {
			w.slack.Forge("mallory", changed(t, w.message(ref), "seq", "three"))
		}, []string{"message " + channel + "/"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inTown(t, func(t *testing.T, w *town) {
				w.entries(1, "")
				card := w.card("K7F3Q")
				refs := w.entries(3, card)
				w.entries(1, "")
				tt.do(t, w, refs[1], card)
				report := w.verify(w.live())
				got := texts(report.Problems)
				require.Len(t, got, len(tt.want), "%q", got)
				for _, want := range tt.want {
					assert.Condition(t, func() bool {
						for _, g := range got {
							if strings.HasPrefix(g, want) {
								return true
							}
						}
						return false
					}, "%q is not among %q", want, got)
				}
				assert.Equal(t, len(tt.want) == 0, report.Sound())
			})
		})
	}
}

func TestAPostThatWasRepeatedIsANote(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		sealed := w.seal(approvals.Event{Kind: approvals.Start})
		w.post(sealed, "")
		w.post(sealed, "")
		report := w.verify(w.live())
		assert.Equal(t, audit.CodeSound, report.Code())
		require.Len(t, report.Notes, 1)
		assert.Contains(t, report.Notes[0].Text, "was posted twice")
	})
}

// Slack's limits are obeyed, however long they last.
func TestReadingWaitsAsLongAsSlackSays(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		w.entries(2, w.card("K7F3Q"))
		w.slack.RateLimit("conversations.history", 90*time.Second, 2)
		w.slack.RateLimit("conversations.replies", 30*time.Second, 1)
		began := time.Now()
		assert.Equal(t, audit.CodeSound, w.verify(w.live()).Code())
		assert.GreaterOrEqual(t, time.Since(began), 210*time.Second)
	})
}

// A reader with a pace leaves room for others, whatever Slack would allow.
func TestAPaceIsKept(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		for range 10 {
			w.entries(1, w.card("K7F3Q"))
		}
		l := w.live()
		l.Pace = rate.NewLimiter(rate.Every(3*time.Second), 1)
		began := time.Now()
		assert.Equal(t, audit.CodeSound, w.verify(l).Code())
		assert.Equal(t, 30*time.Second, time.Since(began), "eleven calls")
	})
}

// Who cannot read the channel has found nothing: neither sound nor broken.
func TestAChannelThatCannotBeReadIsNoVerdict(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		w.entries(3, "")
		w.slack.Leave(channel, "bot")
		report := w.verify(w.live())
		assert.Equal(t, audit.CodePartial, report.Code())
		assert.Contains(t, report.Partial(), "channel_not_found")
	})
}

// What was read until Slack failed is checked, and its missing beginning is no
// deletion.
func TestReadingThatEndsEarlyIsPartial(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		w.entries(210, "")
		l := w.live()
		l.Pace = rate.NewLimiter(rate.Every(time.Minute), 1)
		failing := time.AfterFunc(30*time.Second, func() { w.slack.FailNext("conversations.history", "fatal_error", 1) })
		defer failing.Stop()
		report, err := audit.Check{Key: public, Bot: minislack.BotUser}.Verify(l.Lines(t.Context()))
		require.ErrorContains(t, err, "fatal_error")
		assert.Equal(t, audit.CodePartial, report.Code(), texts(report.Problems))
		assert.Equal(t, int64(11), report.First)
	})
}

// The end of a trail is read without the rest.
func TestTheEndOfATrailIsReadBackOnly(t *testing.T) {
	for _, tt := range []struct {
		name  string
		do    func(t *testing.T, w *town, refs []minislack.Ref)
		first int64
		want  []string
	}{
		{"untouched", nil, 261, nil},
		{"one is missing", func(_ *testing.T, w *town, refs []minislack.Ref) { w.slack.DeleteMessage(refs[279]) },
			261, []string{"#280: 1 entry is missing between #279 and #281"}},
		{"its beginning is missing", func(_ *testing.T, w *town, refs []minislack.Ref) {
			for _, ref := range refs[258:262] {
				w.slack.DeleteMessage(ref)
			}
		}, 258, []string{"#259: 4 entries are missing between #258 and #263"}},
		{"the newest is missing", func(_ *testing.T, w *town, refs []minislack.Ref) { w.slack.DeleteMessage(refs[299]) },
			261, []string{"#300: the entry is missing"}},
		{"what is older does not matter", func(_ *testing.T, w *town, refs []minislack.Ref) { w.slack.DeleteMessage(refs[10]) }, 261, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inTown(t, func(t *testing.T, w *town) {
				refs := w.entries(300, "")
				head := w.prev
				if tt.do != nil {
					tt.do(t, w, refs)
				}
				first, lines, err := w.live().Recent(t.Context(), 300, 40, nobody)
				require.NoError(t, err)
				assert.Equal(t, tt.first, first)
				report, err := audit.Check{Key: public, Bot: minislack.BotUser, First: first, Last: 300, Head: head}.Verify(lines)
				require.NoError(t, err)
				assert.Equal(t, tt.want, texts(report.Problems))
				assert.LessOrEqual(t, w.slack.Calls("conversations.history"), 2)
			})
		})
	}
}

// What was posted since the head was looked up is none of its business.
func TestEntriesJustPostedDoNotMatter(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		w.entries(10, "")
		head := w.prev
		refs := w.entries(3, "")
		w.slack.DeleteMessage(refs[1])
		first, lines, err := w.live().Recent(t.Context(), 10, 5, nobody)
		require.NoError(t, err)
		report, err := audit.Check{Key: public, Bot: minislack.BotUser, First: first, Last: 10, Head: head}.Verify(lines)
		require.NoError(t, err)
		assert.Equal(t, audit.CodeSound, report.Code(), texts(report.Problems))
		assert.Equal(t, 5, report.Entries)
	})
}

// Entries of the end may stand below a card that is older than everything that is
// read: Redis knows the card.
func TestAnOldCardHoldsNewEntries(t *testing.T) {
	inTown(t, func(t *testing.T, w *town) {
		card := w.card("K7F3Q")
		w.entries(5, "")
		w.chatter(300)
		w.entries(20, "")
		w.entries(2, card)
		w.entries(3, "")
		asked := 0
		first, lines, err := w.live().Recent(t.Context(), 30, 10, func(context.Context) ([]string, error) {
			asked++
			return []string{"1.000000", card}, nil
		})
		require.NoError(t, err)
		report, err := audit.Check{Key: public, Bot: minislack.BotUser, First: first, Last: 30, Head: w.prev}.Verify(lines)
		require.NoError(t, err)
		assert.Equal(t, audit.CodeSound, report.Code(), texts(report.Problems))
		assert.Zero(t, asked, "the card was found")
		assert.Equal(t, 2, w.slack.Calls("conversations.history"))
	})
}
