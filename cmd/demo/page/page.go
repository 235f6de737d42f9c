// Package page is what people of the demo see in their browser.
//
// [Serve] serves three pages on one listener:
//
//	/         the workspace of internal/minislack, with completion of our
//	          commands, a guided tour and levers that break things
//	/gallery  every card, dialog, form and sentence the bot can produce, with
//	          canned data, drawn by the same code as in the workspace
//	/qualys   the users of the simulated Qualys, so that one sees them go
//
// Whoever runs the bots hands in [Bots]; everything else comes from the two
// simulators. The pages ask for no password and belong on the loopback:
// [minislack.Guard] keeps other sites away.
//
// Nothing is stored. What the pages load is embedded, and they load nothing
// from elsewhere.
package page

import (
	"context"
	"embed"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"sync"
	"time"

	"countersign/internal/miniqualys"
	"countersign/internal/minislack"
)

// A Config says what the pages show.
type Config struct {
	Slack  *minislack.Server
	Qualys *miniqualys.Server
	Bots   Bots // nil: there is no lever for a bot
}

//go:embed static
var assets embed.FS

// Handler serves the pages.
func Handler(c Config) (http.Handler, error) {
	files, err := fs.Sub(assets, "static")
	if err != nil {
		return nil, err
	}
	words, err := vocabulary(context.Background())
	if err != nil {
		return nil, err
	}
	exhibits := sync.OnceValues(func() (collection, error) { return gallery(context.Background()) })
	mux := http.NewServeMux()
	mux.Handle("/", c.Slack.Web(minislack.Page{
		Title: "Countersign",
		Roles: map[string]string{
			"alice": "asks for changes", "bob": "approves", "carol": "approves",
			"mallory": "has no role", "gus": "is a guest",
		},
		Commands: words,
		IDs:      `Request ([A-Z2-7]{5,26})\b`,
		Levers:   levers(c),
		Tour:     tour(),
		Links: []minislack.Link{
			{Label: "Users in Qualys", Href: "/qualys", About: "The simulated subscription: watch users go"},
			{Label: "Gallery", Href: "/gallery", About: "Every card, form and sentence, side by side"},
		},
	}))
	own := http.NewServeMux()
	own.Handle("GET /page/static/", http.StripPrefix("/page/static/", http.FileServerFS(files)))
	for _, name := range []string{"gallery", "qualys"} {
		own.HandleFunc("GET /"+name, func(w http.ResponseWriter, r *http.Request) {
			http.ServeFileFS(w, r, files, name+".html")
		})
	}
	own.HandleFunc("GET /page/gallery.json", func(w http.ResponseWriter, _ *http.Request) {
		all, err := exhibits()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		send(w, all)
	})
	own.HandleFunc("GET /page/qualys.json", users{c.Qualys}.send)
	guarded := minislack.Guard(own)
	for _, path := range []string{"/page/", "/gallery", "/qualys"} {
		mux.Handle(path, guarded)
	}
	return mux, nil
}

// Serve serves the pages until the context ends.
func Serve(ctx context.Context, l net.Listener, c Config) error {
	handler, err := Handler(c)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: 10 * time.Second,
		BaseContext: func(net.Listener) context.Context { return ctx }, // ends the feeds
	}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
