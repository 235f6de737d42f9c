package minislack

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"time"
)

// tick is how often the page looks at what no event tells, such as a lever.
const tick = time.Second

// A webEvent is one thing that happened, for the page.
type webEvent struct {
	N       int64       `json:"n"`
	Kind    Kind        `json:"kind"`
	Channel string      `json:"channel,omitempty"`
	TS      string      `json:"ts,omitempty"`
	Text    string      `json:"text,omitempty"`
	Message *webMessage `json:"message,omitempty"`
	View    *webView    `json:"view"` // with events about views: what is open now
}

// feed tells the page what happens, as server-sent events: "happened" with a
// webEvent, "extras" with levers and tour whenever they changed.
func (w *web) feed(out http.ResponseWriter, r *http.Request) {
	who, ok := w.person(r.URL.Query().Get("as"))
	if !ok {
		http.Error(out, "there is nobody of that name", http.StatusNotFound)
		return
	}
	after, err := strconv.ParseInt(r.Header.Get("Last-Event-ID"), 10, 64)
	if err != nil {
		after, _ = strconv.ParseInt(r.URL.Query().Get("after"), 10, 64) // absent is the beginning
	}
	out.Header().Set("Content-Type", "text/event-stream")
	out.Header().Set("Cache-Control", "no-store")
	stream := http.NewResponseController(out)
	feed := &Feed{s: w.s, n: after}
	var last webExtras
	for {
		for e, ok := feed.ready(); ok; e, ok = feed.ready() {
			if told, visible := w.told(who, e); visible {
				if write(out, "happened", e.N, told) != nil {
					return
				}
			}
		}
		if now := w.extras(); !reflect.DeepEqual(now, last) {
			if write(out, "extras", 0, now) != nil {
				return
			}
			last = now
		}
		if stream.Flush() != nil || !feed.wait(r.Context()) {
			return
		}
	}
}

// write writes one server-sent event. Without a number it has no id.
func write(out http.ResponseWriter, kind string, n int64, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	id := ""
	if n > 0 {
		id = fmt.Sprintf("id: %d\n", n)
	}
	_, err = fmt.Fprintf(out, "%sevent: %s\ndata: %s\n\n", id, kind, raw)
	return err
}

// ready is the next event, if it happened already.
func (f *Feed) ready() (Event, bool) {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	if f.n >= int64(len(f.s.feed)) {
		return Event{}, false
	}
	e := f.s.feed[f.n]
	f.n++
	return e, true
}

// wait waits for news, a tick at most, and reports false when it is over.
func (f *Feed) wait(ctx context.Context) bool {
	f.s.mu.Lock()
	news := f.s.news
	behind := f.n < int64(len(f.s.feed))
	f.s.mu.Unlock()
	if behind {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, tick)
	defer cancel()
	select {
	case <-news:
		return true
	case <-f.s.done:
		return false
	case <-ctx.Done():
		return ctx.Err() == context.DeadlineExceeded
	}
}

// told is an event as one person may see it.
func (w *web) told(who *Client, e Event) (webEvent, bool) {
	s := w.s
	s.mu.Lock()
	defer s.mu.Unlock()
	out := webEvent{N: e.N, Kind: e.Kind, Channel: e.Channel, TS: e.TS, Text: e.Text}
	mine := e.Person == who.p.Name
	switch e.Kind {
	case Posted, Updated, FileShared, Deleted, Ephemeral, Warned:
		r := s.w.room(e.Channel)
		only := e.Message.EphemeralTo
		if r == nil || r.Private && !r.has(who.p.ID) || only != "" && only != who.p.Name || e.Message.TS == "" {
			return out, false
		}
		m := s.shown(e.Message)
		out.Message = &m
		return out, true
	case ViewOpened, ViewChange, ViewClosed:
		out.View = who.screen()
		return out, mine
	case Failed:
		return out, mine
	}
	return out, false
}
