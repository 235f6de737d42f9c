package page

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/internal/minislack"
)

// A phone that is turned keeps the form that is open, and what stands in it.
func TestATurnedPhoneKeepsTheForm(t *testing.T) {
	w := newTown(t)
	b := browse(t, w.url+"#alice/"+channel, phone)
	b.press("#composer", "")
	b.typed("/qualys-users delete\r")
	b.says("dialog h2", "Delete SAQ users")
	b.typed("company=Acme")
	b.size(screen{width: 844, height: 390})
	b.until("the side", `!document.querySelector("#side").inert`)
	const typed = `document.querySelector("dialog textarea")?.value`
	assert.Equal(t, "company=Acme", eval[string](b, typed))
	b.size(phone)
	b.until("the drawer", `document.querySelector("#side").inert`)
	assert.Equal(t, "company=Acme", eval[string](b, typed))
	b.quiet()
}

// Whoever reads the end of the channel goes on reading it when a pane takes some
// of the room, and a card that only changes is no news.
func TestTheEndStaysInSight(t *testing.T) {
	w := newTown(t)
	b := browse(t, w.url+"#bob/"+channel, desktop)
	for n := range 2 { // enough to fill the screen
		w.asks(300 + n)
		b.until("the card", fmt.Sprintf(`document.querySelectorAll('[data-action="approve"]').length === %d`, n+1))
	}
	const below = `(({ scrollHeight, scrollTop, clientHeight }) => scrollHeight - scrollTop - clientHeight)(document.querySelector("#scroll"))`
	b.until("the end", below+" < 2")
	b.press("#open-levers", "")
	b.says("#levers", "Bot 1 runs")
	b.until("the end again", below+" < 2")

	eval[bool](b, `(document.querySelector("#scroll").scrollTop = 0, true)`)
	b.cancels(w)
	b.says(".message .b-header", "Cancelled")
	assert.True(t, eval[bool](b, `document.querySelector("#news").hidden`), "a card changed, nothing is new")
	w.asks(310)
	b.until("news", `!document.querySelector("#news").hidden`)
	b.quiet()
}

// A button that went away between the question and its answer is told in one
// sentence.
func TestAButtonThatIsGoneIsTold(t *testing.T) {
	w := newTown(t)
	b := browse(t, w.url+"#bob/"+channel, desktop)
	w.asks(300)
	b.press(".message button", "Approve")
	b.says("dialog", "Not yet")
	b.cancels(w)
	b.says(".message .b-header", "Cancelled")
	b.press("dialog button", "Approve")
	b.says(".toast", "This is not there any more: the message has changed meanwhile.")
	b.quiet()
}

// asks has Alice ask for the deletion of a user.
func (w *town) asks(n int) {
	w.t.Helper()
	_, err := w.slack.As("alice").Slash(channel, command, fmt.Sprintf(`delete id=%d reason="SEC-1"`, w.qualys.SAQUsers()[n].ID))
	require.NoError(w.t, err)
}

// cancels has Alice cancel the newest request, wherever the browser is.
func (b *browser) cancels(w *town) {
	b.t.Helper()
	ts := eval[string](b, `[...document.querySelectorAll('[data-action="cancel"]')].at(-1).closest(".message").dataset.ts`)
	require.NoError(b.t, w.slack.As("alice").ClickThrough(minislack.Ref{Channel: channel, TS: ts}, "Cancel"))
}
