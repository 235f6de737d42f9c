package grammar

import (
	"slices"
	"strings"
)

// TakesNothing reads a verb behind which nothing stands.
func TakesNothing(p *parser, r *Request) *mistake {
	if rest := strings.TrimSpace(p.text[p.at:]); rest != "" {
		return p.wrong(string(r.Verb)+" stands alone; "+show(rest)+" is too much.", string(r.Verb))
	}
	return nil
}

// oneID reads a verb behind which the id of a request stands.
func oneID(p *parser, r *Request) *mistake {
	p.skip(blanks)
	from := p.at
	typed := bareID(p.run(blanks))
	id := strings.ToUpper(typed)
	switch {
	case id == "":
		return p.wrong("Which request? Its id stands on the card.", string(r.Verb)+" K7F3Q")
	case strings.HasPrefix(id, "ID="):
		return p.wrong("The id stands alone, without id=.", p.instead(from, p.at, id[len("ID="):]))
	case !isRequestID(id):
		m := p.wrong(show(typed) + " is no id of a request. They look like K7F3Q.")
		if fixed := strings.NewReplacer("0", "O", "1", "I", "8", "B", "-", "", " ", "").Replace(id); isRequestID(fixed) {
			m.tries = append(m.tries, p.instead(from, p.at, fixed))
		}
		return m
	}
	r.ID = id
	return nil
}

// bareID is an id without what stands around it in a sentence.
func bareID(typed string) string { return strings.Trim(typed, "\"'`#<>.,;:?") }

// isRequestID reports whether an id could be one: at least five characters of
// base32.
func isRequestID(id string) bool {
	return len(id) >= 5 && len(id) <= 26 &&
		!slices.ContainsFunc([]rune(id), func(r rune) bool { return (r < 'A' || r > 'Z') && (r < '2' || r > '7') })
}

// TakesID reads a verb behind which an id stands and nothing else.
func TakesID(p *parser, r *Request) *mistake {
	if m := oneID(p, r); m != nil {
		return m
	}
	end := p.at
	rest := strings.TrimSpace(p.text[end:])
	switch {
	case rest == "":
		return nil
	case strings.HasPrefix(strings.ToLower(rest), reasonKey):
		return p.wrong(string(r.Verb)+" needs no reason.", strings.TrimSpace(p.text[:end]))
	}
	return p.wrong("One request at a time; "+show(rest)+" is too much.", strings.TrimSpace(p.text[:end]))
}

// TakesIDAndReason reads the id of a request, and a reason if there is one.
func TakesIDAndReason(p *parser, r *Request) *mistake {
	if m := oneID(p, r); m != nil {
		return m
	}
	end := p.at
	it, ok, m := p.next()
	switch {
	case m != nil || !ok:
		return m
	case !strings.EqualFold(it.key, reasonKey) || it.sign != "=":
		return p.wrong("Behind the id of a request only a reason can stand.",
			p.text[:end]+" reason="+quoted(strings.TrimSpace(p.text[end:])), strings.TrimSpace(p.text[:end]))
	}
	s := selection{parser: p, to: r, changes: true}
	if m := s.reason(it); m != nil {
		return m
	}
	if it, ok, m := p.next(); m != nil || ok {
		if m == nil {
			m = p.stray(it)
			m.tries = append(m.tries, strings.TrimSpace(p.text[:it.from]))
		}
		return m
	}
	return nil
}

// TakesWhich reads which requests to list.
func TakesWhich(p *parser, r *Request) *mistake {
	words := strings.Fields(p.text[p.at:])
	r.Which = OpenOnes
	if len(words) > 1 {
		return p.wrong("requests takes one word: open, mine or all.", "requests "+strings.ToLower(words[0]), "requests")
	}
	if len(words) == 0 {
		return nil
	}
	switch w := Which(strings.ToLower(words[0])); {
	case w == OpenOnes || w == MyOnes || w == AllOnes:
		r.Which = w
		return nil
	case len(words[0]) == 5 && isRequestID(strings.ToUpper(words[0])):
		return p.wrong(show(words[0])+" looks like the id of a request: use show.", "show "+words[0])
	}
	m := p.wrong("I can list the requests that are open, mine or all, not "+show(words[0])+".", "requests")
	if w, ok := near(words[0], []string{string(OpenOnes), string(MyOnes), string(AllOnes)}); ok {
		m.tries = []string{"requests " + w}
	}
	return m
}

// TakesVerb reads what help is asked about.
func TakesVerb(p *parser, r *Request) *mistake {
	words := strings.Fields(strings.ToLower(p.text[p.at:]))
	switch {
	case len(words) == 0:
		return nil
	case len(words) > 1:
		return p.wrong("help takes one verb.", "help "+words[0], "help")
	}
	if _, ok := p.lookUp(Verb(words[0])); ok {
		r.About = Verb(words[0])
		return nil
	}
	m := p.wrong("There is no verb called "+show(words[0])+" to explain.", "help")
	var names []string
	for _, v := range p.verbs {
		names = append(names, string(v.Name))
	}
	if name, ok := near(words[0], names); ok {
		m.tries = []string{"help " + name}
	}
	return m
}
