package stage

import (
	"context"
	"strings"

	"countersign/internal/chat"
	"countersign/internal/minislack"
)

// Seen makes a house a [chat.Stage].
func (h *House) Seen(ctx context.Context) ([]chat.Line, error) {
	if !h.open {
		return h.take()
	}
	if err := h.settle(ctx); err != nil {
		return nil, err
	}
	return h.take()
}

// settle lets time pass until people have seen nothing new for a while.
func (h *House) settle(ctx context.Context) error {
	return settle(ctx, h.Config, h.grown, func() error {
		err := sleep(ctx, step)
		h.Rest()
		h.look()
		return err
	})
}

// look puts on the wall what has become visible in Slack.
func (h *House) look() {
	for _, e := range h.slack.Since(h.newest) {
		h.newest = e.N
		h.hang(e)
	}
}

// hang puts one event on the wall, if people see anything of it.
func (h *House) hang(e minislack.Event) {
	switch e.Kind {
	case minislack.Failed, minislack.Warned:
		h.put(chat.Line{Kind: chat.Notice, To: e.Person, Text: e.Text})
	case minislack.ViewOpened, minislack.ViewChange:
		kind := chat.Form
		if e.Kind == minislack.ViewChange {
			kind = chat.FormUpdate
		}
		var buttons []string
		if e.View.Submit != "" {
			buttons = append(buttons, e.View.Submit)
		}
		h.put(chat.Line{Kind: kind, To: e.Person, Text: e.View.Rendered(), Buttons: append(buttons, closeLabel)})
	case minislack.Posted, minislack.Updated, minislack.Ephemeral, minislack.Deleted, minislack.FileShared:
		if e.Message.From == "bot" {
			h.message(e)
		}
	}
}

// message puts a message of the bot on the wall.
func (h *House) message(e minislack.Event) {
	m := e.Message
	l := chat.Line{Kind: chat.Message, Text: bare(m.Rendered(), m.Buttons(), m.Files), Buttons: labels(m.Buttons())}
	to, place := h.where(e)
	l.To, l.Place = to, place
	if place == "thread" && !h.unfolded {
		return
	}
	switch {
	case e.Kind == minislack.Ephemeral:
		l.Kind, l.To = chat.Ephemeral, m.EphemeralTo
	case e.Kind == minislack.Deleted:
		l.Kind, l.Text, l.Buttons = chat.Update, "(deleted)", nil
	case e.Kind == minislack.Updated:
		l.Kind = chat.Update
	case len(m.Files) > 0:
		for _, f := range m.Files {
			content, _ := h.slack.FileContent(f.ID)
			h.put(chat.Line{Kind: chat.File, Place: place, Text: fileText(f.Name, content, l.Text)})
		}
		return
	}
	if to != "" && e.Kind != minislack.Ephemeral {
		l.Kind = map[chat.Kind]chat.Kind{chat.Message: chat.Direct, chat.Update: chat.DirectUpdate}[l.Kind]
	}
	h.about(key(m), l)
}

// key names a message on the wall.
func key(m minislack.Message) string { return m.Channel + " " + m.TS }

// where says who alone sees a message, and in which place it is.
func (h *House) where(e minislack.Event) (to, place string) {
	c := h.slack.Channel(e.Channel)
	switch {
	case c.DM != "":
		return nameOf(c.DM), ""
	case e.Message.Thread != "" && e.Message.Thread != e.Message.TS:
		return "", "thread"
	case c.ID != homeID:
		return "", "#" + strings.TrimPrefix(c.Name, "#")
	}
	return "", ""
}
