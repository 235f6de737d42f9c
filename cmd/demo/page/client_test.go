package page

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/internal/minislack"
)

// What somebody is called or says is text, whatever it looks like.
func TestForeignTextIsTextAndNothingElse(t *testing.T) {
	w := quietTown(t)
	const evil = `<img src=x onerror="hit=1"><script>hit=2</script>`
	w.slack.SetProfile("mallory", func(p *minislack.Person) { p.RealName = evil })
	_, err := w.slack.As("mallory").Say(channel, "*bold* `"+evil+"` javascript:hit=3 <!channel> &lt;b&gt;")
	require.NoError(t, err)
	b := browse(t, w.url+"#bob/"+channel, desktop)
	b.says(".message .author", evil)
	b.says(".message code", evil)
	b.says(".message strong", "bold")
	assert.False(t, eval[bool](b, `"hit" in window || !!document.querySelector("img, script:not([src])")`), "markup was run or built")
	b.quiet()
}

// The whole field works without a mouse, and says so to a screen reader.
func TestCompletionIsForTheKeyboard(t *testing.T) {
	w := quietTown(t)
	b := browse(t, w.url+"#alice/"+channel, desktop)
	b.press("#composer", "")
	field := func(attribute string) string {
		return eval[string](b, fmt.Sprintf(`document.querySelector("#composer").getAttribute(%q) ?? ""`, attribute))
	}
	b.typed("/")
	b.says(".suggestions", "/qualys-users")
	assert.Equal(t, "true", field("aria-expanded"))
	b.typed("\t")
	b.says(".suggestions", "download")
	for _, verb := range []string{"find", "update", "delete", "requests", "show", "cancel", "close", "whoami", "help"} {
		b.says(".suggestions", verb)
	}
	b.typed("del\t")
	b.says(".suggestions", `reason="`)
	b.typed("comp")
	b.do(chromedp.KeyEvent(arrowDown))
	assert.Equal(t, "company=", eval[string](b, `document.getElementById(document.querySelector("#composer").getAttribute("aria-activedescendant")).querySelector(".suggestion-text").innerText`))
	b.typed("\r")
	b.says(".suggestions", "NewVendor")
	b.typed("\t")
	assert.Equal(t, "/qualys-users delete company=NewVendor ", eval[string](b, `document.querySelector("#composer").value`))
	assert.NotContains(t, b.text(".suggestions"), "company=", "each condition once")
	b.typed("\x1b")
	assert.Equal(t, "false", field("aria-expanded"))
	assert.Empty(t, field("aria-activedescendant"))
	b.quiet()
}

// A form says what is wrong below the field, and takes a CSV; a question comes
// before a click that cannot be taken back.
func TestFormsAndQuestions(t *testing.T) {
	w := newTown(t)
	users := w.qualys.SAQUsers()
	file := filepath.Join(t.TempDir(), "ids.csv")
	require.NoError(t, os.WriteFile(file, fmt.Appendf(nil, "id\n%d\n%d\n%d\n", users[100].ID, users[200].ID, users[300].ID), 0o600))
	b := browse(t, w.url+"#alice/"+channel, desktop)
	b.press("#composer", "")
	b.typed("/qualys-users delete\r")
	b.says("dialog h2", "Delete")
	b.press("dialog .primary", "")
	b.says("dialog .field-error", "Please complete this required field.")
	b.do(chromedp.SetUploadFiles(chromedp.CSS(`dialog input[type="file"]`), []string{file}))
	b.press(`dialog .field:has(.field-error:not([hidden])) input, dialog .field:has(.field-error:not([hidden])) textarea`, "")
	b.typed("SEC-130 left the company")
	b.picture("form-with-file")
	b.press("dialog .primary", "")
	b.says(".message .b-header", "Delete 3 SAQ users?")
	b.until("the dialog to close", `!document.querySelector("dialog")`)

	// Few enough that a click and a question are all: nothing is sent before Yes.
	b.press(".person", "Carol")
	b.says(".people-hint", "Carol Cruz")
	b.press(".message button", "Approve")
	b.says("dialog[open]", "I will delete 3 SAQ users")
	before := w.slack.Now()
	b.press("dialog button", "Not yet")
	b.until("the question to close", `!document.querySelector("dialog")`)
	b.press(".message button", "Approve")
	b.picture("confirm")
	b.press("dialog button", "Approve")
	b.says(".message .b-header", "Deleted 3 of 3 SAQ users")
	clicks := 0
	for _, e := range w.slack.Since(before) {
		if e.Kind == minislack.Clicked {
			clicks++
		}
	}
	assert.Equal(t, 1, clicks)
	b.quiet()
}

// A CSV is a table that can be filtered, and the file itself can be had.
func TestACSVIsATable(t *testing.T) {
	w := newTown(t)
	b := browse(t, w.url+"#alice/"+channel, desktop)
	b.press("#composer", "")
	b.typed("/qualys-users find company=NewVendor\r")
	b.press(".file", "users-saq-49")
	b.says(".file-count", "49 rows · 8 columns")
	b.press("#file-filter", "")
	b.typed("kumar")
	b.until("fewer rows", `/^\d+ of 49 rows$/.test(document.querySelector(".file-count").innerText)`)
	assert.Equal(t, "sticky", eval[string](b, `getComputedStyle(document.querySelector(".sheet th")).position`))
	content := eval[string](b, `fetch(document.querySelector("dialog a[download]").href).then((r) => r.text())`)
	assert.Equal(t, 50, strings.Count(content, "\n"), "lines of the file")
	b.typed("\x1b\x1b")
	b.until("the dialog to close", `!document.querySelector("dialog")`)
	b.quiet()
}

// What Slack itself says when the bot does not answer is told, with what it means.
func TestSlacksOwnFailuresAreTold(t *testing.T) {
	w := newTown(t)
	b := browse(t, w.url+"#alice/"+channel, desktop)
	b.press("#composer", "")
	b.typed("/qualys-users delete id=" + fmt.Sprint(w.qualys.SAQUsers()[50].ID) + " reason=\"SEC-1\"\r")
	b.says(".message button", "Cancel")
	for n := range w.bots.Count() {
		require.NoError(t, w.bots.Kill(n+1))
	}
	require.Eventually(t, func() bool { return w.slack.Sockets() == 0 }, patience, tick)
	b.press(".message button", "Cancel")
	b.says(".toast", "Slack got no answer to that click.")
	b.says(".warned", "Press it again.")
	b.press("#composer", "")
	b.typed("/qualys-users help\r")
	b.says(".toast", "dispatch_failed")
	b.says(".toast", "No bot is connected")
	assert.Equal(t, "/qualys-users help", eval[string](b, `document.querySelector("#composer").value`), "what was typed is kept")
	b.quiet()
}

// Dark is what the system says, or what somebody pressed, and then stays.
func TestLightAndDark(t *testing.T) {
	w := quietTown(t)
	b := browse(t, w.url, screen{width: 1280, height: 800, dark: true})
	const ground = `getComputedStyle(document.body).backgroundColor`
	b.says(".people-hint", "Alice")
	dark := eval[string](b, ground)
	b.press("#theme", "")
	b.until("light", `document.documentElement.dataset.theme === "light"`)
	assert.NotEqual(t, dark, eval[string](b, ground))
	b.do(chromedp.Reload())
	b.says(".people-hint", "Alice")
	assert.NotEqual(t, dark, eval[string](b, ground), "it is remembered")
	b.quiet()
}

// A run whose bot is killed is finished by another one, and every user is
// deleted once.
func TestAKilledRunEndsInARightSummary(t *testing.T) {
	w := newTown(t)
	b := browse(t, w.url+"#alice/"+channel, desktop)
	b.press("#open-levers", "")
	b.press("#levers button", "Slow")
	b.says("#levers", "four seconds a call")
	b.press("#composer", "")
	b.typed("/qualys-users delete firstName=NewVendor reason=\"SEC-124\"\r")
	b.says(".message button", "Approve")
	b.press(".person", "Bob")
	b.says(".people-hint", "Bob Baker")
	b.press(".message button", "Approve")
	b.says("dialog label", "Type DELETE 49")
	b.typed("DELETE 49\r")
	b.progress(1)
	b.press(`[data-lever="bot-1"]`, "Kill")
	b.press(`[data-lever="bot-2"]`, "Kill") // whichever of them worked on it is dead
	b.press(`[data-lever="bot-1"]`, "Start")
	b.says("#levers", "Bot 1 runs")
	b.press(`[data-lever="slow-qualys"]`, "fast")
	b.says(".message .b-header", "Deleted 49 of 49 SAQ users")
	state := w.qualys.State()
	assert.Len(t, state.Deletes, 49)
	assert.Empty(t, state.RepeatedDeletes)
	b.quiet()
}

// On a phone nothing is cut off: the page never scrolls sideways, the side is a
// drawer, and a thread fills the screen.
func TestThePageFitsAPhone(t *testing.T) {
	w := newTown(t)
	b := browse(t, w.url+"#alice/"+channel, screen{width: 360, height: 740})
	b.press("#composer", "")
	b.typed("/qualys-users delete firstName=NewVendor reason=\"SEC-124\"\r")
	b.says(".message button", "Approve")
	const fits = `document.documentElement.scrollWidth <= innerWidth && [...document.querySelectorAll(".scroll")].every((e) => e.scrollWidth <= e.clientWidth)`
	b.until("the channel to fit", fits)
	b.press("#open-side", "")
	b.press(".person", "Bob")
	b.press("#close-side", "")
	b.press(".thread-link", "1 reply")
	b.until("the thread to fill the screen", `document.querySelector("#pane").getBoundingClientRect().width === innerWidth && `+fits)
	for _, path := range []string{"gallery", "qualys"} {
		b.do(chromedp.Navigate(w.url + path))
		b.until(path+" to fit", `document.querySelectorAll(".exhibit, tbody tr").length > 20 && document.documentElement.scrollWidth <= innerWidth`)
	}
	b.quiet()
}
