package cards_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/approvals"
	"countersign/commands"
	"countersign/internal/minislack"
	"countersign/qualys"
	"countersign/slack/cards"
)

// hostile are names, reasons and values that somebody might choose.
var hostile = map[string]string{
	"a call for everybody": "<!channel> <!here> <!everyone>",
	"bare words":           "@channel @here @everyone #general",
	"a mention":            "<@U0CAROL> <!subteam^S0APPROVERS> <#C0QUALYSADMIN>",
	"a link":               "<https://evil.example|Approve here> https://evil.example",
	"backticks":            "`code` ```fence``` *bold* _it_ ~no~",
	"right to left":        "\u202Eevil\u202C \u2066x\u2069 \u200Fשלום\u200E",
	"hidden":               "a\u200Bb\u00ADc\uFEFFd\u2060e\u3164f\U000E0041g",
	"control":              "a\x00b\x1b[31mc\rd\ne\tf\u0085g\u2028h",
	"four bytes":           strings.Repeat("😀𝔸", 2000),
	"entities":             strings.Repeat("&<>", 4000),
	"ten kilobytes":        strings.Repeat("Lorem ipsum ", 900),
	"one long word":        strings.Repeat("x", 10_000),
	"nothing to see":       "\u200B\u200B",
	"blanks":               "      ",
	"empty":                "",
	"broken bytes":         "a\xff\xfe\xc3(b",
	"emoji":                ":tada: :skull_and_crossbones:",
	"combining":            "e" + strings.Repeat("\u0301", 500),
}

// filled is a card in which every foreign text is the same.
func filled(text string) commands.CardContent {
	c := pending()
	span := commands.Span{Text: text}
	c.Text = commands.Line{{Text: "Delete? "}, span, {Person: alice}, {Time: until}, span}
	c.Title = text
	c.Facts = nil
	for range 12 {
		c.Facts = append(c.Facts, commands.Fact{Label: text, Value: commands.Line{span, {Text: text, Code: true}}})
	}
	c.Companies, c.Sample, c.LeftOut = nil, nil, nil
	for range 30 {
		c.Companies = append(c.Companies, qualys.Tally{Name: text, Count: 3})
		c.Sample = append(c.Sample, text)
		c.LeftOut = append(c.LeftOut, text)
	}
	c.Next = commands.Line{span, {Text: text, Code: true}}
	c.Progress = &commands.Progress{Done: 1, Total: 2, Left: time.Minute}
	for i := range c.Buttons {
		c.Buttons[i].Label = text
		c.Buttons[i].Confirm = &commands.Confirm{Title: text, Text: text, Yes: text, No: text}
	}
	return c
}

// P34: no hostile name becomes a mention, and none breaks a card.
func TestHostileNamesStayText(t *testing.T) {
	for name, text := range hostile {
		t.Run(name, func(t *testing.T) {
			m := cards.Card(filled(text), cards.Call{})
			withinLimits(t, m)
			for _, id := range mentions(t, m) {
				assert.Equal(t, "U0ALICE", id)
			}
			raw, err := json.Marshal(m.Blocks)
			require.NoError(t, err)
			for _, r := range string(raw) + m.Text {
				require.False(t, unicode.Is(unicode.Cf, r) || unicode.IsControl(r) && r != '\n', "%U survived", r)
			}
		})
	}
}

// P63 and P34, judged by a Slack in a box: it takes every card and notifies nobody.
func TestSlackTakesEveryCardAndPingsNobody(t *testing.T) {
	s := minislack.RunT(t)
	s.Example()
	s.SetMessageRate(0, 0)
	api := slack.New(minislack.BotToken, slack.OptionAPIURL(s.URL()))
	post := func(name string, m cards.Message) {
		_, _, err := api.PostMessageContext(t.Context(), s.Channel("#qualys-admin").ID,
			slack.MsgOptionText(m.Text, false), slack.MsgOptionBlocks(m.Blocks...), slack.MsgOptionParse(false))
		require.NoError(t, err, name)
	}
	for name, m := range gallery() {
		post(name, m)
	}
	for name, text := range hostile {
		post(name, cards.Card(filled(text), cards.Call{}))
		if strings.TrimSpace(text) != "" && !strings.HasPrefix(name, "broken") {
			post(name, cards.Entry(strings.ToValidUTF8(text[:min(len(text), 500)], "?"), text))
		}
		if escaped := cards.Escape(text); strings.TrimSpace(escaped) != "" {
			post(name, cards.Reply(escaped, escaped))
		}
	}
	require.Empty(t, s.Pings())
	for _, m := range s.Messages("#qualys-admin") {
		require.Subset(t, []string{"U0ALICE", "U0BOB", "S0APPROVERS"}, m.Mentions)
	}
}

// P35: whatever the content, the card fits.
func FuzzCardFits(f *testing.F) {
	for _, text := range hostile {
		f.Add(text, "primary", int64(time.Minute), 3)
	}
	f.Fuzz(func(t *testing.T, text, style string, left int64, n int) {
		c := filled(text)
		c.Request, c.Companies[0].Count, c.More, c.Unlisted = text, n, n, n
		c.Progress = &commands.Progress{Done: n, Total: n / 2, Left: time.Duration(left)}
		c.Buttons = append(c.Buttons, commands.Button{Action: commands.Action(text), Label: text, Style: style})
		for _, state := range []approvals.State{approvals.PENDING, approvals.DONE} {
			c.State = state
			m := cards.Card(c, call)
			withinLimits(t, m)
			require.Subset(t, []string{"U0ALICE", "U0BOB", "S0APPROVERS"}, mentions(t, m))
		}
	})
}

// An escaped text stays within limits in a reply, and is never cut inside an entity.
func FuzzReplyFits(f *testing.F) {
	for _, text := range hostile {
		f.Add(text, text)
	}
	f.Fuzz(func(t *testing.T, text, hint string) {
		escaped, hint := cards.Escape(text), cards.Escape(hint)
		if strings.TrimSpace(escaped+hint) == "" {
			return
		}
		m := cards.Reply(escaped, hint)
		withinLimits(t, m)
		require.Empty(t, mentions(t, m))
		for _, b := range m.Blocks {
			if s, ok := b.(*slack.SectionBlock); ok {
				require.NotRegexp(t, `&(a|am|amp|l|lt|g|gt)?$`, strings.TrimSuffix(s.Text.Text, "\n…"))
			}
		}
		require.NotRegexp(t, `&(a|am|amp|l|lt|g|gt)?…$`, m.Text)
	})
}

func FuzzFormFits(f *testing.F) {
	for _, text := range hostile {
		f.Add(text, text, 50)
	}
	f.Fuzz(func(t *testing.T, text, id string, most int) {
		form := commands.Form{
			ID: id, Title: text, Submit: text, Intro: []string{text, text}, Channel: id,
			Click: commands.Click{Request: id, Action: commands.Action(id), Channel: id, Message: id, Fingerprint: id},
			Fields: []commands.FormField{
				{ID: "a", Kind: commands.FieldText, Label: text, Hint: text, Placeholder: text, Value: text, Max: most},
				{ID: "b", Kind: commands.FieldLong, Label: text, Value: text},
				{ID: "c", Kind: commands.FieldChoice, Label: text, Value: id, Choices: []commands.Choice{{Value: id, Label: text}}},
				{ID: "d", Kind: commands.FieldFile, Label: text},
			},
		}
		view, err := cards.Form(form)
		if err != nil {
			require.ErrorIs(t, err, cards.ErrTooBig)
			return
		}
		viewWithinLimits(t, view)
		click, channel, err := cards.Metadata(view.PrivateMetadata)
		require.NoError(t, err)
		valid := strings.ToValidUTF8(id, "\uFFFD")
		if valid == id {
			require.Equal(t, form.Click, click)
			require.Equal(t, id, channel)
		}
	})
}
