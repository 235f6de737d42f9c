package minislack_test

import (
	"fmt"
	"net/url"

	"countersign/internal/minislack"
)

// The least an app can do: post a message, which everybody in the channel reads.
func Example() {
	s := minislack.NewInMemory()
	defer s.Close()
	s.Example()
	app := s.HTTPClient()
	defer app.CloseIdleConnections()

	resp, err := app.PostForm(s.URL()+"chat.postMessage", url.Values{
		"token": {minislack.BotToken}, "channel": {"C0QUALYSADMIN"}, "text": {"*Held* for <@U0BOB> & co."},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()

	for _, m := range s.As("alice").Read("#qualys-admin") {
		fmt.Println(m.From + "> " + m.Rendered())
		fmt.Println("stored as", m.Text)
	}
	// Output:
	// bot> Held for @bob & co.
	// stored as *Held* for <@U0BOB> &amp; co.
}
