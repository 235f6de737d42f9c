package minislack

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strings"
	"time"
)

// A View is a form that is open for a person.
type View struct {
	ID         string
	CallbackID string
	Title      string
	Submit     string // the label of its button, or empty
	Metadata   string // private_metadata; people do not see it
	Blocks     json.RawMessage

	rendered string
	buttons  []Button
}

// Rendered is what the person reads: the title, then the blocks.
func (v View) Rendered() string { return v.rendered }

// Buttons are what the person can press besides Submit and Cancel.
func (v View) Buttons() []Button { return v.buttons }

// A view is a View as the server keeps it.
type view struct {
	id, hash, external string
	root, previous     string
	person             *Person
	body               object // as sent, with stored blocks
	channel            string // where it was opened from
}

func (v *view) blocks() []any { return items(v.body["blocks"]) }

// A trigger lets the app open one view within three seconds.
type trigger struct {
	person  *Person
	channel string
	at      time.Time
	used    bool
	within  *view // the view it was made in, or nil
}

const triggerLife = 3 * time.Second

// trigger makes a trigger_id. The caller holds s.mu.
func (s *Server) trigger(p *Person, channel string, within *view) string {
	id := strings.ToLower(s.made("1700000000.")) + "." + s.made("t")
	s.human.triggers[id] = &trigger{person: p, channel: channel, at: time.Now(), within: within}
	return id
}

// takeTrigger uses a trigger_id up.
func (s *Server) takeTrigger(id string) (*trigger, error) {
	t := s.human.triggers[id]
	switch {
	case id == "":
		return nil, refuse("invalid_arguments")
	case t == nil:
		return nil, refuse("invalid_trigger_id")
	case t.used:
		return nil, refuse("exchanged_trigger_id")
	case time.Since(t.at) >= triggerLife:
		return nil, refuse("expired_trigger_id")
	}
	t.used = true
	return t, nil
}

// checkedView reads a view, holds it against the limits and stores its blocks.
func (s *Server) checkedView(raw string) (object, error) {
	if len(raw) > 250<<10 {
		return nil, refuse("view_too_large")
	}
	d := json.NewDecoder(bytes.NewReader([]byte(raw)))
	d.UseNumber()
	var v object
	if err := d.Decode(&v); err != nil {
		return nil, refuse("invalid_arguments")
	}
	c := &checker{modal: true}
	if str(v, "type") != "modal" {
		c.wrong("/view/type", "unsupported type: %s", str(v, "type"))
	}
	c.text("/view", v, "title", 24, "plain_text")
	for _, key := range []string{"submit", "close"} {
		if v[key] != nil {
			c.text("/view", v, key, 24, "plain_text")
		}
	}
	c.short("/view", v, "callback_id", 255)
	c.short("/view", v, "external_id", 255)
	c.short("/view", v, "private_metadata", 3000)
	blocks := c.list("/view", v, "blocks", 1, 100)
	c.blocks("/view/blocks", blocks)
	for _, b := range blocks {
		if block, ok := b.(object); ok && block["type"] == "input" && v["submit"] == nil {
			c.wrong("/view", "missing required field: submit")
			break
		}
	}
	if len(c.problems) > 0 {
		return nil, &refusal{code: "invalid_arguments", messages: c.problems}
	}
	for _, key := range []string{"title", "submit", "close"} {
		encodeTexts(v[key])
	}
	v["blocks"] = s.encodeBlocks(blocks)
	nameElements(s, blocks)
	return v, nil
}

// nameElements gives an action_id to every input that came without one.
func nameElements(s *Server, blocks []any) {
	for _, b := range blocks {
		block, _ := b.(object)
		if e, ok := block["element"].(object); ok && str(e, "action_id") == "" {
			e["action_id"] = s.made("a")
		}
	}
}

// newView puts a view on a person's screen. The caller holds s.mu.
func (s *Server) newView(p *Person, body object, under *view, channel string) *view {
	v := &view{
		id: s.made("V"), hash: s.made("h"), person: p, body: body, external: str(body, "external_id"), channel: channel,
	}
	v.root = v.id
	if under != nil {
		v.root, v.previous = under.root, under.id
		s.human.screens[p.ID] = append(s.human.screens[p.ID], v)
	} else {
		s.human.screens[p.ID] = []*view{v}
	}
	s.aboutView(ViewOpened, v)
	return v
}

// replaceView gives a view new content. The caller holds s.mu.
func (s *Server) replaceView(v *view, body object) {
	v.body, v.hash, v.external = body, s.made("h"), str(body, "external_id")
	s.aboutView(ViewChange, v)
}

func (s *Server) aboutView(kind Kind, v *view) {
	s.happened(Event{Kind: kind, Channel: v.channel, Person: v.person.Name, View: s.viewSnapshot(v)})
}

func (s *Server) viewSnapshot(v *view) View {
	r := reader{w: &s.w, zone: v.person.zone()}
	title := r.textOf(v.body["title"])
	lines := append([]string{title}, r.blocks(v.blocks())...)
	return View{
		ID: v.id, CallbackID: str(v.body, "callback_id"), Title: title, Submit: r.textOf(v.body["submit"]),
		Metadata: str(v.body, "private_metadata"), Blocks: rawBlocks(v.blocks()),
		rendered: strings.Join(lines, "\n"), buttons: r.buttons(v.blocks()),
	}
}

func (s *Server) findView(match func(*view) bool) *view {
	for _, screen := range s.human.screens {
		for _, v := range screen {
			if match(v) {
				return v
			}
		}
	}
	return nil
}

func (s *Server) viewsOpen(f url.Values) (object, error) { return s.openView(f, false) }

func (s *Server) viewsPush(f url.Values) (object, error) { return s.openView(f, true) }

func (s *Server) openView(f url.Values, push bool) (object, error) {
	body, err := s.checkedView(f.Get("view"))
	if err != nil {
		return nil, err
	}
	if ext := str(body, "external_id"); ext != "" && s.findView(func(v *view) bool { return v.external == ext }) != nil {
		return nil, refuse("duplicate_external_id")
	}
	t, err := s.takeTrigger(f.Get("trigger_id"))
	if err != nil {
		return nil, err
	}
	var under *view
	if push {
		screen := s.human.screens[t.person.ID]
		switch {
		case t.within == nil || len(screen) == 0:
			return nil, refuse("invalid_trigger_id")
		case len(screen) >= 3:
			return nil, refuse("push_limit_reached")
		}
		under = screen[len(screen)-1]
	}
	v := s.newView(t.person, body, under, t.channel)
	return object{"view": s.viewObject(v, nil)}, nil
}

func (s *Server) viewsUpdate(f url.Values) (object, error) {
	body, err := s.checkedView(f.Get("view"))
	if err != nil {
		return nil, err
	}
	id, external := f.Get("view_id"), f.Get("external_id")
	v := s.findView(func(v *view) bool {
		return id != "" && v.id == id || external != "" && v.external == external
	})
	switch {
	case v == nil:
		return nil, refuse("not_found")
	case f.Get("hash") != "" && f.Get("hash") != v.hash:
		return nil, refuse("hash_conflict")
	}
	s.replaceView(v, body)
	return object{"view": s.viewObject(v, nil)}, nil
}

// viewObject is a view as the API and the payloads show it.
func (s *Server) viewObject(v *view, values object) object {
	if values == nil {
		values = object{}
	}
	o := object{
		"id": v.id, "team_id": s.w.team.ID, "app_id": AppID, "bot_id": BotID, "type": "modal", "hash": v.hash,
		"title": v.body["title"], "submit": v.body["submit"], "close": v.body["close"], "blocks": v.blocks(),
		"private_metadata": str(v.body, "private_metadata"), "callback_id": str(v.body, "callback_id"),
		"external_id": v.external, "root_view_id": v.root, "previous_view_id": nil,
		"state": object{"values": values}, "clear_on_close": v.body["clear_on_close"] == true,
		"notify_on_close": v.body["notify_on_close"] == true, "app_installed_team_id": s.w.team.ID,
	}
	if v.previous != "" {
		o["previous_view_id"] = v.previous
	}
	return o
}
