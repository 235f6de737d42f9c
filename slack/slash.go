package slack

import (
	"context"

	"countersign/approvals"
	"countersign/approvals/rules"
	"countersign/commands"
	"countersign/slack/socket"
)

// slash notes a command, looks up who typed it, lets the desk answer, and puts
// the answer into the acknowledgement.
func (r *reception) slash(ctx context.Context, e socket.Envelope, ack socket.Ack) {
	soon, cancel := r.budget(ctx, e)
	defer cancel()
	c := e.Slash
	if soon.Err() != nil { // it waited too long for its turn
		r.busy(ctx, e, ack)
		return
	}
	by := rules.Person{Team: c.TeamID, ID: c.UserID}
	first, err := r.Book.Ask(soon, approvals.Asked{Op: c.TriggerID, By: by, Channel: c.ChannelID, Text: c.Text})
	switch {
	case err != nil:
		r.Log.ErrorContext(ctx, "a command was not noted", "by", by.String(), "err", err)
		_ = ack(ctx, said("I cannot reach my memory, so nothing happened.", "Type it again in a moment."))
		return
	case !first:
		_ = ack(ctx, nil) // it is being answered, or was
		return
	}
	var reply commands.Reply
	if by = r.person(soon, c.TeamID, c.UserID); soon.Err() != nil {
		r.Log.WarnContext(ctx, "a person was not looked up in time", "by", by.String())
		reply = commands.Reply{
			Text: "Slack did not tell me in time who you are, so nothing happened.", Hint: "Type it again in a moment.",
		}
	} else {
		reply = r.desk.Slash(soon, commands.Slash{Text: c.Text, By: by, Channel: c.ChannelID, Op: c.TriggerID})
	}
	var payload any
	if reply.Text != "" || reply.Hint != "" {
		payload = said(reply.Text, reply.Hint)
	}
	if ack(ctx, payload) != nil && payload != nil { // too big, or its socket is gone
		r.whisper(ctx, c.ChannelID, c.UserID, reply.Text, reply.Hint)
	}
	if reply.Form != nil {
		r.open(ctx, c.ChannelID, c.UserID, c.TriggerID, *reply.Form)
	}
	if reply.Then != nil {
		r.later(c.TriggerID, by, c.ChannelID, reply.Then)
		return
	}
	if reply.File != nil {
		r.file(ctx, c.UserID, c.ChannelID, *reply.File)
	}
	if err := r.Book.Answered(ctx, c.TriggerID); err != nil {
		r.Log.ErrorContext(ctx, "an answered command is still noted", "op", c.TriggerID, "err", err)
	}
}
