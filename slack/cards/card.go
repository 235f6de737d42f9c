package cards

import (
	"fmt"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"countersign/audit"
	"countersign/commands"
	"countersign/commands/grammar"
	"countersign/commands/words"
)

// A Message is what is posted: Blocks for the eyes, Text for notifications and
// screen readers. Text is mrkdwn, escaped, and short enough for chat.update.
type Message struct {
	Text   string
	Blocks []slack.Block
}

// Options are the message as slack-go posts it, with what every message of ours
// has in common: text that nothing parses, blocks, and no previews of links.
func (m Message) Options(more ...slack.MsgOption) []slack.MsgOption {
	return append([]slack.MsgOption{
		slack.MsgOptionText(m.Text, false), slack.MsgOptionBlocks(m.Blocks...), slack.MsgOptionParse(false),
		slack.MsgOptionDisableLinkUnfurl(), slack.MsgOptionDisableMediaUnfurl(),
	}, more...)
}

// A Call names the people and groups whose approval is awaited, by id.
type Call struct {
	People []string // "U…"
	Groups []string // "S…"
}

// The longest pieces of a card, in characters.
const (
	maxText    = 3800 // chat.update takes 4,000
	maxTitle   = 150
	maxFacts   = 2900
	maxValue   = 600 // one piece of a fact
	maxName    = 100 // of a company
	maxLine    = 300 // a user, or one that is left out
	maxButton  = 75
	maxListed  = 10
	maxLeftOut = 5
	maxCalled  = 20
	maxNext    = 600
)

const barWidth = 20

// Card renders the card of a request, its id in a small line above the buttons. The call is made when the card is posted,
// and never again: an update passes the zero Call.
func Card(c commands.CardContent, call Call) Message {
	blocks := []slack.Block{
		slack.NewHeaderBlock(plain(strings.ReplaceAll(c.Title, "\n", " "), maxTitle, "Request "+c.Request)),
	}
	add := func(parts ...slack.RichTextElement) {
		if len(parts) > 0 {
			blocks = append(blocks, slack.NewRichTextBlock("", parts...))
		}
	}
	add(facts(c)...)
	add(companies(c)...)
	add(sample(c)...)
	add(leftOut(c)...)
	if c.Progress != nil {
		add(progress(*c.Progress))
	}
	if c.Calls {
		add(calling(call)...)
	}
	for _, l := range []commands.Line{c.Still, c.Next} {
		p := newParagraph(maxNext)
		if p.line(l, maxValue); len(p.elements) > 0 {
			add(p.section())
		}
	}
	blocks = append(blocks, slack.NewContextBlock("", plain("Request "+c.Request, maxLine, "Request")))
	if buttons := buttons(c); len(buttons) > 0 {
		blocks = append(blocks, slack.NewActionBlock("", buttons...))
	}
	return Message{Text: cardText(c), Blocks: blocks}
}

// Reminder renders what is said below a card while approvals are awaited, with
// another call.
func Reminder(said commands.Line, call Call) Message {
	p := newParagraph(maxNext)
	p.line(said, maxValue)
	return Message{
		Text:   Text(said, maxText),
		Blocks: []slack.Block{slack.NewRichTextBlock("", append([]slack.RichTextElement{p.section()}, calling(call)...)...)},
	}
}

// cardText is never empty: it falls back to the title.
func cardText(c commands.CardContent) string {
	if text := Text(c.Text, maxText); strings.TrimSpace(text) != "" {
		return text
	}
	return Text(commands.Line{{Text: "Request " + c.Request + ". " + c.Title}}, maxText)
}

// facts are the labelled lines.
func facts(c commands.CardContent) []slack.RichTextElement {
	p := newParagraph(maxFacts)
	for i, f := range c.Facts {
		if i > 0 {
			p.say("\n", nil)
		}
		p.say(shown(f.Label, maxName)+": ", bold())
		p.line(f.Value, maxValue)
	}
	if len(p.elements) == 0 {
		return nil
	}
	return []slack.RichTextElement{p.section()}
}

// companies counts the users by company.
func companies(c commands.CardContent) []slack.RichTextElement {
	if len(c.Companies) == 0 {
		return nil
	}
	listed := c.Companies[:min(len(c.Companies), maxListed)]
	lines := make([]string, len(listed))
	for i, t := range listed {
		name := "no company"
		if strings.TrimSpace(clean(t.Name, false)) != "" {
			name = shown(t.Name, maxName)
		}
		lines[i] = audit.Number(t.Count) + " · " + name
	}
	parts := []slack.RichTextElement{titled("SAQ users by company"), bullets(lines, maxLine)}
	if more := c.More + len(c.Companies) - len(listed); more > 0 {
		parts = append(parts, said("and "+audit.Plural(more, "more company", "more companies")+"; the rest is in the CSV."))
	}
	return parts
}

// sample is the first users, one line each, where nothing is markup.
func sample(c commands.CardContent) []slack.RichTextElement {
	if len(c.Sample) == 0 {
		return nil
	}
	listed := c.Sample[:min(len(c.Sample), maxListed)]
	lines := make([]string, len(listed))
	for i, user := range listed {
		lines[i] = visible(user, maxLine)
	}
	unlisted := c.Unlisted + len(c.Sample) - len(listed)
	title := "The SAQ users"
	if unlisted > 0 {
		title = "The first " + audit.Plural(len(listed), "SAQ user")
	}
	p := newParagraph(maxListed * (maxLine + 1))
	p.say(strings.Join(lines, "\n"), nil)
	parts := []slack.RichTextElement{titled(title), &slack.RichTextPreformatted{
		Type: slack.RTEPreformatted, Elements: p.elements,
	}}
	if unlisted > 0 {
		parts = append(parts, said("and "+audit.Number(unlisted)+" more; the rest is in the CSV."))
	}
	return parts
}

// leftOut is who matched and is not touched.
func leftOut(c commands.CardContent) []slack.RichTextElement {
	if len(c.LeftOut) == 0 {
		return nil
	}
	listed := c.LeftOut[:min(len(c.LeftOut), maxLeftOut)]
	parts := []slack.RichTextElement{titled("Left out"), bullets(listed, maxLine)}
	if more := c.LeftOutMore + len(c.LeftOut) - len(listed); more > 0 {
		rest := commands.Line{{Text: "and " + audit.Number(more) + " more"}} // the CSV has the users of the plan alone
		if c.State.Open() {
			rest = append(rest, commands.Span{Text: ": "}, commands.Span{Text: words.Command(string(grammar.Show), c.Request), Code: true}, commands.Span{Text: " names them"})
		}
		p := newParagraph(maxLine)
		p.line(append(rest, commands.Span{Text: "."}), maxLine)
		parts = append(parts, p.section())
	}
	return parts
}

// progress is a bar that can be read aloud: the numbers stand behind it.
func progress(p commands.Progress) slack.RichTextElement {
	done := max(0, min(p.Done, p.Total))
	filled := 0
	if p.Total > 0 {
		filled = done * barWidth / p.Total
	}
	line := newParagraph(maxNext)
	line.say(strings.Repeat("█", filled)+strings.Repeat("░", barWidth-filled), code())
	line.say(fmt.Sprintf(" %s of %s", audit.Number(done), audit.Plural(max(0, p.Total), "SAQ user")), nil)
	if p.Left > 0 && done < p.Total {
		line.say(", about "+remaining(p.Left)+" of work left", nil)
	}
	return line.section()
}

// remaining says how long something takes, as people do.
func remaining(d time.Duration) string {
	switch {
	case d <= 90*time.Second:
		return audit.Plural(max(1, int(d.Round(time.Second).Seconds())), "second")
	case d <= 90*time.Minute:
		return audit.Plural(int(d.Round(time.Minute).Minutes()), "minute")
	}
	return audit.Plural(int(d.Round(time.Hour).Hours()), "hour")
}

// calling mentions who may approve.
func calling(call Call) []slack.RichTextElement {
	p := newParagraph(maxFacts)
	p.say("Can approve:", bold())
	called := 0
	mention := func(e slack.RichTextSectionElement) {
		if called++; called <= maxCalled {
			p.say(" ", nil)
			p.add(e)
		}
	}
	for _, id := range call.Groups {
		if groupID.MatchString(id) {
			mention(slack.NewRichTextSectionUserGroupElement(id))
		}
	}
	for _, id := range call.People {
		if personID.MatchString(id) {
			mention(slack.NewRichTextSectionUserElement(id, nil))
		}
	}
	switch {
	case called == 0:
		return nil
	case called > maxCalled:
		p.say(fmt.Sprintf(" and %d more", called-maxCalled), nil)
	}
	return []slack.RichTextElement{p.section()}
}
