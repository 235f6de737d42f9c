package page

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/approvals"
)

// A kind of event, or a state of a request, that is added has to be shown.
func TestTheGalleryHasEverything(t *testing.T) {
	kinds, states := map[approvals.Kind]bool{}, map[approvals.State]bool{}
	for _, e := range events() {
		kinds[e.Kind] = true
	}
	for _, p := range pendings() {
		states[p.State] = true
	}
	for _, k := range constants(t, "Kind") {
		assert.True(t, kinds[approvals.Kind(k)], "no exhibit of the kind %q", k)
	}
	for _, s := range constants(t, "State") {
		assert.True(t, states[approvals.State(s)], "no exhibit of the state %q", s)
	}
	all, err := gallery(t.Context())
	require.NoError(t, err)
	verbs, err := vocabulary(t.Context())
	require.NoError(t, err)
	raw, err := json.Marshal(all)
	require.NoError(t, err)
	for _, v := range verbs[0].Verbs {
		assert.Contains(t, string(raw), command+" "+v.Text, "no exhibit of the verb")
	}
}

// Every exhibit is drawn, and hostile names in them are text.
func TestTheGalleryIsDrawn(t *testing.T) {
	w := quietTown(t)
	b := browse(t, w.url+"gallery", desktop)
	b.says(".exhibit", "Waits for an approval")
	all, err := gallery(t.Context())
	require.NoError(t, err)
	n := 0
	for _, wing := range all.Wings {
		n += len(wing.Exhibits)
	}
	assert.Equal(t, n, eval[int](b, `document.querySelectorAll(".exhibit").length`))
	assert.Zero(t, eval[int](b, `document.querySelectorAll(".b-unknown").length`), "blocks that are not drawn")
	assert.Zero(t, eval[int](b, `[...document.querySelectorAll(".exhibit")].filter((e) => e.innerText.split("\n").length < 2).length`), "empty exhibits")
	b.says(".exhibit pre", "<script>alert(1)</script>")
	b.press("#filter", "")
	b.typed("froze all changes")
	b.until("one exhibit", `document.querySelectorAll(".exhibit:not([hidden])").length === 1`)
	b.quiet()
}

// Who is deleted is seen to go.
func TestUsersAreSeenToGo(t *testing.T) {
	w := quietTown(t)
	users := w.qualys.SAQUsers()
	b := browse(t, w.url+"qualys", desktop)
	b.says("#count", fmt.Sprintf("%d,%03d users", len(users)/1000, len(users)%1000))
	b.says("#rows", users[20].UserName)
	w.qualys.RemoveSAQUser(users[20].ID)
	b.says("tr.going", users[20].UserName)
	b.until("it to be gone", fmt.Sprintf(`!document.querySelector("#rows").innerText.includes(%q)`, users[20].UserName))
	b.press("#platform", "")
	b.says("#count", "2,500 users")
	b.press("#filter", "")
	b.typed("quays_aaaab")
	b.says("#count", "1 of 2,500 users")
	b.quiet()
}

// constants are the values that package approvals declares of a type, read from
// its sources.
func constants(t *testing.T, of string) []string {
	t.Helper()
	names, err := os.ReadDir("../../../approvals")
	require.NoError(t, err)
	var values []string
	for _, file := range names {
		if !strings.HasSuffix(file.Name(), ".go") || strings.HasSuffix(file.Name(), "_test.go") {
			continue
		}
		text, err := os.ReadFile("../../../approvals/" + file.Name())
		require.NoError(t, err)
		for line := range strings.Lines(string(text)) {
			fields := strings.Fields(line)
			if len(fields) >= 4 && fields[1] == of && fields[2] == "=" && strings.HasPrefix(fields[3], `"`) {
				values = append(values, strings.Trim(fields[3], `"`))
			}
		}
	}
	require.NotEmpty(t, values, "constants of type %s", of)
	return values
}

// What axe-core calls serious or critical is not there, on any page and with
// anything open, light and dark.
func TestThePagesAreAccessible(t *testing.T) {
	axe := axeCore(t)
	w := newTown(t)
	b := browse(t, w.url+"#alice/"+channel, desktop)
	b.press("#composer", "")
	b.typed("/qualys-users delete firstName=NewVendor reason=\"SEC-124\"\r")
	b.says(".message button", "Approve")
	b.press("#composer", "")
	b.typed("/qualys-users delete firstName=Nobody reason=\"SEC-124\"\r")
	b.says(".message.only", "No SAQ user fits")
	for _, s := range []screen{desktop, {width: 1280, height: 800, dark: true}, phone} {
		name := fmt.Sprintf("%d, dark %v: ", s.width, s.dark)
		b.size(s)
		b.check(axe, name+"the channel")
		b.press("#open-levers", "")
		b.check(axe, name+"the levers")
		b.press(".pane-bar .icon-button", "")
		b.press(".thread-link", "1 reply")
		b.check(axe, name+"the thread")
		b.press(".pane-bar .icon-button", "")
		b.press("#composer", "")
		b.typed("/qualys-users ")
		b.says(".suggestions", "delete")
		b.do(chromedp.KeyEvent(arrowDown))
		b.check(axe, name+"the completion")
		b.typed("\x1b")
		eval[bool](b, `(document.querySelector("#composer").value = "", true)`)
		b.press(".file", "delete-saq")
		b.says(".file-count", "49 rows")
		b.check(axe, name+"a file")
		b.press("dialog .icon-button", "")
		b.press("#composer", "")
		b.typed("/qualys-users update\r")
		b.says("dialog h2", "Update")
		b.press("dialog .primary", "")
		b.says("dialog .field-error", "required")
		b.check(axe, name+"a form")
		b.press("dialog .icon-button", "")
		b.until("the form to close", `!document.querySelector("dialog")`)
	}
	for _, path := range []string{"gallery", "qualys"} {
		b.do(chromedp.Navigate(w.url + path))
		b.until(path, `document.querySelectorAll(".exhibit, tbody tr").length > 20`)
		for _, s := range []screen{desktop, {width: 1280, height: 800, dark: true}, phone} {
			b.size(s)
			b.check(axe, fmt.Sprintf("%s, %d, dark %v", path, s.width, s.dark))
		}
	}
}

// axeCore is the source of axe-core, which .ci/run installs.
func axeCore(t *testing.T) string {
	path := os.Getenv("AXE_CORE")
	if path == "" {
		if os.Getenv("CI") != "" {
			t.Fatal("AXE_CORE does not name axe.min.js of axe-core; .ci/run does that")
		}
		t.Skip("AXE_CORE does not name axe.min.js of axe-core: npm install axe-core")
	}
	source, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(source)
}

// check lets axe-core look at the page.
func (b *browser) check(axe, what string) {
	b.t.Helper()
	eval[bool](b, axe+"\n;true")
	found := eval[[]string](b, `axe.run(document, { resultTypes: ["violations"] }).then((r) => r.violations
		.filter((v) => v.impact === "serious" || v.impact === "critical")
		.flatMap((v) => v.nodes.slice(0, 4).map((n) => v.id + ": " + n.html.slice(0, 200) + " " + n.failureSummary)))`)
	assert.Empty(b.t, found, what)
}
