package minislack

import (
	"encoding/json"
	"net/http"
	"slices"
)

// What the page is shown. Names are Slack's where Slack has them.
type (
	webPerson struct {
		ID    string `json:"id"`
		Name  string `json:"name"`
		Real  string `json:"real_name"`
		TZ    string `json:"tz"`
		Bot   bool   `json:"bot,omitempty"`
		Guest bool   `json:"guest,omitempty"`
		Role  string `json:"role,omitempty"`
	}
	webGroup struct {
		ID     string `json:"id"`
		Handle string `json:"handle"`
	}
	webChannel struct {
		ID      string `json:"id"`
		Name    string `json:"name"`
		Private bool   `json:"private"`
		DM      bool   `json:"dm,omitempty"`
		Members int    `json:"members"`
	}
	webFile struct {
		ID   string `json:"id"`
		Name string `json:"name"`
		Size int    `json:"size"`
	}
	webMessage struct {
		Channel  string          `json:"channel"`
		TS       string          `json:"ts"`
		Thread   string          `json:"thread,omitempty"`
		From     string          `json:"from"`
		Text     string          `json:"text"`
		Blocks   json.RawMessage `json:"blocks,omitempty"`
		Edited   bool            `json:"edited,omitempty"`
		Tampered bool            `json:"tampered,omitempty"` // changed by somebody else than its author
		Only     bool            `json:"only,omitempty"`     // for you alone
		Warned   bool            `json:"warned,omitempty"`
		Files    []webFile       `json:"files,omitempty"`
	}
	webView struct {
		ID     string          `json:"id"`
		Title  json.RawMessage `json:"title"`
		Submit json.RawMessage `json:"submit"`
		Close  json.RawMessage `json:"close"`
		Blocks json.RawMessage `json:"blocks"`
	}
	webState struct {
		N        int64        `json:"n"` // the newest event that is in it
		Me       string       `json:"me"`
		Title    string       `json:"title"`
		Team     string       `json:"team"`
		People   []webPerson  `json:"people"`
		Groups   []webGroup   `json:"groups"`
		Channels []webChannel `json:"channels"`
		Messages []webMessage `json:"messages"`
		View     *webView     `json:"view"`
		Commands []Command    `json:"commands"`
		IDs      string       `json:"ids,omitempty"`
		Links    []Link       `json:"links"`
		Extras   webExtras    `json:"extras"`
	}
)

// state is everything somebody sees at this moment.
func (w *web) state(out http.ResponseWriter, r *http.Request) {
	who, ok := w.person(r.URL.Query().Get("as"))
	if !ok {
		if who, ok = w.anybody(); !ok {
			http.Error(out, "there is nobody in this workspace", http.StatusNotFound)
			return
		}
	}
	extras := w.extras()
	s := w.s
	s.mu.Lock()
	all := webState{
		N: int64(len(s.feed)), Me: who.p.ID, Title: w.page.Title, Team: s.w.team.Name, People: w.people(),
		Groups: []webGroup{}, Channels: []webChannel{}, Messages: []webMessage{}, View: who.screen(),
		Commands: w.page.Commands, IDs: w.page.IDs, Links: w.page.Links, Extras: extras,
	}
	for _, g := range s.w.groups {
		all.Groups = append(all.Groups, webGroup{g.ID, g.Handle})
	}
	s.w.dm(who.p)
	for _, room := range s.w.channels {
		if room.DM != "" && room.DM != who.p.ID || room.Private && !room.has(who.p.ID) {
			continue
		}
		all.Channels = append(all.Channels, webChannel{room.ID, room.Name, room.Private, room.DM != "", len(room.Members)})
		for _, m := range room.messages {
			if !m.gone && (m.only == "" || m.only == who.p.ID) {
				all.Messages = append(all.Messages, s.shown(s.snapshot(m, who.p)))
			}
		}
	}
	s.mu.Unlock()
	send(out, all)
}

// anybody is the first person who is no app.
func (w *web) anybody() (*Client, bool) {
	for _, p := range w.s.People() {
		if who, ok := w.person(p.ID); ok {
			return who, true
		}
	}
	return nil, false
}

// people lists everybody. The caller holds s.mu.
func (w *web) people() []webPerson {
	var all []webPerson
	for _, p := range w.s.w.people {
		if p.Deleted {
			continue
		}
		all = append(all, webPerson{
			ID: p.ID, Name: p.Name, Real: p.RealName, TZ: p.zone().String(), Bot: p.Bot,
			Guest: p.Restricted || p.UltraRestricted, Role: w.page.Roles[p.Name],
		})
	}
	return all
}

// shown is a message for the page. The caller holds s.mu.
func (s *Server) shown(m Message) webMessage {
	out := webMessage{
		Channel: m.Channel, TS: m.TS, Thread: m.Thread, From: s.w.mustPerson(m.From).ID, Text: m.Text, Blocks: m.Blocks,
		Edited: len(m.Edited) > 0, Only: m.EphemeralTo != "", Warned: m.Warned,
		Tampered: slices.ContainsFunc(m.Edited, func(v Version) bool { return v.By != m.From }),
	}
	for _, f := range m.Files {
		out.Files = append(out.Files, webFile{f.ID, f.Name, f.Size})
	}
	return out
}

// screen is the form that is open for the person, or nil. The caller holds s.mu.
func (c *Client) screen() *webView {
	v := c.top()
	if v == nil {
		return nil
	}
	return v.shown()
}

// shown is a form for the page.
func (v *view) shown() *webView {
	part := func(key string) json.RawMessage {
		raw, err := json.Marshal(v.body[key])
		if err != nil {
			panic(err) // it was decoded from JSON
		}
		return raw
	}
	return &webView{v.id, part("title"), part("submit"), part("close"), rawBlocks(v.blocks())}
}
