package minislack

import (
	"context"
	"time"
)

// A Kind says what happened.
type Kind string

// What happens in a workspace.
const (
	Posted     Kind = "posted"      // a message appeared
	Updated    Kind = "updated"     // a message was changed by the app, or edited by somebody
	Ephemeral  Kind = "ephemeral"   // a message that one person sees
	Deleted    Kind = "deleted"     // a message went away
	FileShared Kind = "file shared" // a message with files appeared
	ViewOpened Kind = "view opened" // a form opened, or another on top of it
	ViewChange Kind = "view changed"
	ViewClosed Kind = "view closed"
	Typed      Kind = "typed"     // somebody sent a slash command
	Clicked    Kind = "clicked"   // somebody pressed a button
	Submitted  Kind = "submitted" // somebody sent a form
	Acked      Kind = "acked"     // an acknowledgement was accepted; Text is the envelope's type
	AckIgnored Kind = "ack ignored"
	Failed     Kind = "failed" // a command or form failed; Text is what the person reads
	Warned     Kind = "warned" // the warning mark at a button that nobody acknowledged
	Connected  Kind = "connected"
	Left       Kind = "disconnected"
	EventDone  Kind = "event done" // an Events API event was acknowledged
	EventLost  Kind = "event lost" // it was not, after all retries
)

// An Event is one thing that happened, in the order in which it happened.
type Event struct {
	N       int64 // counts from 1 without gaps
	At      time.Time
	Kind    Kind
	Channel string // the channel's id
	TS      string // the message
	Thread  string // the message whose thread it is in, or empty
	Person  string // the name of who did it, or of who alone sees it
	Text    string
	Message Message // as it was at that moment, for events about messages
	View    View    // for events about views
}

// happened adds to the feed and wakes whoever waits. The caller holds s.mu.
func (s *Server) happened(e Event) {
	e.N = int64(len(s.feed)) + 1
	e.At = time.Now()
	s.feed = append(s.feed, e)
	close(s.news)
	s.news = make(chan struct{})
}

// aboutMessage is happened for a message. The caller holds s.mu.
func (s *Server) aboutMessage(kind Kind, m *message, by string) {
	s.happened(Event{
		Kind: kind, Channel: m.room.ID, TS: m.ts, Thread: m.thread, Person: by,
		Text: m.text, Message: s.snapshot(m, nil),
	})
}

// Since answers with everything after event n; Since(0) is everything.
func (s *Server) Since(n int64) []Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n >= int64(len(s.feed)) {
		return nil
	}
	return append([]Event(nil), s.feed[max(n, 0):]...)
}

// Now is the number of the newest event, or 0.
func (s *Server) Now() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return int64(len(s.feed))
}

// Await waits for the first event of the whole feed, past ones included, that is wanted.
func (s *Server) Await(ctx context.Context, wanted func(Event) bool) (Event, error) {
	return s.AwaitAfter(ctx, 0, wanted)
}

// AwaitAfter waits for the first event after event n that is wanted.
func (s *Server) AwaitAfter(ctx context.Context, n int64, wanted func(Event) bool) (Event, error) {
	f := &Feed{s: s, n: n}
	for {
		e, err := f.Next(ctx)
		if err != nil || wanted(e) {
			return e, err
		}
	}
}

// AwaitConnected waits until the app has at least n sockets open.
func (s *Server) AwaitConnected(ctx context.Context, n int) error {
	_, err := s.Await(ctx, func(Event) bool { return s.Sockets() >= n })
	return err
}

// PostedIn wants a new message in a channel, with or without files.
func (s *Server) PostedIn(channel string) func(Event) bool {
	id := s.Channel(channel).ID
	return func(e Event) bool {
		return (e.Kind == Posted || e.Kind == FileShared) && e.Channel == id
	}
}

// A Feed reads events one after the other and loses none.
type Feed struct {
	s *Server
	n int64
}

// Subscribe begins a feed at what happens next.
func (s *Server) Subscribe() *Feed { return &Feed{s: s, n: s.Now()} }

// Next waits for the next event. It fails when ctx ends or the server closes.
func (f *Feed) Next(ctx context.Context) (Event, error) {
	for {
		f.s.mu.Lock()
		if f.n < int64(len(f.s.feed)) {
			e := f.s.feed[f.n]
			f.n++
			f.s.mu.Unlock()
			return e, nil
		}
		news := f.s.news
		f.s.mu.Unlock()
		select {
		case <-news:
		case <-ctx.Done():
			return Event{}, context.Cause(ctx)
		case <-f.s.done:
			return Event{}, ErrClosed
		}
	}
}
