package grammar

import "strings"

// stray is the mistake of a word that stands alone.
func (p *parser) stray(it pair) *mistake {
	switch w := strings.ToLower(it.key); {
	case it.quoted:
	case w == "and" || w == "where" || w == "with" || w == "&&" || w == "&":
		return p.wrong("All conditions hold together; there is no "+show(it.key)+" between them.", p.instead(it.from, it.to, ""))
	case w == "or" || w == "||" || w == "|":
		return p.wrong("There is no \"or\": ask twice.", strings.TrimSpace(p.text[:it.from]))
	case w == "not":
		return p.wrong("There is no \"not\": conditions say what users have.", p.instead(it.from, it.to, ""))
	case w == reasonKey:
		return p.wrong("The reason needs a = and quotes.", p.joined(it.to, it.to, "="))
	}
	name, together := p.twoWords(it)
	switch {
	case it.quoted:
	case name != "":
		return p.wrong(show(name)+" is one field: write it in one word, or in quotes.", together...)
	case knows(it.key):
		return p.wrong(show(it.key)+" needs a = and a value.", append(together, p.joined(it.to, it.to, "="), p.instead(it.to, it.to, "=…"))...)
	}
	if p.last != nil && len(p.last.values) > 0 {
		last := p.last
		if p.takesList(last.key) {
			return p.wrong(show(it.key)+" stands alone. Commas separate ids, or quotes around them all.",
				p.commas(last.behind), p.instead(it.from, it.to, "company="+word(it.key)))
		}
		if !last.values[0].quoted {
			return p.wrong(show(it.key)+" stands alone. A value with blanks needs quotes.", p.quoteOn(last.behind))
		}
	}
	return p.wrong(show(it.key)+" is neither a field nor part of a value.", p.guesses(it)...)
}

// guesses are texts that a word standing alone may have meant.
func (p *parser) guesses(it pair) []string {
	_, tries := p.twoWords(it)
	for _, f := range []string{"id", "emailAddress", "company"} {
		fits := f == "company" || f == "id" && digits(it.key) || f == "emailAddress" && strings.Contains(strings.TrimPrefix(it.key, "@"), "@")
		if fits {
			tries = append(tries, p.instead(it.from, it.to, f+"="+word(it.key)))
		}
	}
	if p.verb == Update || p.verb == Delete { // never suggest to select more
		return tries
	}
	return append(tries, p.instead(it.from, it.to, ""))
}

// twoWords is the text with a field that was written as two words in one, such as
// First Name=x, and its name unless the second word is a field of its own.
func (p *parser) twoWords(it pair) (name string, tries []string) {
	ahead := parser{text: p.text, at: it.to, verb: p.verb}
	next, ok, m := ahead.next()
	if !ok || m != nil || next.quoted {
		return "", nil
	}
	f, known := field(it.key + next.key)
	if !known {
		return "", nil
	}
	if !knows(next.key) {
		name = it.key + " " + next.key
	}
	return name, []string{p.instead(it.from, next.from+len(next.key), string(f))}
}
