package minislack

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// page cuts limit items out of a list, from the cursor on.
func page[E any](f url.Values, all []E, otherwise, most int) (some []E, next string, err error) {
	limit, err := number(f, "limit", otherwise, most)
	if err != nil {
		return nil, "", err
	}
	from := 0
	if cursor := f.Get("cursor"); cursor != "" {
		if from, err = readCursor(cursor); err != nil {
			return nil, "", err
		}
	}
	all = all[min(from, len(all)):]
	if len(all) > limit {
		return all[:limit], cursorAt(from + limit), nil
	}
	return all, "", nil
}

func cursorAt(n int) string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "next:%d", n))
}

func readCursor(cursor string) (int, error) {
	raw, err := base64.StdEncoding.DecodeString(cursor)
	if err != nil {
		return 0, refuse("invalid_cursor")
	}
	n, err := strconv.Atoi(strings.TrimPrefix(string(raw), "next:"))
	if err != nil || n < 0 {
		return 0, refuse("invalid_cursor")
	}
	return n, nil
}

// inSpan reports whether a message lies between oldest and latest.
func inSpan(f url.Values, ts string) bool {
	oldest, latest := f.Get("oldest"), f.Get("latest")
	inclusive := isTrue(f, "inclusive")
	if oldest != "" && oldest != "0" {
		if c := compareTS(ts, oldest); c < 0 || c == 0 && !inclusive {
			return false
		}
	}
	if latest != "" {
		if c := compareTS(ts, latest); c > 0 || c == 0 && !inclusive {
			return false
		}
	}
	return true
}

// compareTS orders two timestamps, which may differ in digits.
func compareTS(a, b string) int {
	pad := func(ts string) string {
		seconds, fraction, _ := strings.Cut(ts, ".")
		return fmt.Sprintf("%020s.%-9s", seconds, fraction)
	}
	return strings.Compare(strings.ReplaceAll(pad(a), " ", "0"), strings.ReplaceAll(pad(b), " ", "0"))
}

func (s *Server) conversationsHistory(f url.Values) (object, error) {
	r, err := s.readable(f.Get("channel"), "history")
	if err != nil {
		return nil, err
	}
	if !r.has(BotUser) {
		return nil, refuse("not_in_channel")
	}
	var newestFirst []*message
	for _, m := range slices.Backward(r.messages) {
		shown := m.only == "" && (m.thread == "" || m.bcast) && (!m.gone || len(r.replies(m.ts)) > 0)
		if shown && inSpan(f, m.ts) {
			newestFirst = append(newestFirst, m)
		}
	}
	return s.messagePage(f, newestFirst)
}

func (s *Server) conversationsReplies(f url.Values) (object, error) {
	r, err := s.readable(f.Get("channel"), "history")
	if err != nil {
		return nil, err
	}
	if !r.has(BotUser) {
		return nil, refuse("not_in_channel")
	}
	ts := f.Get("ts")
	if m := r.find(ts); m != nil && m.thread != "" {
		ts = m.thread
	}
	if !r.isParent(ts) {
		return nil, refuse("thread_not_found")
	}
	var oldestFirst []*message
	for _, m := range r.messages {
		inThread := m.ts == ts || m.thread == ts && !m.gone && m.only == ""
		if inThread && (m.ts == ts || inSpan(f, m.ts)) {
			oldestFirst = append(oldestFirst, m)
		}
	}
	return s.messagePage(f, oldestFirst)
}

func (s *Server) messagePage(f url.Values, all []*message) (object, error) {
	some, next, err := page(f, all, 100, 999)
	if err != nil {
		return nil, err
	}
	shown := make([]object, 0, len(some))
	for _, m := range some {
		shown = append(shown, s.historical(m, isTrue(f, "include_all_metadata")))
	}
	answer := object{"messages": shown, "has_more": next != ""}
	if next != "" {
		answer["response_metadata"] = object{"next_cursor": next}
	}
	return answer, nil
}

// historical is a message in a channel's history. A deleted parent leaves a tombstone.
func (s *Server) historical(m *message, allMeta bool) object {
	if !m.gone {
		return s.wire(m, allMeta)
	}
	o := s.wire(&message{room: m.room, ts: m.ts, from: "USLACKBOT", text: "This message was deleted."}, false)
	o["subtype"] = "tombstone"
	return o
}
