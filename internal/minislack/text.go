package minislack

import (
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
)

// units counts a text as Slack's limits are counted here: in UTF-16 units.
func units(text string) int { return len(utf16.Encode([]rune(text))) }

// A parsing says what Slack makes of text that is not marked up.
type parsing struct {
	links    bool // bare URLs become links
	mentions bool // bare @here becomes a mention
	emoji    bool // emoji become :names:
}

var (
	angled   = regexp.MustCompile(`<(?:[@#!][^<>]+|(?:https?://|mailto:|tel:)[^<>]+)>`)
	bareURL  = regexp.MustCompile(`https?://[^\s<>"|]*[^\s<>"|.,;:!?)'\]]`)
	bareHere = regexp.MustCompile(`(^|[^\w@/.])@(here|channel|everyone)\b`)
	entity   = regexp.MustCompile(`&(amp;|lt;|gt;)?`)
	wide     = regexp.MustCompile(`<!(channel|here|everyone)(\|[^>]*)?>`)
)

// emojiNames are some emoji and how Slack spells them.
var emojiNames = strings.NewReplacer(
	"✅", ":white_check_mark:", "❌", ":x:", "⚠️", ":warning:", "⚠", ":warning:", "🔒", ":lock:",
	"👍", ":+1:", "👎", ":-1:", "🎉", ":tada:", "⏳", ":hourglass_flowing_sand:", "🛑", ":octagonal_sign:",
	"🚨", ":rotating_light:", "🔍", ":mag:", "📄", ":page_facing_up:", "🙂", ":slightly_smiling_face:",
	"🟢", ":large_green_circle:", "🔴", ":red_circle:", "🟡", ":large_yellow_circle:", "🚫", ":no_entry_sign:",
)

var encoder = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

var decoder = strings.NewReplacer("&amp;", "&", "&lt;", "<", "&gt;", ">")

// encodeLiteral encodes text in which nothing is markup. decode gives it back.
func encodeLiteral(text string) string { return encoder.Replace(text) }

// decode undoes the encoding of & < > once.
func decode(text string) string { return decoder.Replace(text) }

// encodeMarkup stores text in which <…> is markup: what is not becomes encoded,
// and what Slack recognises by itself is marked up.
func encodeMarkup(text string, p parsing) string {
	var out strings.Builder
	rest := text
	for {
		at := angled.FindStringIndex(rest)
		if at == nil {
			break
		}
		out.WriteString(encodePlain(rest[:at[0]], p))
		out.WriteString(rest[at[0]:at[1]])
		rest = rest[at[1]:]
	}
	out.WriteString(encodePlain(rest, p))
	return out.String()
}

// encodePlain is encodeMarkup for a stretch without markup.
func encodePlain(text string, p parsing) string {
	text = entity.ReplaceAllStringFunc(text, func(found string) string {
		if found == "&" {
			return "&amp;"
		}
		return found
	})
	text = strings.NewReplacer("<", "&lt;", ">", "&gt;").Replace(text)
	if p.mentions {
		text = bareHere.ReplaceAllString(text, "$1<!$2>")
	}
	if p.links {
		text = bareURL.ReplaceAllString(text, "<$0>")
	}
	if p.emoji {
		text = emojiNames.Replace(text)
	}
	return text
}

// wideMentions are the words in stored text that notify a whole channel.
func wideMentions(stored string) []string {
	var words []string
	for _, m := range wide.FindAllStringSubmatch(stored, -1) {
		words = append(words, m[1])
	}
	return words
}

// A reader turns stored text into what a person reads.
type reader struct {
	w    *workspace
	zone *time.Location
}

// plain reads plain_text.
func (r reader) plain(stored string) string { return decode(stored) }

var (
	boldMark   = regexp.MustCompile(`(^|[\s(>])\*([^\s*](?:[^*\n]*[^\s*])?)\*($|[\s.,:;!?)<])`)
	italicMark = regexp.MustCompile(`(^|[\s(>])_([^\s_](?:[^_\n]*[^\s_])?)_($|[\s.,:;!?)<])`)
	codeMark   = regexp.MustCompile("`([^`\n]+)`")
)

// markup reads mrkdwn: mentions become names, links their labels, dates a local
// time; the marks of bold, italic and code disappear.
func (r reader) markup(stored string) string {
	var out strings.Builder
	rest := stored
	for {
		at := angled.FindStringIndex(rest)
		if at == nil {
			break
		}
		out.WriteString(unmarked(rest[:at[0]]))
		out.WriteString(r.token(rest[at[0]+1 : at[1]-1]))
		rest = rest[at[1]:]
	}
	out.WriteString(unmarked(rest))
	return out.String()
}

func unmarked(text string) string {
	text = strings.ReplaceAll(text, "```", "")
	for _, mark := range []*regexp.Regexp{boldMark, italicMark} {
		text = mark.ReplaceAllString(text, "$1$2$3")
	}
	return decode(codeMark.ReplaceAllString(text, "$1"))
}

// token reads what stands between < and >.
func (r reader) token(inside string) string {
	target, label, labelled := strings.Cut(inside, "|")
	switch {
	case strings.HasPrefix(target, "!date^"):
		return r.date(target, label)
	case strings.HasPrefix(target, "!subteam^"):
		id := strings.TrimPrefix(target, "!subteam^")
		if g := r.w.group(id); g != nil {
			return "@" + g.Handle
		}
		return "@" + id
	case strings.HasPrefix(target, "!"):
		return "@" + target[1:]
	case strings.HasPrefix(target, "@"):
		if p := r.w.person(target[1:]); p != nil {
			return "@" + p.Name
		}
		return target
	case strings.HasPrefix(target, "#"):
		if room := r.w.room(target[1:]); room != nil {
			return "#" + room.Name
		}
		return target
	case labelled:
		return decode(label)
	}
	return decode(target)
}

// date reads !date^unix^format^link in the reader's zone; its label is what to
// show when that fails.
func (r reader) date(target, fallback string) string {
	parts := strings.Split(target, "^")
	if len(parts) < 3 {
		return decode(fallback)
	}
	unix, err := strconv.ParseInt(parts[1], 10, 64)
	if err != nil {
		return decode(fallback)
	}
	at, now := time.Unix(unix, 0).In(r.zone), time.Now().In(r.zone)
	pretty := func(layout string) string {
		switch at.Format(time.DateOnly) {
		case now.Format(time.DateOnly):
			return "today"
		case now.AddDate(0, 0, 1).Format(time.DateOnly):
			return "tomorrow"
		case now.AddDate(0, 0, -1).Format(time.DateOnly):
			return "yesterday"
		}
		return at.Format(layout)
	}
	return decode(strings.NewReplacer(
		"{date_num}", at.Format(time.DateOnly),
		"{date_short_pretty}", pretty("Jan 2, 2006"), "{date_long_pretty}", pretty("Monday, January 2, 2006"),
		"{date_pretty}", pretty("January 2, 2006"), "{date_short}", at.Format("Jan 2, 2006"),
		"{date_long}", at.Format("Monday, January 2, 2006"), "{date}", at.Format("January 2, 2006"),
		"{time_secs}", at.Format("15:04:05"), "{time}", at.Format("15:04"),
	).Replace(parts[2]))
}
