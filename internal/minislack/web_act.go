package minislack

import (
	"context"
	"fmt"
	"io"
	"mime"
	"net/http"
	"path"
	"strings"
)

func (w *web) slash(_ context.Context, c *Client, what call) error {
	_, err := c.Slash(what.Channel, what.Command, what.Text)
	return err
}

func (w *web) say(_ context.Context, c *Client, what call) error {
	if strings.TrimSpace(what.Text) == "" {
		return nil
	}
	_, err := c.say(what.Channel, what.Thread, what.Text)
	return err
}

// click presses something in a message. The page has asked whatever a dialog
// had to ask.
func (w *web) click(_ context.Context, c *Client, what call) error {
	ref := Ref{what.Channel, what.TS}
	c.s.mu.Lock()
	r, err := c.in(what.Channel)
	if err != nil {
		c.s.mu.Unlock()
		return err
	}
	m := r.find(what.TS)
	if m == nil || m.only != "" && m.only != c.p.ID {
		c.s.mu.Unlock()
		return fmt.Errorf("this message is gone: %w", ErrNotThere)
	}
	p, ok := pressed(m.blocks, what)
	c.s.mu.Unlock()
	if !ok {
		return fmt.Errorf("this button is gone: %w", ErrNotThere)
	}
	return c.sendClick(ref, m, nil, c.action(p))
}

// press presses something in the form that is open.
func (w *web) press(_ context.Context, c *Client, what call) error {
	c.s.mu.Lock()
	v := c.top()
	var p pressable
	ok := false
	if v != nil {
		p, ok = pressed(v.blocks(), what)
	}
	c.s.mu.Unlock()
	if !ok {
		return fmt.Errorf("this button is gone: %w", ErrNotThere)
	}
	return c.sendClick(Ref{}, nil, v, c.action(p))
}

// pressed finds what was pressed: the block, the element, and the option of a menu.
func pressed(blocks []any, what call) (pressable, bool) {
	for _, p := range pressables(blocks) {
		if str(p.block, "block_id") == what.Block && str(p.element, "action_id") == what.Action &&
			(p.option == nil) == (what.Option == "") && (p.option == nil || str(p.option, "value") == what.Option) {
			return p, true
		}
	}
	return pressable{}, false
}

func (w *web) submit(_ context.Context, c *Client, what call) error { return c.Submit(what.Values) }

func (w *web) close(_ context.Context, c *Client, _ call) error { return c.CloseView() }

// opened notes that somebody opened a thread or a file.
func (w *web) opened(_ context.Context, c *Client, what call) error {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.s.happened(Event{Kind: Opened, Channel: what.Channel, TS: what.TS, Person: c.p.Name, Text: what.Text})
	return nil
}

// maxUpload is how large a file from the page may be.
const maxUpload = 20 << 20

// upload takes a file for a form; its id is the value of the field.
func (w *web) upload(out http.ResponseWriter, r *http.Request) {
	who, ok := w.person(r.URL.Query().Get("as"))
	if !ok {
		http.Error(out, "there is nobody of that name", http.StatusNotFound)
		return
	}
	content, err := io.ReadAll(http.MaxBytesReader(out, r.Body, maxUpload))
	if err != nil {
		http.Error(out, "read the file: "+err.Error(), http.StatusBadRequest)
		return
	}
	send(out, answer{ID: who.Upload(r.URL.Query().Get("name"), content).ID})
}

// file hands out a file to whoever can see it, always as a download.
func (w *web) file(out http.ResponseWriter, r *http.Request) {
	who, ok := w.person(r.URL.Query().Get("as"))
	if !ok {
		http.Error(out, "there is nobody of that name", http.StatusNotFound)
		return
	}
	content, err := who.Download(File{ID: r.PathValue("id")})
	if err != nil {
		http.Error(out, err.Error(), http.StatusNotFound)
		return
	}
	w.s.mu.Lock()
	name := w.s.files.find(r.PathValue("id")).Name
	w.s.mu.Unlock()
	kind := "application/octet-stream"
	if path.Ext(name) == ".csv" {
		kind = "text/csv; charset=utf-8"
	}
	out.Header().Set("Content-Type", kind)
	out.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
	_, _ = out.Write(content) // the page went away, or there it is
}
