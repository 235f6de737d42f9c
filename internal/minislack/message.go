package minislack

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Ref names a message.
type Ref struct{ Channel, TS string }

// A Message is what a person finds in a channel, as it was when it was read.
type Message struct {
	Channel     string // the channel's id
	TS          string
	Thread      string // the ts of the message it answers, or empty
	From        string // the name of who posted it; "bot" is the app
	Text        string // as stored: encoded
	Blocks      json.RawMessage
	Metadata    *Metadata
	Edited      []Version // what it said before, oldest first
	Files       []File
	EphemeralTo string // the name of who alone sees it, or empty
	Deleted     bool
	Warned      bool     // somebody sees the warning mark at its buttons
	Mentions    []string // ids of the people and groups it mentions

	rendered string
	buttons  []Button
}

// A Metadata is what an app attached to a message.
type Metadata struct {
	Type    string
	Payload json.RawMessage // with its keys in another order than they were sent
}

// A Version is what a message said before it was changed.
type Version struct {
	Text   string
	Blocks json.RawMessage
	By     string // who changed it
}

// A Button is something to press: a button, or an option of a menu.
type Button struct {
	Label    string
	ActionID string
	BlockID  string
	Value    string
	Style    string
	Confirms bool // a dialog asks first
}

// Ref names the message.
func (m Message) Ref() Ref { return Ref{m.Channel, m.TS} }

// Rendered is what a person reads: the text of all blocks in order, or the text when there are no
// blocks, each block on a line of its own, buttons as [Label], files as [file name].
func (m Message) Rendered() string { return m.rendered }

// Buttons are what a person can press.
func (m Message) Buttons() []Button { return m.buttons }

// A Ping is a mention of a whole channel that text made.
type Ping struct {
	Channel, TS string
	Word        string // channel, here or everyone
	Text        string // the stored text it stands in
}

// A message is a Message as the server keeps it.
type message struct {
	room    *room
	ts      string
	thread  string
	from    string // an id
	only    string // the id of who alone sees it
	text    string
	blocks  []any
	meta    *Metadata
	edited  []Version
	files   []*file
	tag     string // the subtype, or empty
	gone    bool
	warned  bool
	bcast   bool // a thread reply that is in the channel too
	changed string
	editor  string // the id of the person who edited it, or empty
}

// stamp makes the next ts of a room: seconds and microseconds, growing, unique.
func (r *room) stamp() string {
	r.last = max(time.Now().UnixMicro(), r.last+100)
	return fmt.Sprintf("%010d.%06d", r.last/1e6, r.last%1e6)
}

// find finds a message that is still there.
func (r *room) find(ts string) *message {
	for _, m := range slices.Backward(r.messages) {
		if m.ts == ts && !m.gone {
			return m
		}
	}
	return nil
}

// replies are the messages of a thread, without its parent.
func (r *room) replies(ts string) []*message {
	var all []*message
	for _, m := range r.messages {
		if m.thread == ts && m.ts != ts && !m.gone && m.only == "" {
			all = append(all, m)
		}
	}
	return all
}

// snapshot makes what reader sees of a message; no reader reads in UTC. The caller holds s.mu.
func (s *Server) snapshot(m *message, who *Person) Message {
	r := reader{w: &s.w, zone: time.UTC}
	if who != nil {
		r.zone = who.zone()
	}
	out := Message{
		Channel: m.room.ID, TS: m.ts, Thread: m.thread, From: s.w.mustPerson(m.from).Name, Text: m.text,
		Blocks: rawBlocks(m.blocks), Edited: slices.Clone(m.edited), Deleted: m.gone, Warned: m.warned,
		Mentions: m.mentions(), rendered: r.message(m), buttons: r.buttons(m.blocks),
	}
	if m.only != "" {
		out.EphemeralTo = s.w.mustPerson(m.only).Name
	}
	if m.meta != nil {
		meta := *m.meta
		out.Metadata = &meta
	}
	for _, f := range m.files {
		out.Files = append(out.Files, f.File)
	}
	return out
}

func rawBlocks(blocks []any) json.RawMessage {
	if len(blocks) == 0 {
		return nil
	}
	raw, err := json.Marshal(blocks)
	if err != nil {
		panic(err) // they were decoded from JSON
	}
	return raw
}

// mentions lists who is mentioned in text and blocks.
func (m *message) mentions() []string {
	var ids []string
	seen := func(id string) {
		if id != "" && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	fromText := func(text string) {
		for _, t := range angled.FindAllString(text, -1) {
			target, _, _ := strings.Cut(strings.Trim(t, "<>"), "|")
			if strings.HasPrefix(target, "@") {
				seen(target[1:])
			} else if id, ok := strings.CutPrefix(target, "!subteam^"); ok {
				seen(id)
			}
		}
	}
	fromText(m.text)
	walk(m.blocks, func(o object) {
		switch o["type"] {
		case "mrkdwn":
			fromText(str(o, "text"))
		case "user":
			seen(str(o, "user_id"))
		case "usergroup":
			seen(str(o, "usergroup_id"))
		}
	})
	return ids
}

// walk visits every object inside v, outer before inner, in a fixed order.
func walk(v any, visit func(object)) {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			walk(item, visit)
		}
	case object:
		visit(v)
		for _, key := range sortedKeys(v) {
			walk(v[key], visit)
		}
	}
}

func sortedKeys(o object) []string {
	keys := make([]string, 0, len(o))
	for key := range o {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// notePings keeps every mention of a whole channel in a message. The caller holds s.mu.
func (s *Server) notePings(m *message) {
	note := func(text string) {
		for _, word := range wideMentions(text) {
			s.pings = append(s.pings, Ping{Channel: m.room.ID, TS: m.ts, Word: word, Text: text})
		}
	}
	note(m.text)
	walk(m.blocks, func(o object) {
		switch o["type"] {
		case "mrkdwn":
			note(str(o, "text"))
		case "broadcast":
			note("<!" + str(o, "range") + ">")
		}
	})
}

// Pings lists every mention of a whole channel that the app's messages made, in order.
func (s *Server) Pings() []Ping {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.pings)
}

// Messages lists everything in a channel as an administrator finds it:
// ephemeral and deleted messages too, threads included, in order.
func (s *Server) Messages(channel string) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Message
	for _, m := range s.w.mustRoom(channel).messages {
		all = append(all, s.snapshot(m, nil))
	}
	return all
}

// Message finds one message, also a deleted one.
func (s *Server) Message(ref Ref) (Message, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.w.mustRoom(ref.Channel).messages {
		if m.ts == ref.TS {
			return s.snapshot(m, nil), true
		}
	}
	return Message{}, false
}

// administrator is the id of whoever edits behind the app's back. They are nobody's
// colleague: no call of the API knows them.
const administrator = "U0ADMINISTRATOR"

// EditMessage rewrites a message behind the app's back: the text, and the blocks
// unless they are empty. Metadata stays.
func (s *Server) EditMessage(ref Ref, text string, blocks json.RawMessage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.w.mustRoom(ref.Channel).find(ref.TS)
	if m == nil {
		panic(fmt.Sprintf("minislack: there is no message %v to edit", ref))
	}
	m.edited = append(m.edited, Version{Text: m.text, Blocks: rawBlocks(m.blocks), By: "an administrator"})
	m.text = encodeMarkup(text, parsing{})
	if len(blocks) > 0 {
		decoded, err := decodeBlocks(string(blocks))
		if err != nil {
			panic(fmt.Sprintf("minislack: blocks to edit in: %v", err))
		}
		m.blocks = s.encodeBlocks(decoded)
	}
	m.changed, m.editor = m.room.stamp(), administrator
	s.aboutMessage(Updated, m, "an administrator")
}

// DeleteMessage deletes a message behind the app's back.
func (s *Server) DeleteMessage(ref Ref) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.w.mustRoom(ref.Channel).find(ref.TS)
	if m == nil {
		panic(fmt.Sprintf("minislack: there is no message %v to delete", ref))
	}
	m.gone = true
	s.aboutMessage(Deleted, m, "an administrator")
}

// whole reads a JSON number without a fraction.
func whole(v any) (int, bool) {
	n, err := strconv.Atoi(fmt.Sprint(v))
	return n, err == nil
}
