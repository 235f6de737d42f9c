package stage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"countersign/internal/chat"
	"countersign/internal/minislack"
)

// Do makes a house a [chat.Stage].
func (h *House) Do(ctx context.Context, a chat.Act) error {
	if err := h.known(a.Who); err != nil {
		return err
	}
	if err := h.begin(ctx); err != nil {
		return err
	}
	c := h.slack.As(a.Who)
	switch a.Deed {
	case chat.Say:
		return h.say(c, a)
	case chat.Click:
		return h.press(c, a)
	}
	return h.fill(c, a)
}

// at lets a person do something while the stage goes on. What Slack shows them
// when it does not work is part of the play; what could not be done is an error.
func (h *House) at(what string, f func() error) {
	h.acts.Go(func() {
		err := f()
		shown := errors.Is(err, minislack.ErrOperationTimeout) || errors.Is(err, minislack.ErrDispatchFailed) ||
			errors.Is(err, minislack.ErrWarned) || errors.Is(err, minislack.ErrTrouble)
		if err != nil && !shown {
			h.wall.fail(fmt.Errorf("%s: %w", what, err))
		}
	})
}

func (h *House) say(c *minislack.Client, a chat.Act) error {
	channel := homeID
	if a.Place != "" {
		named, err := h.channelNamed(a.Place)
		if err != nil {
			return err
		}
		channel = named
	}
	if !strings.HasPrefix(a.Text, "/") {
		_, err := c.Say(channel, a.Text)
		return err
	}
	verb, rest, _ := strings.Cut(a.Text, " ")
	rest = strings.TrimSpace(rest)
	h.again = h.again || strings.HasPrefix(rest, "retry ") || strings.HasPrefix(rest, "undo ")
	h.at(a.Text, func() error {
		ack, err := c.Slash(channel, verb, rest)
		if ack.Text != "" {
			h.acknowledged(key(ack.Message))
		}
		return err
	})
	return nil
}

// press presses a button: of the dialog or form that is open, or of a message.
func (h *House) press(c *minislack.Client, a chat.Act) error {
	if d := h.dialog(a.Who, nil); d != nil {
		switch a.Text {
		case d.Yes:
			h.at(a.Text, d.Confirm)
		case d.No:
			d.Deny()
		default:
			h.dialog(a.Who, d)
			return fmt.Errorf("the dialog of %s has no button %s; there are [%s] [%s]", a.Who, a.Text, d.Yes, d.No)
		}
		return nil
	}
	if v, open := c.View(); open {
		switch a.Text {
		case closeLabel:
			return c.CloseView()
		case v.Submit:
			return h.submit(c, a.Who, nil)
		}
		return fmt.Errorf("the form %q of %s has no button %s; there are [%s] [%s]", v.Title, a.Who, a.Text, v.Submit, closeLabel)
	}
	m, stale, err := find(h.screens(c, a.Who), a)
	if err != nil {
		return err
	}
	h.at(a.Text, func() error {
		if stale != nil {
			return c.ClickRaw(*stale)
		}
		d, err := c.Click(m.Ref(), a.Text)
		if d != nil {
			h.dialog(a.Who, d)
			h.put(chat.Line{Kind: chat.Dialog, To: a.Who, Text: d.Title + ": " + d.Text, Buttons: []string{d.Yes, d.No}})
		}
		return err
	})
	return nil
}

// dialog keeps a person's dialog, or takes the one that is kept.
func (h *House) dialog(who string, keep *minislack.Dialog) *minislack.Dialog {
	h.wall.mu.Lock()
	defer h.wall.mu.Unlock()
	d := h.dialogs[who]
	delete(h.dialogs, who)
	if keep != nil {
		h.dialogs[who] = keep
	}
	return d
}

// screens is what a person can look at, oldest first.
func (h *House) screens(c *minislack.Client, who string) []minislack.Message {
	return slices.Concat(c.DM(), c.Read(homeID))
}

// find finds the message whose button is meant, and for a stale one the click
// that an old screen would send.
func find(all []minislack.Message, a chat.Act) (minislack.Message, *minislack.RawClick, error) {
	if !a.On.First {
		slices.Reverse(all)
	}
	var there []string
	for _, m := range all {
		buttons := m.Buttons()
		if a.On.Stale {
			for _, v := range m.Edited {
				buttons = append(buttons, buttonsOf(v.Blocks)...)
			}
		}
		for _, b := range buttons {
			about := a.On.Request == "" || strings.HasPrefix(b.Value, a.On.Request)
			switch {
			case about && b.Label == a.Text && a.On.Stale:
				return m, &minislack.RawClick{Ref: m.Ref(), ActionID: b.ActionID, BlockID: b.BlockID, Value: b.Value, Label: b.Label}, nil
			case about && b.Label == a.Text:
				return m, nil, nil
			case about:
				there = append(there, "["+b.Label+"]")
			}
		}
	}
	return minislack.Message{}, nil, fmt.Errorf("nobody shows %s a button %s; there are %s", a.Who, a.Text, strings.Join(there, " "))
}

// buttonsOf reads the buttons of blocks that a message once had.
func buttonsOf(blocks json.RawMessage) []minislack.Button {
	var list []struct {
		BlockID  string `json:"block_id"`
		Elements []struct {
			Type     string          `json:"type"`
			ActionID string          `json:"action_id"`
			Value    string          `json:"value"`
			Text     json.RawMessage `json:"text"`
		} `json:"elements"`
	}
	var all []minislack.Button
	_ = json.Unmarshal(blocks, &list) // blocks of other shapes have no buttons
	for _, b := range list {
		for _, e := range b.Elements {
			var label struct {
				Text string `json:"text"`
			}
			if e.Type == "button" && json.Unmarshal(e.Text, &label) == nil {
				all = append(all, minislack.Button{Label: label.Text, ActionID: e.ActionID, BlockID: b.BlockID, Value: e.Value})
			}
		}
	}
	return all
}

// fill fills in the form that is open, and sends it.
func (h *House) fill(c *minislack.Client, a chat.Act) error {
	v, open := c.View()
	if !open {
		return fmt.Errorf("no form is open for %s", a.Who)
	}
	values := map[string]string{}
	for _, f := range a.Fields {
		values[f.Label] = f.Value
		if takesFile(v.Blocks, f.Label) {
			values[f.Label] = c.Upload("ids.csv", []byte(rowsToFile(f.Value))).ID
		}
	}
	return h.submit(c, a.Who, values)
}

// takesFile reports whether a field of a form is for files.
func takesFile(blocks json.RawMessage, label string) bool {
	var list []struct {
		Label struct {
			Text string `json:"text"`
		} `json:"label"`
		Element struct {
			Type string `json:"type"`
		} `json:"element"`
	}
	_ = json.Unmarshal(blocks, &list) // blocks of other shapes are no fields
	for _, b := range list {
		if b.Label.Text == label {
			return b.Element.Type == "file_input"
		}
	}
	return false
}

// submit sends a form and shows what was wrong with its fields.
func (h *House) submit(c *minislack.Client, who string, values map[string]string) error {
	h.at("send the form", func() error {
		err := c.Submit(values)
		var wrong *minislack.FormError
		if !errors.As(err, &wrong) {
			return err
		}
		var problems []string
		for field, problem := range wrong.Fields {
			problems = append(problems, field+": "+problem)
		}
		slices.Sort(problems)
		for _, p := range problems {
			h.put(chat.Line{Kind: chat.FormError, To: who, Text: p})
		}
		return nil
	})
	return nil
}
