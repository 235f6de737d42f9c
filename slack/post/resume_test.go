package post

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/approvals"
	"countersign/slack/web"
)

// wholeStory lets a request live from its first moment to its result.
func (w *world) wholeStory() approvals.Pending {
	w.t.Helper()
	p := w.hold("trigger", 30)
	w.until("the card is shown", func() bool {
		r, err := w.book.Pending(w.t.Context(), p.ID)
		require.NoError(w.t, err)
		return r.Card.Version > 0
	})
	w.approve(p)
	w.pass(30 * time.Second)
	w.until("the approval is in the channel", func() bool {
		n, _, err := w.book.Outbox().Head(w.t.Context())
		require.NoError(w.t, err)
		return n >= 2
	})
	w.run(p)
	w.until("the result is shown", func() bool {
		ids, err := w.book.Outbox().Dirty(w.t.Context())
		require.NoError(w.t, err)
		n, _, err := w.book.Outbox().Head(w.t.Context())
		require.NoError(w.t, err)
		return len(ids) == 0 && n >= 4
	})
	w.pass(5 * time.Second)
	return p
}

// until waits for something, ten minutes at most.
func (w *world) until(what string, true func() bool) {
	w.t.Helper()
	for range 600 {
		synctest.Wait()
		if true() {
			return
		}
		time.Sleep(time.Second)
	}
	w.t.Fatalf("never: %s\n%s", what, w.log)
}

// onceEach checks that everything about a request is in the channel, each once.
func (w *world) onceEach(p approvals.Pending) {
	w.t.Helper()
	assert.Equal(w.t, []string{"requested", "approved", "started", "finished"}, w.trail())
	card := w.card()
	assert.Contains(w.t, card.Rendered(), "Deleted 30 of 30 SAQ users")
	assert.Empty(w.t, card.Buttons())
	assert.Len(w.t, w.with(web.SummaryType), 1)
	var files []string
	for _, f := range w.slack.Files(channel) {
		files = append(files, f.Name)
	}
	assert.Equal(w.t, []string{p.PlanFile(), p.ResultFile()}, files)
	assert.LessOrEqual(w.t, len(w.slack.As("alice").DM()), 1, "direct messages about one approval")
}

// P37: whatever step a poster dies at, the next one goes on and repeats nothing.
func TestAnotherPosterGoesOnWhereOneDied(t *testing.T) {
	for step, times := range map[string]int{"post": 4, "attach": 2, "upload": 2, "card": 1, "summary": 1} {
		for nth := range times * 2 {
			point := fmt.Sprintf("%s.%s", step, []string{"before", "after"}[nth%2])
			t.Run(fmt.Sprintf("%s %d", point, nth/2+1), func(t *testing.T) {
				inBubble(t, func(t *testing.T, w *world) {
					var dying *bot
					died := make(chan struct{})
					dying = w.bot(func(c *Config) {
						c.Web.Point = at(point, nth/2+1, func() {
							close(died)
							dying.cancel()
							panic("killed")
						})
					})
					w.pass(time.Second)
					w.bot() // which waits for the lease
					w.onceEach(w.wholeStory())
					<-died
				})
			})
		}
	}
}

// at strikes when a point is reached for the nth time.
func at(point string, nth int, strike func()) func(string) {
	var mu sync.Mutex
	return func(name string) {
		mu.Lock()
		if name == point {
			nth--
		}
		now := name == point && nth == 0
		mu.Unlock()
		if now {
			strike()
		}
	}
}

// P37, P38: whichever call loses its answer, or is turned away, nothing is there
// twice and nothing is missing.
func TestAnyCallMayFailOnce(t *testing.T) {
	lost := func(w *world, method string) { w.slack.LoseAnswer(method, 1) }
	others := map[string]func(w *world, method string){
		"it was too fast":    func(w *world, method string) { w.slack.RateLimit(method, 7*time.Second, 1) },
		"internal_error":     func(w *world, method string) { w.slack.FailNext(method, "internal_error", 1) },
		"HTTP 408":           func(w *world, method string) { w.slack.HTTPFail(method, 408, 1) },
		"its answer is late": func(w *world, method string) { w.slack.Delay(method, 25*time.Second, 1) },
	}
	for method, times := range map[string]int{
		"chat.postMessage": 6, "chat.update": 3, "files.getUploadURLExternal": 2, "upload": 2,
		"files.completeUploadExternal": 2, "files.info": 4, "conversations.history": 1, "conversations.info": 2,
	} {
		for nth := range times {
			t.Run(fmt.Sprintf("%s, call %d, its answer is lost", method, nth+1), func(t *testing.T) {
				failsOnce(t, method, nth, lost)
			})
		}
		for name, fail := range others {
			t.Run(fmt.Sprintf("%s, the last call, %s", method, name), func(t *testing.T) {
				failsOnce(t, method, times-1, fail)
			})
		}
	}
}

// failsOnce lets one call of a method fail, after so many good ones.
func failsOnce(t *testing.T, method string, good int, fail func(*world, string)) {
	inBubble(t, func(t *testing.T, w *world) {
		w.bot()
		w.slack.Delay(method, 0, good)
		fail(w, method)
		w.onceEach(w.wholeStory())
		require.Greater(t, w.slack.Calls(method), good)
	})
}
