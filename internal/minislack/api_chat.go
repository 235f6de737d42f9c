package minislack

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"time"
	"unicode/utf8"
)

// A content is what a message, an ephemeral message or an acknowledgement says.
type content struct {
	text   string
	blocks []any
	meta   *Metadata
}

// content reads and checks text, blocks and metadata of a call.
func (s *Server) content(f url.Values, p parsing) (content, error) {
	var c content
	text := f.Get("text")
	if utf8.RuneCountInString(text) > 40000 {
		text = string([]rune(text)[:40000])
	}
	c.text = encodeMarkup(text, p)
	if raw := f.Get("blocks"); raw != "" {
		blocks, err := decodeBlocks(raw)
		if err != nil {
			return c, refuse("invalid_blocks_format")
		}
		if c.blocks, err = s.checked(blocks); err != nil {
			return c, err
		}
	}
	if raw := f.Get("metadata"); raw != "" {
		meta, err := s.metadata(raw)
		if err != nil {
			return c, err
		}
		c.meta = meta
	}
	return c, nil
}

// checked holds the blocks of a message against the limits and stores them.
func (s *Server) checked(blocks []any) ([]any, error) {
	c := &checker{accepted: s.limits.blocks}
	c.blocks("/blocks", blocks)
	if len(c.problems) > 0 {
		return nil, &refusal{code: "invalid_blocks", messages: c.problems}
	}
	return s.encodeBlocks(blocks), nil
}

// parsingOf says what a message's text is parsed for. A posted message needs
// link_names to mention anybody by name; an update without parse=none does not.
func parsingOf(f url.Values, update bool) parsing {
	mode := f.Get("parse")
	return parsing{
		links: mode != "none", emoji: true,
		mentions: mode == "full" || isTrue(f, "link_names") || update && mode != "none",
	}
}

// reachable finds the channel of a call and refuses what the bot may not write to.
func (s *Server) reachable(channel string) (*room, error) {
	r, err := s.visible(channel)
	switch {
	case err != nil:
		return nil, err
	case r.Archived:
		return nil, refuse("is_archived")
	case !r.has(BotUser):
		return nil, refuse("not_in_channel")
	}
	return r, nil
}

// visible finds a channel the bot can see: by id alone, and a private one only as a member.
func (s *Server) visible(channel string) (*room, error) {
	for _, r := range s.w.channels {
		if r.ID == channel && (!r.Private || r.has(BotUser)) {
			return r, nil
		}
	}
	return nil, refuse("channel_not_found")
}

func (s *Server) chatPostMessage(f url.Values) (object, error) {
	channel := f.Get("channel")
	if p := s.w.person(channel); p != nil && p.ID == channel && !p.Bot {
		if p.Deleted {
			return nil, refuse("channel_not_found")
		}
		channel = s.w.dm(p).ID
	}
	r, err := s.reachable(channel)
	if no, ok := err.(*refusal); ok && no.code == "not_in_channel" && s.needs("chat:write.public") == nil {
		r, err = s.visible(channel)
	}
	if err != nil {
		return nil, err
	}
	c, err := s.content(f, parsingOf(f, false))
	if err != nil {
		return nil, err
	}
	if c.text == "" && len(c.blocks) == 0 {
		return nil, refuse("no_text")
	}
	thread := f.Get("thread_ts")
	if thread != "" && !r.isParent(thread) {
		return nil, refuse("cannot_reply_to_message")
	}
	if wait := s.limits.post(r.ID, time.Now()); wait > 0 {
		return nil, &tooFast{wait, "rate_limited"}
	}
	m := s.post(r, &message{
		from: BotUser, text: c.text, blocks: c.blocks, meta: c.meta,
		thread: thread, bcast: thread != "" && isTrue(f, "reply_broadcast"),
	})
	s.notePings(m)
	return object{"channel": r.ID, "ts": m.ts, "message": s.wire(m, true)}, nil
}

// isParent reports whether a thread may hang on a message.
func (r *room) isParent(ts string) bool {
	for _, m := range r.messages {
		if m.ts == ts {
			return m.only == "" && m.thread == "" && (!m.gone || len(r.replies(ts)) > 0)
		}
	}
	return false
}

// post adds a message to a room and tells the feed. The caller holds s.mu.
func (s *Server) post(r *room, m *message) *message {
	m.room, m.ts = r, r.stamp()
	r.messages = append(r.messages, m)
	kind := Posted
	switch {
	case m.only != "":
		kind = Ephemeral
	case len(m.files) > 0:
		kind = FileShared
	}
	by := s.w.mustPerson(m.from).Name
	if m.only != "" {
		by = s.w.mustPerson(m.only).Name
	}
	s.aboutMessage(kind, m, by)
	return m
}

func (s *Server) chatUpdate(f url.Values) (object, error) {
	r, err := s.reachable(f.Get("channel"))
	if err != nil {
		return nil, err
	}
	m := r.find(f.Get("ts"))
	switch {
	case m == nil || m.only != "":
		return nil, refuse("message_not_found")
	case m.from != BotUser:
		return nil, refuse("cant_update_message")
	case units(f.Get("text")) > 4000:
		return nil, refuse("msg_too_long")
	}
	c, err := s.content(f, parsingOf(f, true))
	if err != nil {
		return nil, err
	}
	_, hasText := f["text"]
	_, hasBlocks := f["blocks"]
	if !hasText && !hasBlocks && !f.Has("metadata") {
		return nil, refuse("no_text")
	}
	m.edited = append(m.edited, Version{Text: m.text, Blocks: rawBlocks(m.blocks), By: "bot"})
	if hasText {
		m.text = c.text
	}
	if hasText || hasBlocks {
		m.blocks = c.blocks // text alone takes the blocks away, and so does []
	}
	if f.Has("metadata") {
		m.meta = c.meta
	}
	m.changed = fmt.Sprintf("%010d.%06d", time.Now().Unix(), time.Now().Nanosecond()/1000)
	s.notePings(m)
	s.aboutMessage(Updated, m, "bot")
	return object{"channel": r.ID, "ts": m.ts, "text": m.text, "message": s.wire(m, true)}, nil
}

func (s *Server) chatPostEphemeral(f url.Values) (object, error) {
	r, err := s.reachable(f.Get("channel"))
	if err != nil {
		return nil, err
	}
	p := s.w.person(f.Get("user"))
	switch {
	case p == nil || p.ID != f.Get("user"):
		return nil, refuse("user_not_found")
	case !r.has(p.ID) || p.Deleted:
		return nil, refuse("user_not_in_channel")
	case units(f.Get("text")) > 40000:
		return nil, refuse("msg_too_long")
	}
	c, err := s.content(f, parsingOf(f, false))
	if err != nil {
		return nil, err
	}
	if c.text == "" && len(c.blocks) == 0 {
		return nil, refuse("no_text")
	}
	m := s.post(r, &message{
		from: BotUser, only: p.ID, text: c.text, blocks: c.blocks, thread: f.Get("thread_ts"),
	})
	s.notePings(m)
	return object{"message_ts": m.ts}, nil
}

func (s *Server) chatDelete(f url.Values) (object, error) {
	r, err := s.reachable(f.Get("channel"))
	if err != nil {
		return nil, err
	}
	m := r.find(f.Get("ts"))
	switch {
	case m == nil || m.only != "":
		return nil, refuse("message_not_found")
	case m.from != BotUser:
		return nil, refuse("cant_delete_message")
	}
	m.gone = true
	s.aboutMessage(Deleted, m, "bot")
	return object{"channel": r.ID, "ts": m.ts}, nil
}

func (s *Server) chatGetPermalink(f url.Values) (object, error) {
	r, err := s.visible(f.Get("channel"))
	if err != nil {
		return nil, err
	}
	m := r.find(f.Get("message_ts"))
	if m == nil || m.only != "" {
		return nil, refuse("message_not_found")
	}
	link := s.permalink(m)
	return object{"channel": r.ID, "permalink": link}, nil
}

func (s *Server) permalink(m *message) string {
	digits := slices.DeleteFunc([]byte(m.ts), func(b byte) bool { return b == '.' })
	link := fmt.Sprintf("https://%s.slack.com/archives/%s/p%s", s.w.team.Domain, m.room.ID, digits)
	if m.thread != "" {
		link += "?thread_ts=" + m.thread + "&cid=" + m.room.ID
	}
	return link
}

// wire is a message as the API shows it. With allMeta its metadata is complete.
func (s *Server) wire(m *message, allMeta bool) object {
	o := object{"type": "message", "user": m.from, "ts": m.ts, "text": m.text, "team": s.w.team.ID}
	if m.from == BotUser {
		o["bot_id"], o["app_id"] = BotID, AppID
	}
	if len(m.blocks) > 0 {
		o["blocks"] = m.blocks
	}
	if m.tag != "" {
		o["subtype"] = m.tag
	}
	if m.thread != "" {
		o["thread_ts"] = m.thread
	}
	if m.changed != "" && (len(m.blocks) == 0 || m.editor != "") { // an app's update of blocks does not show
		o["edited"] = object{"user": cmp.Or(m.editor, m.from), "ts": m.changed}
	}
	if m.meta != nil {
		meta := object{"event_type": m.meta.Type}
		if allMeta {
			meta["event_payload"] = m.meta.Payload
		}
		o["metadata"] = meta
	}
	if len(m.files) > 0 {
		var files []object
		for _, f := range m.files {
			files = append(files, s.fileObject(f))
		}
		o["files"], o["upload"] = files, true
	}
	if replies := m.room.replies(m.ts); len(replies) > 0 {
		o["thread_ts"], o["reply_count"] = m.ts, len(replies)
		if !s.app.noLatest {
			o["latest_reply"] = replies[len(replies)-1].ts
		}
	}
	return o
}
