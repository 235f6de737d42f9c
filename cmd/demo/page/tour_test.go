package page

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Somebody who presses what the tour shows them has seen everything at its end:
// a download, a request, a refusal, an approval, a bot killed in the middle of
// its work whose counts are right all the same, and the trail.
func TestTheTourFromBeginningToEnd(t *testing.T) {
	w := newTown(t)
	b := browse(t, w.url, desktop)

	b.step("Download platform users")
	b.picture("start")
	b.typed("\r")
	b.press(".file", "users-platform")
	b.says(".file-count", "2,500 rows · 11 columns")
	b.picture("csv")
	b.press("dialog button[aria-label]", "")

	b.step("Ask for a delete")
	b.typed("\r")
	b.says(".message .b-header", "Delete 49 SAQ users?")
	b.says(".message button", "Approve")
	b.picture("card")

	b.step("Try to approve it yourself")
	b.press(".message button", "Approve")
	b.says(".message.only", "A second person has to approve it.")
	b.says(".message.only", "Only visible to you")
	b.picture("refused")

	b.step("Approve it as Bob")
	b.says(".people-hint", "Bob Baker")
	b.press(".message button", "Approve")
	b.says("dialog label", "Type DELETE 49")
	b.picture("form")
	b.typed("DELETE 49\r")

	b.step("Kill the bot while it works")
	seen := b.progress(2)
	b.picture("running")
	b.press("#levers button", "Kill")
	b.says("#levers", "is dead")
	b.picture("killed")
	b.says(".message", "Deleted 49 of 49 SAQ users")
	assert.GreaterOrEqual(t, len(seen), 2, "intermediate counts: %v", seen)

	b.step("Read the trail")
	b.press(".thread-link", "repl")
	b.says("#pane", "U0BOB approved")
	b.says("#pane", "Deleted 49 of 49 SAQ users")
	b.picture("thread")
	b.says(".tour", "You have seen it all")
	b.quiet()

	state := w.qualys.State()
	assert.Len(t, state.Deletes, 49, "users that a call deleted")
	assert.Zero(t, state.Wild, "users that nobody approved")
}

var progressed = regexp.MustCompile(`(\d+) of 49 SAQ users`)

// progress watches a run until that many different counts between nothing and
// everything were seen.
func (b *browser) progress(n int) []string {
	b.t.Helper()
	var seen []string
	for deadline := time.Now().Add(90 * time.Second); len(seen) < n; {
		require.True(b.t, time.Now().Before(deadline), "no progress; seen: %v", seen)
		b.until("another count", fmt.Sprintf(
			`/(\d+) of 49 SAQ users/.test(%[1]s) && ![%[2]s].includes(/(\d+) of 49 SAQ users/.exec(%[1]s)[1])`,
			`(document.querySelector("#messages .wide-meter")?.closest(".r-section").innerText ?? "")`, strings.Join(append(seen, `"0"`), ",")))
		text := eval[string](b, `document.querySelector("#messages .wide-meter")?.closest(".r-section").innerText ?? ""`)
		if found := progressed.FindStringSubmatch(text); found != nil && found[1] != "49" {
			seen = append(seen, `"`+found[1]+`"`)
		}
	}
	return seen
}
