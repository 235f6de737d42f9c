package minislack

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A FormError is a form that stayed open because fields were refused, by the
// client before sending or by the app.
type FormError struct {
	Fields map[string]string // by label
	Blocks map[string]string // by block_id
}

func (e *FormError) Error() string {
	var all []string
	for label, problem := range e.Fields {
		all = append(all, label+": "+problem)
	}
	slices.Sort(all)
	return strings.Join(all, "; ")
}

// top is the view the person looks at, or nil. The caller holds s.mu.
func (c *Client) top() *view {
	screen := c.s.human.screens[c.p.ID]
	if len(screen) == 0 {
		return nil
	}
	return screen[len(screen)-1]
}

// View is the form that is open for the person.
func (c *Client) View() (View, bool) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	v := c.top()
	if v == nil {
		return View{}, false
	}
	return c.s.viewSnapshot(v), true
}

// Upload gives the person a file to put into a form. The values of a file field
// are file ids, separated by newlines.
func (c *Client) Upload(name string, content []byte) File {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	f := &file{
		File:    File{ID: c.s.made("F"), Name: name, Title: name, Size: len(content), By: c.p.ID},
		content: slices.Clone(content), uploaded: true, done: true, created: time.Now(),
	}
	c.s.files.all = append(c.s.files.all, f)
	return f.File
}

// Submit fills the open form and sends it. Fields are named by label, block_id or
// action_id; options by label or value, several separated by newlines; what is not
// named keeps its initial value. A *FormError means the form stayed open.
func (c *Client) Submit(values map[string]string) error {
	s := c.s
	s.mu.Lock()
	v := c.top()
	if v == nil {
		s.mu.Unlock()
		return fmt.Errorf("no form is open for %s: %w", c.p.Name, ErrNotThere)
	}
	state, err := c.fill(v, values)
	if err != nil {
		s.mu.Unlock()
		return err
	}
	s.happened(Event{Kind: Submitted, Channel: v.channel, Person: c.p.Name, View: s.viewSnapshot(v)})
	o := s.interaction("view_submission", c.p)
	o["trigger_id"] = s.trigger(c.p, v.channel, v)
	o["view"] = s.viewObject(v, state)
	o["response_urls"] = []object{}
	id, d := s.deliver("interactive", o, 0)
	s.mu.Unlock()
	if d == nil {
		return c.trouble(v)
	}
	answer, ok := s.verdict(id, d)
	if !ok {
		return c.trouble(v)
	}
	return c.answered(v, answer)
}

// trouble tells the person that the form could not be sent. It stays open.
func (c *Client) trouble(v *view) error {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.s.happened(Event{
		Kind: Failed, Channel: v.channel, Person: c.p.Name, Text: ErrTrouble.Error(), View: c.s.viewSnapshot(v),
	})
	return ErrTrouble
}

// answered does what the app said about a form.
func (c *Client) answered(v *view, raw json.RawMessage) error {
	var answer struct {
		Action string            `json:"response_action"`
		Errors map[string]string `json:"errors"`
		View   json.RawMessage   `json:"view"`
	}
	if len(raw) > 0 && json.Unmarshal(raw, &answer) != nil {
		return c.trouble(v)
	}
	switch answer.Action {
	case "":
		c.closeView(v, false)
		return nil
	case "clear":
		c.closeView(v, true)
		return nil
	case "errors":
		return c.fieldErrors(v, answer.Errors)
	case "update", "push":
		return c.nextView(v, answer.Action, string(answer.View))
	}
	return c.trouble(v)
}

func (c *Client) nextView(v *view, action, raw string) error {
	c.s.mu.Lock()
	body, err := c.s.checkedView(raw)
	if err == nil && action == "push" && len(c.s.human.screens[c.p.ID]) >= 3 {
		err = refuse("push_limit_reached")
	}
	if err != nil {
		c.s.mu.Unlock()
		return fmt.Errorf("%w (the app answered with a bad view: %w)", c.trouble(v), err)
	}
	defer c.s.mu.Unlock()
	if action == "push" {
		c.s.newView(c.p, body, v, v.channel)
	} else {
		c.s.replaceView(v, body)
	}
	return nil
}

// fieldErrors shows the app's errors. They belong to input blocks; others are trouble.
func (c *Client) fieldErrors(v *view, problems map[string]string) error {
	e := &FormError{Fields: map[string]string{}, Blocks: problems}
	c.s.mu.Lock()
	r := reader{w: &c.s.w, zone: c.p.zone()}
	for _, b := range v.blocks() {
		block, _ := b.(object)
		if problem, ok := problems[str(block, "block_id")]; ok && block["type"] == "input" {
			e.Fields[r.textOf(block["label"])] = problem
		}
	}
	c.s.mu.Unlock()
	if len(e.Fields) != len(problems) || len(problems) == 0 {
		return c.trouble(v)
	}
	return e
}

// closeView takes a view, or the whole stack, off the screen.
func (c *Client) closeView(v *view, all bool) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	screen := c.s.human.screens[c.p.ID]
	if all {
		screen = nil
	} else {
		screen = slices.DeleteFunc(slices.Clone(screen), func(o *view) bool { return o == v })
	}
	c.s.human.screens[c.p.ID] = screen
	c.s.aboutView(ViewClosed, v)
}

// CloseView presses Cancel. The app hears of it if the view asked for that.
func (c *Client) CloseView() error {
	s := c.s
	s.mu.Lock()
	v := c.top()
	if v == nil {
		s.mu.Unlock()
		return fmt.Errorf("no form is open for %s: %w", c.p.Name, ErrNotThere)
	}
	var id string
	var d *delivery
	if v.body["notify_on_close"] == true {
		o := s.interaction("view_closed", c.p)
		o["view"], o["is_cleared"] = s.viewObject(v, nil), false
		id, d = s.deliver("interactive", o, 0)
	}
	s.mu.Unlock()
	c.closeView(v, false)
	if d != nil {
		s.verdict(id, d)
	}
	return nil
}
