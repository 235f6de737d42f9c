package page

import (
	"fmt"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The pictures of README.md and docs, written with
//
//	go test ./cmd/demo/page -run TestPictures -screenshots docs/pictures
//
// They show a request that waits, on a desktop and on a phone, light and dark.
func TestPictures(t *testing.T) {
	if *pictures == "" {
		t.Skip("-screenshots names no folder")
	}
	w := newTown(t)
	b := browse(t, w.url, desktop)
	b.step("Download platform users")
	b.typed("\r")
	b.says(".message", "users-platform-2500")
	b.step("Ask for a delete")
	b.typed("\r")
	b.says(".message button", "Approve")
	b.step("Try to approve it yourself")
	b.press(".message button", "Approve")
	b.says(".message.only", "A second person")
	b.says(".tour .now .tour-title", "Approve it as Bob")
	b.press(".person", "Bob")
	b.says(".people-hint", "Bob Baker")
	large := screen{width: 1280, height: 900}
	b.size(large)
	b.show(".message .b-header")
	b.picture("desktop-light")
	b.press(".message button", "Approve")
	b.says("dialog label", "Type DELETE 49")
	b.size(screen{width: 1280, height: 800, dark: true})
	b.picture("approve-dark")
	b.press("dialog button", "Back")
	b.size(screen{width: 1280, height: 900, dark: true})
	b.show(".message .b-header")
	b.picture("desktop-dark")
	small(t, "desktop-light")
	small(t, "desktop-dark")
	b.size(large)
	b.press("#composer", "")
	b.typed("/qualys-users delete ")
	b.says(".suggestions", "company=")
	b.do(chromedp.KeyEvent(arrowDown))
	b.picture("completion")
	b.typed("\x1b")
	b.onPhone(w)
	b.size(desktop)
	b.do(chromedp.Navigate(w.url + "gallery"))
	b.says(".exhibit", "Waits for an approval")
	b.picture("gallery")
	b.size(phone)
	b.picture("phone-gallery")
	b.do(chromedp.Navigate(w.url + "qualys"))
	b.says("#rows", "NewVendor")
	b.picture("phone-qualys")
	b.size(desktop)
	b.picture("qualys")
	b.quiet()
}

// onPhone shows a request about two users, and everything else, on a phone.
func (b *browser) onPhone(w *town) {
	b.size(phone)
	b.press("#open-side", "")
	b.until("the menu", `document.querySelector("#side").getBoundingClientRect().left === 0`)
	b.picture("phone-menu")
	b.press(".person", "Alice")
	b.press("#close-side", "")
	eval[bool](b, `(document.querySelector("#composer").value = "", true)`)
	b.press("#composer", "")
	users := w.qualys.SAQUsers()
	b.typed(fmt.Sprintf("/qualys-users delete id=%d,%d reason=\"SEC-131 left the company\"\r", users[300].ID, users[301].ID))
	b.says(".message .b-header", "Delete 2 SAQ users?")
	b.says(".message:last-of-type button", "Approve")
	for name, s := range map[string]screen{"phone-light": phone, "phone-dark": {width: 390, height: 844, dark: true}} {
		b.size(s)
		b.show(".message .b-header")
		b.picture(name)
		small(b.t, name)
	}
	b.size(phone)
	b.press("#open-levers", "")
	b.picture("phone-levers")
	b.press(".pane-bar .icon-button", "")
	b.press(".thread-link", "1 reply")
	b.picture("phone-thread")
	b.press(".pane-bar .icon-button", "")
	b.press(".file[data-file]", "-saq-49-")
	b.says(".file-count", "49 rows")
	b.picture("phone-csv")
	b.press("dialog button[aria-label]", "")
	b.press("#composer", "")
	b.typed("/qualys-users ")
	b.says(".suggestions", "download")
	b.picture("phone-completion")
	b.typed("update\r")
	b.says("dialog h2", "Update")
	b.press("dialog .primary", "")
	b.says("dialog .field-error", "required")
	b.picture("phone-form")
	b.press("dialog .icon-button", "")
}

// show scrolls to the last element that fits, below the bar.
func (b *browser) show(selector string) {
	eval[bool](b, fmt.Sprintf(`([...document.querySelectorAll(%q)].at(-1).closest(".message").scrollIntoView(), true)`, selector))
}

// small requires that a picture fits into a README.
func small(t *testing.T, name string) {
	file, err := os.Open(filepath.Join(*pictures, name+".png"))
	require.NoError(t, err)
	defer file.Close()
	about, err := file.Stat()
	require.NoError(t, err)
	assert.Less(t, about.Size(), int64(300<<10), "%s is too large", name)
	_, err = png.Decode(file)
	require.NoError(t, err)
}
