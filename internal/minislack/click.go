package minislack

import (
	"fmt"
	"strings"
	"time"
)

// A Dialog asks the person before a click is sent.
type Dialog struct {
	Title, Text, Yes, No string

	send func() error
}

// Confirm presses the dialog's confirming button, which sends the click.
func (d *Dialog) Confirm() error { return d.send() }

// Deny closes the dialog. The app learns nothing of it.
func (d *Dialog) Deny() {}

// Click presses a button of a message: by its label, or by its action_id when no
// label fits; the options of a menu count as buttons. When the
// button has a confirm dialog nothing is sent yet, and the dialog comes back.
// Otherwise Click waits for the acknowledgement; ErrWarned is the warning mark.
func (c *Client) Click(ref Ref, button string) (*Dialog, error) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	r, err := c.in(ref.Channel)
	if err != nil {
		return nil, err
	}
	m := r.find(ref.TS)
	if m == nil || m.only != "" && m.only != c.p.ID {
		return nil, fmt.Errorf("message %s in %s: %w", ref.TS, ref.Channel, ErrNotThere)
	}
	p, err := c.choose(m.blocks, button)
	if err != nil {
		return nil, err
	}
	return c.press(p, func() error { return c.sendClick(ref, m, nil, c.action(p)) })
}

// ClickThrough clicks and confirms whatever dialog asks.
func (c *Client) ClickThrough(ref Ref, button string) error {
	dialog, err := c.Click(ref, button)
	if err != nil || dialog == nil {
		return err
	}
	return dialog.Confirm()
}

// Press presses a button in the form that is open.
func (c *Client) Press(button string) (*Dialog, error) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	v := c.top()
	if v == nil {
		return nil, fmt.Errorf("no form is open for %s: %w", c.p.Name, ErrNotThere)
	}
	p, err := c.choose(v.blocks(), button)
	if err != nil {
		return nil, err
	}
	return c.press(p, func() error { return c.sendClick(Ref{}, nil, v, c.action(p)) })
}

// A RawClick is a click that no screen offered: a stale or forged one. Empty
// ids and values are sent empty.
type RawClick struct {
	Ref      Ref
	ActionID string
	BlockID  string
	Value    string
	Label    string
}

// ClickRaw sends a click without looking whether the person can see such a
// button, and without its dialog.
func (c *Client) ClickRaw(raw RawClick) error {
	c.s.mu.Lock()
	m := c.s.w.mustRoom(raw.Ref.Channel).find(raw.Ref.TS)
	c.s.mu.Unlock()
	return c.sendClick(raw.Ref, m, nil, object{
		"type": "button", "action_id": raw.ActionID, "block_id": raw.BlockID, "value": raw.Value,
		"text": object{"type": "plain_text", "text": encodeLiteral(raw.Label)},
	})
}

// choose finds what to press. The caller holds s.mu.
func (c *Client) choose(blocks []any, button string) (pressable, error) {
	r := reader{w: &c.s.w, zone: c.p.zone()}
	all := pressables(blocks)
	var labels []string
	for i, b := range r.buttons(blocks) {
		if b.Label == button {
			return all[i], nil
		}
		labels = append(labels, "["+b.Label+"]")
	}
	for _, p := range all {
		if p.option == nil && str(p.element, "action_id") == button {
			return p, nil
		}
	}
	if len(labels) == 0 {
		labels = append(labels, "no button")
	}
	return pressable{}, fmt.Errorf("button %q: %w; there is %s", button, ErrNotThere, strings.Join(labels, " "))
}

// press sends a click, or asks first. The caller holds s.mu; what waits runs without it.
func (c *Client) press(p pressable, send func() error) (*Dialog, error) {
	ask, ok := p.element["confirm"].(object)
	if !ok {
		c.s.mu.Unlock()
		defer c.s.mu.Lock()
		return nil, send()
	}
	r := reader{w: &c.s.w, zone: c.p.zone()}
	return &Dialog{
		Title: r.textOf(ask["title"]), Text: r.textOf(ask["text"]), Yes: r.textOf(ask["confirm"]),
		No: r.textOf(ask["deny"]), send: send,
	}, nil
}

// action is what the payload says about the thing pressed.
func (c *Client) action(p pressable) object {
	a := object{
		"type": p.element["type"], "action_id": str(p.element, "action_id"), "block_id": str(p.block, "block_id"),
	}
	for _, key := range []string{"text", "value", "style", "confirm"} {
		if p.element[key] != nil {
			a[key] = p.element[key]
		}
	}
	if p.option != nil {
		a["selected_option"] = p.option
	}
	return a
}

// sendClick delivers a click and waits for its acknowledgement. The caller does not hold s.mu.
func (c *Client) sendClick(ref Ref, m *message, v *view, action object) error {
	s := c.s
	s.mu.Lock()
	now := time.Now()
	action["action_ts"] = fmt.Sprintf("%010d.%06d", now.Unix(), now.Nanosecond()/1000)
	label, _ := action["text"].(object)
	s.happened(Event{
		Kind: Clicked, Channel: ref.Channel, TS: ref.TS, Person: c.p.Name,
		Text: joined(" ", decode(str(label, "text")), "("+str(action, "action_id")+")"),
	})
	id, d := s.deliver("interactive", s.clickPayload(c.p, ref, m, v, action), 0)
	s.mu.Unlock()
	answered := false
	if d != nil {
		_, answered = s.verdict(id, d)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if m != nil {
		m.warned = !answered
	}
	if answered {
		return nil
	}
	e := Event{Kind: Warned, Channel: ref.Channel, TS: ref.TS, Person: c.p.Name, Text: ErrWarned.Error()}
	if m != nil {
		e.Message = s.snapshot(m, c.p)
	}
	s.happened(e)
	return ErrWarned
}

// clickPayload is a block_actions payload. Messages that one person sees are not shown to the app again.
func (s *Server) clickPayload(p *Person, ref Ref, m *message, v *view, action object) object {
	o := s.interaction("block_actions", p)
	o["actions"] = []object{action}
	o["state"] = object{"values": object{}}
	if v != nil {
		o["trigger_id"] = s.trigger(p, v.channel, v)
		o["container"] = object{"type": "view", "view_id": v.id}
		o["view"] = s.viewObject(v, nil)
		o["hash"] = v.hash
		return o
	}
	r := s.w.mustRoom(ref.Channel)
	o["trigger_id"] = s.trigger(p, r.ID, nil)
	alone := m != nil && m.only != ""
	container := object{"type": "message", "message_ts": ref.TS, "channel_id": r.ID, "is_ephemeral": alone}
	if m != nil && m.thread != "" {
		container["thread_ts"] = m.thread
	}
	o["container"] = container
	o["channel"] = object{"id": r.ID, "name": r.seenAs()}
	o["response_url"] = s.responseURL("actions")
	if m != nil && !alone {
		o["message"] = s.wire(m, false)
	}
	return o
}

// interaction begins the payload of any interaction.
func (s *Server) interaction(kind string, p *Person) object {
	user := object{"id": p.ID, "username": p.Name, "name": p.Name, "team_id": p.Team}
	return object{
		"type": kind, "team": object{"id": s.w.team.ID, "domain": strings.ToLower(s.w.team.Domain)}, "user": user,
		"api_app_id": AppID, "token": "deprecated", "enterprise": nil, "is_enterprise_install": false,
	}
}
