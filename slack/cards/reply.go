package cards

import (
	"strings"
	"unicode/utf16"

	"github.com/slack-go/slack"
)

// The longest pieces of a reply.
const (
	maxSection  = 2900
	maxSections = 4
	maxHint     = 2900
)

// Reply renders what one person sees. Both texts are mrkdwn, escaped where they are
// foreign. A long text becomes several sections, parted at line ends.
func Reply(text, hint string) Message {
	text = strings.TrimSpace(strings.ToValidUTF8(text, "?"))
	hint = strings.TrimSpace(strings.ToValidUTF8(hint, "?"))
	var blocks []slack.Block
	for _, piece := range pieces(text) {
		blocks = append(blocks, slack.NewSectionBlock(verbatim(piece), nil, nil))
	}
	if hint != "" {
		blocks = append(blocks, slack.NewContextBlock("", verbatim(ended(hint, maxHint))))
	}
	return Message{Text: ended(strings.TrimSpace(text+"\n"+hint), maxText), Blocks: blocks}
}

// fence begins and ends a stretch of text with a fixed width.
const fence = "```"

// pieces parts a text for the sections of a reply. A fence that would be open at
// the end of a piece is closed there and opened again in the next.
func pieces(text string) []string {
	var list []string
	for text != "" && len(list) < maxSections {
		piece := clip(text, maxSection)
		if text = strings.TrimLeft(text[len(piece):], "\n"); strings.TrimSpace(text) == "" {
			text = ""
		}
		if strings.Count(piece, fence)%2 == 1 {
			piece += "\n" + fence
			if text = strings.TrimPrefix(text, fence); text != "" {
				text = fence + "\n" + text
			}
		}
		list = append(list, piece)
	}
	if text != "" {
		list[len(list)-1] += "\n…"
	}
	return list
}

// verbatim is mrkdwn in which Slack finds no mentions or links of its own.
func verbatim(text string) *slack.TextBlockObject {
	return slack.NewTextBlockObject(slack.MarkdownType, text, false, true)
}

// ended shortens mrkdwn to most, the last of it an ellipsis.
func ended(text string, most int) string {
	if short := clip(text, most); len(short) < len(text) {
		return clip(text, most-1) + "…"
	}
	return text
}

// clip is the longest good beginning of a mrkdwn text: up to a line end, else up to
// a blank, else anywhere but inside <…> or &…;. It is never empty.
func clip(text string, most int) string {
	fits := prefix(text, most)
	if fits == text {
		return text
	}
	if i := opened(fits); i > 0 {
		fits = fits[:i]
	}
	for _, at := range []string{"\n", " "} {
		if i := strings.LastIndex(fits, at); i > len(fits)/2 && opened(fits[:i]) < 0 {
			return fits[:i]
		}
	}
	return fits
}

// opened is where a <…> or &…; begins that the end of the text cuts through, or -1.
func opened(text string) int {
	if i := strings.LastIndex(text, "<"); i > strings.LastIndex(text, ">") {
		return i
	}
	if i := strings.LastIndex(text, "&"); i > strings.LastIndex(text, ";") && i >= len(text)-len("&amp") {
		return i
	}
	return -1
}

// prefix is the longest prefix of at most so many UTF-16 units.
func prefix(text string, most int) string {
	n := 0
	for i, r := range text {
		if n += utf16.RuneLen(r); n > most {
			return text[:i]
		}
	}
	return text
}

// Entry renders a line of the trail: a block with exactly the sentence, whose
// hash stands in the entry, and below it the small line of the chain, such as
// "#128 9f3ac1 ← 77b0de". Nothing is cleaned or cut here: audit did.
func Entry(sentence, line string) Message {
	exact := slack.NewTextBlockObject(slack.PlainTextType, sentence, false, false)
	return Message{
		Text: ended(escaper.Replace(sentence), maxText),
		Blocks: []slack.Block{
			slack.NewSectionBlock(exact, nil, nil),
			slack.NewContextBlock("", plain(line, maxLine, "–")),
		},
	}
}
