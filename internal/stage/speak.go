package stage

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"countersign/approvals/rules"
	"countersign/commands"
	"countersign/internal/chat"
	"countersign/internal/minislack"
	"countersign/slack/cards"
)

// A question is a dialog or a form that is open for somebody at the desk.
type question struct {
	form    *commands.Form
	confirm *commands.Confirm
	click   commands.Click
}

// Do makes a desk a [chat.Stage].
func (d *Desk) Do(ctx context.Context, a chat.Act) error {
	if err := d.known(a.Who); err != nil {
		return err
	}
	if err := d.begin(ctx); err != nil {
		return err
	}
	if err := d.post(ctx); err != nil { // what happened before is seen first
		return err
	}
	d.count++
	who := rules.Person{Team: team, ID: personID(a.Who)}
	op := fmt.Sprintf("act %d", d.count)
	switch a.Deed {
	case chat.Say:
		return d.say(ctx, a, who, op)
	case chat.Click:
		return d.press(ctx, a, who, op)
	}
	return d.fill(ctx, a, who, op)
}

// at does something for a person while the stage goes on.
func (d *Desk) at(f func()) { d.acts.Go(f) }

// say types a command. Everything else is for people only.
func (d *Desk) say(ctx context.Context, a chat.Act, who rules.Person, op string) error {
	text, ok := strings.CutPrefix(a.Text, command)
	if !ok {
		return nil
	}
	channel := homeID
	if a.Place != "" {
		c, err := d.channelNamed(a.Place)
		if err != nil {
			return err
		}
		channel = c
	}
	slash := commands.Slash{Text: asSlackSends.Replace(strings.TrimSpace(text)), By: who, Channel: channel, Op: op}
	d.at(func() { d.answer(ctx, a, commands.Click{Channel: channel}, d.desk.Slash(ctx, slash)) })
	return nil
}

// asSlackSends is how the text of a command arrives.
var asSlackSends = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

func (w *world) channelNamed(place string) (string, error) {
	for _, c := range w.slack.Channels() {
		if c.DM == "" && (c.ID == place || "#"+c.Name == place) {
			return c.ID, nil
		}
	}
	return "", fmt.Errorf("there is no place %s; there are #%s and #lobby", place, homeName)
}

// answer shows a reply, and what follows it.
func (d *Desk) answer(ctx context.Context, a chat.Act, click commands.Click, r commands.Reply) {
	for {
		if r.File != nil {
			d.file(a, *r.File)
		}
		if r.Text != "" || r.Hint != "" {
			text, _ := d.read(cards.Reply(r.Text, r.Hint))
			d.put(chat.Line{Kind: chat.Ephemeral, Place: a.Place, To: a.Who, Text: text})
		}
		if r.Form != nil {
			d.show(a.Who, &question{form: r.Form, click: r.Form.Click})
		}
		if r.Then == nil {
			return
		}
		r = r.Then(ctx)
	}
}

// file shows the file of a reply to everybody.
func (d *Desk) file(a chat.Act, f commands.File) {
	in, err := f.Open()
	if err != nil {
		d.fail(err)
		return
	}
	content, err := io.ReadAll(in)
	if err != nil {
		d.fail(err)
	}
	_, _ = in.Close(), f.Close() // it was only read
	comment, _ := d.read(cards.Reply(f.Comment, ""))
	d.put(chat.Line{Kind: chat.File, Place: a.Place, Text: fileText(f.Name, content, comment)})
}

// show opens a dialog or a form for a person.
func (d *Desk) show(who string, q *question) {
	d.wall.mu.Lock()
	d.dialogs[who] = q
	d.wall.mu.Unlock()
	if q.form == nil {
		d.put(chat.Line{Kind: chat.Dialog, To: who, Text: q.confirm.Title + ": " + q.confirm.Text, Buttons: []string{q.confirm.Yes, q.confirm.No}})
		return
	}
	view, err := cards.Form(*q.form)
	if err != nil {
		d.fail(err)
		return
	}
	text, _ := d.read(cards.Message{Blocks: view.Blocks.BlockSet})
	d.put(chat.Line{Kind: chat.Form, To: who, Text: q.form.Title + "\n" + text, Buttons: []string{q.form.Submit, closeLabel}})
}

// closeLabel is how conversations call the way out of a form.
const closeLabel = "Close"

func (d *Desk) asked(who string) *question {
	d.wall.mu.Lock()
	defer d.wall.mu.Unlock()
	return d.dialogs[who]
}

func (d *Desk) forget(who string) {
	d.wall.mu.Lock()
	defer d.wall.mu.Unlock()
	delete(d.dialogs, who)
}

// press presses a button: of the dialog that is open, or of a card.
func (d *Desk) press(ctx context.Context, a chat.Act, who rules.Person, op string) error {
	q := d.asked(a.Who)
	switch {
	case q != nil && q.form != nil && a.Text == q.form.Submit:
		return d.fill(ctx, a, who, op)
	case q != nil && q.form != nil && a.Text == closeLabel:
		d.forget(a.Who)
		return nil
	case q != nil && q.form != nil:
		return fmt.Errorf("the form %q of %s has no button %s; there are [%s] [%s]", q.form.Title, a.Who, a.Text, q.form.Submit, closeLabel)
	case q != nil && a.Text == q.confirm.No:
		d.forget(a.Who)
		return nil
	case q != nil && a.Text == q.confirm.Yes:
		d.forget(a.Who)
		d.click(ctx, a, q.click, who, op)
		return nil
	case q != nil:
		return fmt.Errorf("the dialog of %s has no button %s; there are [%s] [%s]", a.Who, a.Text, q.confirm.Yes, q.confirm.No)
	}
	c, button, err := d.find(a)
	if err != nil {
		return err
	}
	click := commands.Click{
		Request: c.id, Action: button.Action, Channel: homeID, Message: c.ts, Fingerprint: c.fingerprint,
	}
	if button.Confirm != nil && !a.On.Stale {
		d.show(a.Who, &question{confirm: button.Confirm, click: click})
		return nil
	}
	d.click(ctx, a, click, who, op)
	return nil
}

// click sends a click to the desk.
func (d *Desk) click(ctx context.Context, a chat.Act, c commands.Click, who rules.Person, op string) {
	c.By, c.Op = who, op
	d.at(func() { d.answer(ctx, a, c, d.desk.Click(ctx, c)) })
}

// find finds the card that shows the button.
func (d *Desk) find(a chat.Act) (*card, commands.Button, error) {
	all := d.cards()
	if !a.On.First {
		slices.Reverse(all)
	}
	var there []string
	for _, c := range all {
		if a.On.Request != "" && c.id != a.On.Request {
			continue
		}
		now := c.content.Buttons
		if a.On.Stale {
			now = c.once
		}
		for _, b := range now {
			if b.Label == a.Text {
				return c, b, nil
			}
			there = append(there, "["+b.Label+"]")
		}
	}
	return nil, commands.Button{}, fmt.Errorf("nobody shows %s a button %s; there are %s", a.Who, a.Text, strings.Join(there, " "))
}

// fill fills in the form that is open, and sends it.
func (d *Desk) fill(ctx context.Context, a chat.Act, who rules.Person, op string) error {
	q := d.asked(a.Who)
	if q == nil || q.form == nil {
		return fmt.Errorf("no form is open for %s: %w", a.Who, minislack.ErrNotThere)
	}
	in := commands.Submission{Form: q.form.ID, By: who, Op: op, Channel: q.form.Channel, Values: map[string]string{}, Click: q.form.Click}
	for _, f := range a.Fields {
		i := slices.IndexFunc(q.form.Fields, func(field commands.FormField) bool { return field.Label == f.Label })
		switch {
		case i < 0:
			return fmt.Errorf("the form %q has no field %q", q.form.Title, f.Label)
		case q.form.Fields[i].Kind == commands.FieldFile:
			in.File = []byte(rowsToFile(f.Value))
		default:
			in.Values[q.form.Fields[i].ID] = f.Value
		}
	}
	d.at(func() {
		r := d.desk.Submit(ctx, in)
		if len(r.Errors) == 0 {
			d.forget(a.Who)
			d.answer(ctx, a, q.click, r)
			return
		}
		for _, field := range q.form.Fields {
			if problem, wrong := r.Errors[field.ID]; wrong {
				d.put(chat.Line{Kind: chat.FormError, To: a.Who, Text: field.Label + ": " + problem})
			}
		}
	})
	return nil
}

// rowsToFile is a file as conversations write it: a semicolon ends a row.
func rowsToFile(value string) string {
	var rows []string
	for _, row := range strings.Split(value, ";") {
		rows = append(rows, strings.TrimSpace(row))
	}
	return strings.Join(rows, "\n") + "\n"
}
