package page

import (
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
	b.step("Download the platform users")
	b.typed("\r")
	b.says(".message", "users-platform-2500")
	b.step("Ask for a delete")
	b.typed("\r")
	b.says(".message button", "Approve")
	b.step("Try to approve it yourself")
	b.press(".message button", "Approve")
	b.says(".message.only", "A second person")
	b.says(".tour .now .tour-title", "Approve it as somebody else")
	b.press(".person", "Bob")
	b.says(".people-hint", "Bob Baker")
	for _, s := range []struct {
		name string
		screen
	}{
		{"desktop-light", desktop}, {"desktop-dark", screen{width: 1280, height: 800, dark: true}},
		{"phone-light", phone}, {"phone-dark", screen{width: 390, height: 844, dark: true}},
	} {
		b.size(s.screen)
		eval[bool](b, `(document.querySelector(".message .b-header").closest(".message").scrollIntoView(), true)`)
		b.picture(s.name)
		small(t, s.name)
	}
	b.size(phone)
	b.press("#open-side", "")
	b.until("the menu", `document.querySelector("#side").getBoundingClientRect().left === 0`)
	b.picture("phone-menu")
	b.press("#close-side", "")
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
	b.typed("/qualys-users delete ")
	b.says(".suggestions", "company=")
	b.picture("phone-completion")
	b.size(desktop)
	b.picture("completion")
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
