package cards

import (
	"github.com/slack-go/slack"

	"countersign/commands"
)

// A paragraph collects the elements of a rich text, within a budget of characters.
type paragraph struct {
	elements []slack.RichTextSectionElement
	left     int
}

func newParagraph(most int) *paragraph { return &paragraph{left: most} }

// say adds text as it is. What is empty or does not fit is left out or cut.
func (p *paragraph) say(text string, style *slack.RichTextSectionTextStyle) {
	if text == "" || p.left < 2 {
		return
	}
	text = cut(text, p.left)
	p.left -= length(text)
	p.elements = append(p.elements, slack.NewRichTextSectionTextElement(text, style))
}

func bold() *slack.RichTextSectionTextStyle { return &slack.RichTextSectionTextStyle{Bold: true} }
func code() *slack.RichTextSectionTextStyle { return &slack.RichTextSectionTextStyle{Code: true} }

// line adds a line, each piece of text at most that long.
func (p *paragraph) line(line commands.Line, most int) {
	for _, s := range line {
		switch {
		case personID.MatchString(s.Person.ID):
			p.add(slack.NewRichTextSectionUserElement(s.Person.ID, nil))
		case s.Person.ID != "":
			p.say(shown(s.Person.ID, most), code())
		case !s.Time.IsZero():
			format, fallback := moment(s)
			p.add(slack.NewRichTextSectionDateElement(s.Time.Unix(), format, nil, &fallback))
		case s.Code:
			p.say(shown(s.Text, most), code())
		default:
			p.say(shown(s.Text, most), nil)
		}
	}
}

// elementSize is what a mention or a date is counted as; Slack does not say.
const elementSize = 50

func (p *paragraph) add(e slack.RichTextSectionElement) {
	if p.left >= elementSize {
		p.left -= elementSize
		p.elements = append(p.elements, e)
	}
}

// section is the paragraph as an element of a rich_text block.
func (p *paragraph) section() *slack.RichTextSection {
	return slack.NewRichTextSection(p.elements...)
}

// titled is one line in bold.
func titled(title string) *slack.RichTextSection {
	p := newParagraph(200)
	p.say(title, bold())
	return p.section()
}

// said is one line of our own words.
func said(text string) *slack.RichTextSection {
	p := newParagraph(300)
	p.say(text, nil)
	return p.section()
}

// bullets is a list, a foreign text each. What is nothing but blanks is a dash.
func bullets(texts []string, most int) *slack.RichTextList {
	items := make([]slack.RichTextElement, len(texts))
	for i, text := range texts {
		p := newParagraph(most)
		p.say(visible(text, most), nil)
		items[i] = p.section()
	}
	return slack.NewRichTextList(slack.RTEListBullet, 0, items...)
}

// visible is shown, with a dash for what cannot be seen.
func visible(text string, most int) string {
	text = shown(text, most)
	for _, r := range text {
		if r != ' ' {
			return text
		}
	}
	return "–"
}
