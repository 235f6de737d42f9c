package grammar

import (
	"slices"
	"strings"

	"countersign/qualys"
)

// A parser reads the text of one command from left to right.
type parser struct {
	text string
	at   int // the next byte
	verb Verb
	last *pair // the pair before the one being read

	verbs []Spec
}

// A pair is "field=value", or a word that stands alone.
type pair struct {
	key    string
	quoted bool    // the key stood in quotes
	sign   string  // "=" or "~"; empty for a word that stands alone
	values []value // for a word that stands alone: none

	from, to int // where it stands
	behind   int // where its value begins
}

// A value is one value, or one element of a list.
type value struct {
	text   string
	quoted bool
}

const (
	blanks = " \n"
	signs  = "=~!<>:"
)

// run reads up to the next of some characters, or to the end.
func (p *parser) run(until string) string {
	n := strings.IndexAny(p.text[p.at:], until)
	if n < 0 {
		n = len(p.text) - p.at
	}
	p.at += n
	return p.text[p.at-n : p.at]
}

// skip passes over some characters.
func (p *parser) skip(over string) string {
	rest := strings.TrimLeft(p.text[p.at:], over)
	from := p.at
	p.at = len(p.text) - len(rest)
	return p.text[from:p.at]
}

func (p *parser) peek() byte {
	if p.at < len(p.text) {
		return p.text[p.at]
	}
	return 0
}

// wrong makes a mistake, with texts that may have been meant.
func (p *parser) wrong(problem string, tries ...string) *mistake {
	return &mistake{verb: p.verb, problem: problem, tries: tries}
}

// instead is the text with another one in the place of a part. In the place of
// nothing stands one blank.
func (p *parser) instead(from, to int, text string) string {
	if strings.Trim(text, " ") == "" {
		return p.joined(from, to, " ")
	}
	return strings.TrimSpace(p.text[:from] + text + p.text[to:])
}

// joined is instead without the blanks around the part.
func (p *parser) joined(from, to int, text string) string {
	return strings.TrimSpace(strings.TrimRight(p.text[:from], blanks) + text + strings.TrimLeft(p.text[to:], blanks))
}

// next reads one pair. It is not ok at the end.
func (p *parser) next() (pair, bool, *mistake) {
	p.skip(blanks)
	if p.at == len(p.text) {
		return pair{}, false, nil
	}
	it := pair{from: p.at}
	if m := p.key(&it); m != nil {
		return it, false, m
	}
	end := p.at
	p.skip(blanks)
	sign, m := p.sign(it)
	if m != nil {
		return it, false, m
	}
	if sign == "" {
		p.at = end
		it.to, it.behind = end, end
		return it, true, nil
	}
	it.sign, it.behind = sign, p.at
	if p.skip(blanks) != "" && p.pairAhead() { // title= reason="…"
		p.at, it.to, it.values = it.behind, it.behind, []value{{}}
		p.last = &it
		return it, true, nil
	}
	it.behind = p.at
	if m := p.values(&it); m != nil {
		return it, false, m
	}
	it.to = p.at
	p.last = &it
	return it, true, nil
}

// key reads the left side of a pair.
func (p *parser) key(it *pair) *mistake {
	from := p.at
	switch c := p.peek(); {
	case c == ',' || c == ';':
		return p.wrong("A blank is enough between conditions, there is no comma.", p.instead(from, from+1, " "))
	case strings.IndexByte(signs, c) >= 0:
		return p.wrong("A "+show(p.skip(signs))+" stands without a field before it.", p.instead(from, p.at, " "))
	case c == '"':
		text, m := p.quote(c)
		it.key, it.quoted = text, true
		return m
	}
	it.key = p.run(blanks + signs + `",`)
	if trimmed := strings.TrimLeft(it.key, "-"); trimmed != "" { // --reason="…"
		it.key = trimmed
	}
	if it.key == "" || p.peek() == '"' {
		return p.wrong("There is no = before a quote.", p.instead(p.at, p.at, "="))
	}
	return nil
}

// strange are words that people put between field and value.
var strange = map[string]string{
	"is": "=", "equals": "=", "eq": "=", "like": "~", "includes": "~", "has": "~", "in": "=", "to": "=",
}

// sign reads what stands between field and value: nothing, if the key is a word
// that stands alone.
func (p *parser) sign(it pair) (string, *mistake) {
	from := p.at
	if s := p.skip(signs); s != "" {
		switch {
		case s == "=" || s == "~":
			return s, nil
		case s[0] == '!' || s == "<>":
			return "", p.wrong("There is no \"not\": conditions say what users have.", p.joined(from, p.at, "="))
		case strings.Contains(s, "~"):
			return "", p.wrong("There is no sign "+show(s)+", only = and ~.", p.joined(from, p.at, "~"))
		}
		return "", p.wrong("There is no sign "+show(s)+", only = and ~.", p.joined(from, p.at, "="))
	}
	if _, known := field(it.key); !known && !strings.EqualFold(it.key, reasonKey) {
		return "", nil
	}
	w := strings.ToLower(p.run(blanks + signs))
	to := p.at
	follows := strings.TrimLeft(p.text[p.at:], blanks)
	if w == "contains" && !strings.HasPrefix(follows, "=") && !strings.HasPrefix(follows, "~") {
		return "~", nil
	}
	p.at = from
	if s, ok := strange[w]; ok && follows != "" && strings.IndexByte(signs, follows[0]) < 0 {
		return "", p.wrong("Between field and value stands = or ~, not "+show(w)+".", p.joined(from, to, s))
	}
	return "", nil
}

// takesList reports whether commas separate the values behind a key.
func (p *parser) takesList(key string) bool {
	if p.verb == Download {
		return strings.EqualFold(key, "role") || strings.EqualFold(key, "roles")
	}
	f, ok := field(key)
	return ok && numbers(f)
}

// values reads the right side of a pair.
func (p *parser) values(it *pair) *mistake {
	many := p.takesList(it.key)
	for {
		before := len(it.values)
		if m := p.value(it, many); m != nil {
			return m
		}
		if !many {
			return nil
		}
		end := p.at
		between := p.skip(blanks + ",")
		comma := strings.Contains(between, ",")
		numbered := strings.Contains(between, "\n") && p.peek() >= '0' && p.peek() <= '9' && len(it.values) > before
		if !comma && !numbered {
			p.at = end
			return nil
		}
		if p.at == len(p.text) {
			return nil
		}
	}
}

// value reads one value, or one element of a list.
func (p *parser) value(it *pair, many bool) *mistake {
	switch c := p.peek(); {
	case c == 0:
		return p.wrong(show(it.key)+" has no value behind it.", p.text+"…", p.text+"1")
	case c == '"', c == '\'' && p.closes(many):
		text, m := p.quote(c)
		it.values = append(it.values, value{text, true})
		return m
	}
	from := p.at
	until := blanks
	if many {
		until += ","
	}
	text := p.run(until)
	if text == "" {
		return nil // an empty element
	}
	if i := strings.IndexByte(text, '"'); i >= 0 {
		return p.wrong("A quote stands in the middle of "+show(text)+".",
			p.instead(from, p.at, quoted(text)), p.instead(from, p.at, quoted(strings.ReplaceAll(text, `"`, ""))))
	}
	if f, _ := field(it.key); f == qualys.TagName && strings.Contains(text, ",") && digits(strings.ReplaceAll(text, ",", "")) {
		return p.wrong(show(it.key)+" is the name of a tag; tags.tag.id takes ids, and a list of them.",
			p.instead(it.from, it.behind, string(qualys.TagID)+"="), p.quoteOn(from))
	}
	if strings.Contains(text, ",") {
		return p.wrong("There is a comma in "+show(text)+": quote it if it is one value.", p.quoteOn(from))
	}
	it.values = append(it.values, value{text: text})
	return nil
}

// closes reports whether the apostrophe at this place is the first of two that
// quote a value, and not the one of 't Hooft.
func (p *parser) closes(many bool) bool {
	rest := p.text[p.at+1:]
	end := strings.IndexByte(rest, '\'')
	return end >= 0 && (end+1 == len(rest) || strings.IndexByte(blanks, rest[end+1]) >= 0 || many && rest[end+1] == ',')
}

// quote reads a quoted text. Between double quotes \" is a quote and \\ a
// backslash.
func (p *parser) quote(mark byte) (string, *mistake) {
	from := p.at
	var b strings.Builder
	for p.at++; p.at < len(p.text); p.at++ {
		c := p.text[p.at]
		if c == '\\' && mark == '"' && p.at+1 < len(p.text) && strings.IndexByte(`"\`, p.text[p.at+1]) >= 0 {
			p.at++
			b.WriteByte(p.text[p.at])
			continue
		}
		if c != mark {
			b.WriteByte(c)
			continue
		}
		p.at++
		if next := p.peek(); next != 0 && strings.IndexByte(blanks+signs+",", next) < 0 {
			return "", p.wrong("Something follows a closing quote without a blank.", p.instead(p.at, p.at, " "))
		}
		return strings.TrimSpace(b.String()), nil
	}
	return "", p.wrong("A quote is opened and never closed.", p.text+string(mark), p.instead(from, from+1, ""))
}

// quoteOn is the text with everything that reads like one value from a place
// on in quotes.
func (p *parser) quoteOn(from int) string {
	end := p.stretch(from)
	return p.instead(from, end, quoted(strings.Trim(p.text[from:end], ` ",`)))
}

// commas is the text with commas between everything that reads like one list
// from a place on.
func (p *parser) commas(from int) string {
	end := p.stretch(from)
	elements := strings.FieldsFunc(p.text[from:end], func(r rune) bool { return strings.ContainsRune(blanks+`,"`, r) })
	return p.instead(from, end, strings.Join(elements, ","))
}

// stretch returns where the words from a place on end: before the next pair,
// before set, or at the end.
func (p *parser) stretch(from int) int {
	rest := parser{text: p.text, at: from}
	end := from
	for rest.at < len(rest.text) {
		rest.skip(blanks)
		start := rest.at
		key := rest.run(blanks + signs + `"`)
		if start > from && (strings.EqualFold(key, "set") || rest.begins(key)) {
			break
		}
		rest.run(blanks)
		end = rest.at
	}
	return end
}

// begins reports whether a pair begins with this key, which was just read.
func (p *parser) begins(key string) bool {
	follows := strings.TrimLeft(p.text[p.at:], blanks)
	return key != "" && follows != "" && strings.IndexByte("=~", follows[0]) >= 0
}

// pairAhead reports whether a pair with a name we know begins here.
func (p *parser) pairAhead() bool {
	ahead := parser{text: p.text, at: p.at}
	key := ahead.run(blanks + signs + `",`)
	known := knows(key) || strings.EqualFold(key, reasonKey)
	if p.verb == Download {
		_, known = settings[squeeze(key)]
	}
	return known && ahead.begins(key)
}

func knows(name string) bool {
	_, ok := field(name)
	return ok
}

func digits(s string) bool {
	return s != "" && !slices.ContainsFunc([]rune(s), func(r rune) bool { return r < '0' || r > '9' })
}
