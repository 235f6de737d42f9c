package page

import (
	"context"
	"encoding/json"
	"fmt"

	"countersign/audit"
	"countersign/commands"
	"countersign/internal/minislack"
	"countersign/slack/cards"
)

// What /gallery shows: wings of exhibits. Messages and forms are as the
// workspace stores them, so that the page draws them as it draws the channel.
type (
	wing struct {
		Title    string    `json:"title"`
		About    string    `json:"about"`
		Exhibits []exhibit `json:"exhibits"`
	}
	exhibit struct {
		Label   string            `json:"label"`             // what situation it is
		Typed   string            `json:"typed,omitempty"`   // what somebody typed to get it
		Only    bool              `json:"only,omitempty"`    // one person alone sees it
		Message json.RawMessage   `json:"message,omitempty"` // or
		View    json.RawMessage   `json:"view,omitempty"`
		Errors  map[string]string `json:"errors,omitempty"` // in the form, by field
	}
	collection struct {
		Wings    []wing              `json:"wings"`
		People   []map[string]any    `json:"people"`
		Groups   []map[string]string `json:"groups"`
		Channels []map[string]string `json:"channels"`
	}
)

// approversGroup is the group that the cards call.
const approversGroup = "S0APPROVERS"

// A curator puts exhibits on the walls: it renders them as the bot does and lets
// a workspace store them.
type curator struct {
	slack *minislack.Server
	err   error // the first thing that went wrong
}

// gallery collects everything the bot can say.
func gallery(ctx context.Context) (collection, error) {
	c := &curator{slack: minislack.NewInMemory()}
	defer c.slack.Close()
	c.slack.Example()
	c.slack.SetProfile("bot", func(p *minislack.Person) { p.RealName = "Countersign" })
	said, err := replies(ctx)
	if err != nil {
		return collection{}, fmt.Errorf("the gallery: %w", err)
	}
	wrong, err := misunderstood(ctx)
	if err != nil {
		return collection{}, fmt.Errorf("the gallery: %w", err)
	}
	no, err := refused()
	if err != nil {
		return collection{}, fmt.Errorf("the gallery: %w", err)
	}
	all := collection{Wings: []wing{
		c.cards(), c.forms(said),
		c.replies("Answers", "What one person is told, and nobody else: what was found, what was stored, what stands in the way.", said),
		c.replies("Mistakes", "Whatever somebody types: what is wrong, and what to type instead.", wrong),
		c.replies("Refusals", "Everything that can be in the way of a command or a click, however seldom it is.", no),
		c.letters(), c.trouble(), c.trail(),
	}}
	for i, p := range c.slack.People() {
		all.People = append(all.People, map[string]any{
			"id": p.ID, "name": p.Name, "real_name": p.RealName, "bot": p.Bot, "tz": p.TZ, "tint": i,
		})
	}
	all.Groups = []map[string]string{{"id": approversGroup, "handle": "approvers"}}
	for _, ch := range c.slack.Channels() {
		all.Channels = append(all.Channels, map[string]string{"id": ch.ID, "name": ch.Name})
	}
	return all, c.err
}

// cards are the cards of a request, in the order of its life.
func (c *curator) cards() wing {
	w := wing{Title: "Cards", About: "The message with the buttons, from the question to the end."}
	for _, p := range pendings() {
		content := commands.Card(p.Pending, p.freeze)
		var call cards.Call
		if content.Calls {
			call.Groups = []string{approversGroup}
		}
		w.Exhibits = append(w.Exhibits, c.message(p.label, cards.Card(content, call)))
	}
	return w
}

// forms are the dialogs, empty and with what is wrong in them.
func (c *curator) forms(said []said) wing {
	w := wing{Title: "Forms", About: "What opens when a command is typed alone, or a button needs more than a click."}
	for _, s := range said {
		if s.reply.Form == nil {
			continue
		}
		view, err := cards.Form(*s.reply.Form)
		if err != nil {
			c.fail(s.label, err)
			continue
		}
		shown, err := c.slack.ShownView(c.raw(view))
		c.fail(s.label, err)
		w.Exhibits = append(w.Exhibits, exhibit{Label: s.label, Typed: s.typed, View: shown, Errors: s.errors})
	}
	return w
}

// replies are what one person sees.
func (c *curator) replies(title, about string, said []said) wing {
	w := wing{Title: title, About: about}
	for _, s := range said {
		if s.reply.Text == "" && s.reply.Hint == "" {
			continue
		}
		e := c.message(s.label, cards.Reply(s.reply.Text, s.reply.Hint))
		e.Typed, e.Only = s.typed, true
		w.Exhibits = append(w.Exhibits, e)
		if s.reply.File != nil {
			w.Exhibits = append(w.Exhibits, c.message(s.label+": above the file in the channel", cards.Reply(s.reply.File.Comment, "")))
		}
	}
	return w
}

// trail is a line of the trail for everything that can happen.
func (c *curator) trail() wing {
	w := wing{Title: "The trail", About: "What the channel reads about everything that happens, numbered and chained. People stand there by their id: that is what can be proved."}
	for i, e := range events() {
		line := fmt.Sprintf("#%d %s ← %s", i+1, stamp(i+1), stamp(i))
		w.Exhibits = append(w.Exhibits, c.message(e.label, cards.Entry(audit.Sentence(e.Event), line)))
	}
	return w
}

// letters are what the requester reads in a direct message.
func (c *curator) letters() wing {
	w := wing{Title: "Direct messages", About: "Whoever asked hears of every decision that is not their own, and of what nobody else can see."}
	for _, l := range letters() {
		w.Exhibits = append(w.Exhibits, c.message(l.label, cards.Reply(l.text, l.hint)))
	}
	return w
}

// trouble is what is said when the bot and Slack miss each other.
func (c *curator) trouble() wing {
	w := wing{Title: "Between the bot and Slack", About: "When a bot dies, a line is slow or a file does not arrive: who is waiting hears of it, and what to do."}
	for _, l := range mishaps() {
		e := c.message(l.label, cards.Reply(l.text, l.hint))
		e.Typed, e.Only = l.typed, !l.public
		w.Exhibits = append(w.Exhibits, e)
	}
	return w
}

// stamp is the beginning of a made-up hash.
func stamp(n int) string { return fmt.Sprintf("%06x", n*0x9e3779b1&0xffffff) }

func (c *curator) message(label string, m cards.Message) exhibit {
	shown, err := c.slack.ShownMessage(m.Text, c.raw(m.Blocks))
	c.fail(label, err)
	return exhibit{Label: label, Message: shown}
}

func (c *curator) raw(v any) json.RawMessage {
	raw, err := json.Marshal(v)
	c.fail("blocks", err)
	return raw
}

func (c *curator) fail(label string, err error) {
	if c.err == nil && err != nil {
		c.err = fmt.Errorf("the gallery, %q: %w", label, err)
	}
}
