package slack

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"countersign/approvals"
	"countersign/commands"
	"countersign/slack/cards"
	"countersign/slack/socket"
)

// click lets the desk decide, and acknowledges when that is stored. After the
// budget nothing is stored any more, and the person is told to press again.
func (r *reception) click(ctx context.Context, e socket.Envelope, ack socket.Ack) {
	soon, cancel := r.budget(ctx, e)
	defer cancel()
	i := e.Interaction
	channel, person := whereFrom(e)
	if len(i.ActionCallback.BlockActions) == 0 {
		r.Log.WarnContext(ctx, "a click on nothing", "by", person, "channel", channel)
		_ = ack(ctx, nil)
		return
	}
	action := i.ActionCallback.BlockActions[0]
	request, fingerprint, err := cards.ParseValue(action.Value)
	if err != nil {
		r.Log.WarnContext(ctx, "a click with a forged value", "by", person, "channel", channel, "err", err)
		_ = ack(ctx, nil)
		r.whisper(ctx, channel, person, "This is no button of mine. Nothing was stored.", "")
		return
	}
	c := commands.Click{
		Request: request, Action: commands.Action(action.ActionID), Fingerprint: fingerprint,
		Channel: channel, Message: cmp.Or(i.Container.MessageTs, i.Message.Timestamp),
	}
	team, id := who(i)
	c.By = r.person(soon, team, id)
	c.Op = strings.Join([]string{"click", c.By.String(), c.Message, action.ActionID, action.ActionTs}, "/")
	reply := r.desk.Click(soon, c)
	late := soon.Err() != nil && !reply.Stored && !reply.Silent()
	_ = ack(ctx, nil)
	if r.Meter.Decided != nil {
		r.Meter.Decided(time.Since(e.Received))
	}
	switch {
	case late:
		r.Log.WarnContext(ctx, "a click was not decided in time", "by", c.By.String(), "request", request)
		r.whisper(ctx, channel, person, "I could not decide this in time.", "Press again; nothing counts twice.")
	case reply.Silent() || !r.unheard(ctx, c.Op, reply):
	case reply.Form != nil:
		r.open(ctx, channel, person, i.TriggerID, *reply.Form)
	default:
		r.show(ctx, person, channel, reply)
	}
}

// toldOnce is how long it is remembered that somebody was told.
const toldOnce = 24 * time.Hour

// unheard reports whether this is the first time that a click or a form is
// answered so. Slack may deliver it again in another envelope: it counts once,
// and the person hears the same words once.
func (r *reception) unheard(ctx context.Context, op string, reply commands.Reply) bool {
	words := reply.Text + reply.Hint
	if reply.Form != nil {
		words = reply.Form.ID
	}
	first, err := r.Book.Once(ctx, fmt.Sprintf("told %s %x", op, sha256.Sum256([]byte(words))), toldOnce)
	return err != nil || first // twice is better than never
}

// open opens a form. Its trigger lives three seconds and opens one.
func (r *reception) open(ctx context.Context, channel, person, trigger string, form commands.Form) {
	view, err := cards.Form(form)
	if err == nil {
		err = r.web.Call(ctx, "views.open", "", func(ctx context.Context) error {
			ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
			defer cancel()
			_, err := r.web.API.OpenViewContext(ctx, trigger, view)
			return err
		})
	}
	if err != nil {
		r.Log.ErrorContext(ctx, "a form did not open", "form", form.ID, "by", person, "err", err)
		r.whisper(ctx, channel, person, "The form did not open. Nothing was stored.", "Try again.")
	}
}

// submit lets the desk take a form. Whoever sent it acts, whatever rode in it.
func (r *reception) submit(ctx context.Context, e socket.Envelope, ack socket.Ack) {
	soon, cancel := r.budget(ctx, e)
	defer cancel()
	i := e.Interaction
	opened, home, err := cards.Metadata(i.View.PrivateMetadata)
	channel, person := whereFrom(e)
	if err != nil {
		r.Log.WarnContext(ctx, "a form of nobody's", "by", person, "err", err)
		_ = ack(ctx, nil)
		return
	}
	team, id := who(i)
	by := r.person(soon, team, id)
	values, files := cards.Values(i.View)
	in := commands.Submission{
		Form: i.View.CallbackID, By: by, Channel: home, Values: values, Click: opened,
		Op: "form/" + by.String() + "/" + i.View.ID,
	}
	if len(files) > 0 {
		if in.File, err = r.web.Read(soon, files[0]); err != nil {
			r.Log.WarnContext(ctx, "a file of a form was not read", "by", by.String(), "err", err)
			r.keepOpen(ctx, i.View, ack, "I could not read the file. Choose it again: a CSV of at most 1 MB.")
			return
		}
	}
	reply := r.desk.Submit(soon, in)
	if len(reply.Errors) > 0 {
		_ = ack(ctx, cards.Errors(reply.Errors))
		return
	}
	if soon.Err() != nil && !reply.Stored && !reply.Silent() {
		r.Log.WarnContext(ctx, "a form was not taken in time", "by", by.String(), "form", in.Form)
		if r.keepOpen(ctx, i.View, ack, "I could not take this in time. Send it again; nothing counts twice.") {
			return
		}
	}
	then := reply.Then
	reply.Then = nil
	if then != nil {
		first, err := r.Book.Ask(soon, approvals.Asked{Op: in.Op, By: by, Channel: channel, Text: in.Form})
		if err != nil {
			r.Log.ErrorContext(ctx, "a form was not noted", "by", by.String(), "err", err)
			reply = commands.Reply{Text: "I cannot reach my memory, so nothing happened.", Hint: "Try again in a moment."}
		}
		if !first {
			then = nil // it came twice
		}
	}
	_ = ack(ctx, nil)
	if !reply.Silent() && r.unheard(ctx, in.Op, reply) {
		r.show(ctx, person, channel, reply)
	}
	if then != nil {
		r.later(in.Op, by, channel, then)
	}
}

// keepOpen acknowledges a form so that it stays open and shows a sentence: at
// its file, if it has one, else at its first field. Without a field it does nothing.
func (r *reception) keepOpen(ctx context.Context, v slack.View, ack socket.Ack, sentence string) bool {
	if v.State == nil || len(v.State.Values) == 0 {
		return false
	}
	at := slices.Min(slices.Collect(maps.Keys(v.State.Values)))
	for field, actions := range v.State.Values {
		for _, a := range actions {
			if len(a.Files) > 0 {
				at = field
			}
		}
	}
	_ = ack(ctx, cards.Errors(map[string]string{at: sentence}))
	return true
}
