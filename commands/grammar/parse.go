package grammar

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Command is what stands before every text that is typed.
const Command = "/qualys-users"

// longest is how many characters a command may have: 300 ids fit easily.
const longest = 12_000

// A UsageError is a command, or a field of a form, that was not understood. Both
// of its sentences are plain text, shown to the person who typed it.
type UsageError struct {
	Problem string // what is wrong: `There is no field called "compny".`
	Hint    string // what to type instead; of a command always, and a whole one: "/qualys-users find company=Acme"
}

func (e *UsageError) Error() string {
	if e.Hint == "" {
		return e.Problem
	}
	return e.Problem + " Try: " + e.Hint
}

// A Shape is what may stand behind a verb; the functions called Takes… are the
// shapes there are. It fills in the request.
type Shape func(p *parser, r *Request) *mistake

// A Spec is a verb as the grammar knows it.
type Spec struct {
	Name    Verb
	Takes   Shape
	Example string // the plainest command with it, for hints
}

// Parse reads a command of these verbs. Nothing at all asks for help. Any error
// is a [*UsageError], and what its hint says is understood.
func Parse(text string, verbs []Spec) (Request, error) {
	r, m := Request{}, &mistake{problem: "There is a broken character in the command.", tries: []string{strings.ToValidUTF8(text, "")}}
	if utf8.ValidString(text) {
		r, m = parse(strings.TrimSpace(normal(text)), verbs)
	}
	if m == nil {
		return r, nil
	}
	hint, ok := mend(m.tries, 3, func(text string) *mistake { return understood(text, verbs) })
	switch {
	case m.form:
		hint = string(m.verb)
	case !ok:
		hint = example(m.verb, verbs)
	}
	return Request{}, &UsageError{Problem: m.problem, Hint: Command + " " + sent(hint)}
}

// A mistake is what is wrong with a command, and texts that may have been
// meant. The first of them that is understood becomes the hint.
type mistake struct {
	verb    Verb
	problem string
	tries   []string
	form    bool // the form of the verb is the way: the hint opens it
}

// mend finds a text that can be read: one of the tries, or what its own mistake
// suggests in turn.
func mend(tries []string, depth int, read func(string) *mistake) (string, bool) {
	if depth == 0 {
		return "", false
	}
	for _, text := range tries {
		m := read(text)
		if m == nil {
			return text, true
		}
		if text, ok := mend(m.tries, depth-1, read); ok {
			return text, true
		}
	}
	return "", false
}

// understood reports what is wrong with a whole command as a hint: besides the
// grammar's own mistakes, that it would only open a form.
func understood(text string, verbs []Spec) *mistake {
	r, m := parse(text, verbs)
	if m == nil && r.Bare() {
		return &mistake{}
	}
	return m
}

// example is a command that shows how the verb is used.
func example(v Verb, verbs []Spec) string {
	p := parser{verbs: verbs}
	if known, ok := p.lookUp(v); ok {
		return known.Example
	}
	return string(Help)
}

func (p *parser) lookUp(name Verb) (Spec, bool) {
	for _, v := range p.verbs {
		if v.Name == name {
			return v, true
		}
	}
	return Spec{}, false
}

// parse reads text that was made normal.
func parse(text string, verbs []Spec) (Request, *mistake) {
	if what, ok := unseen(text); ok {
		return Request{}, &mistake{problem: "There is " + what + " in the command.", tries: []string{Visible(text)}}
	}
	if n := utf8.RuneCountInString(text); n > longest {
		return Request{}, &mistake{problem: "The command is too long for me to read."}
	}
	text = strings.TrimSpace(strings.TrimPrefix(text, Command))
	p := &parser{text: text, verbs: verbs}
	first := p.run(" \n")
	if first == "" {
		return Request{Verb: Help}, nil
	}
	verb, ok := p.lookUp(Verb(strings.ToLower(first)))
	if !ok {
		return Request{}, p.unknownVerb(first)
	}
	p.verb = verb.Name
	r := Request{Verb: verb.Name}
	if m := verb.Takes(p, &r); m != nil {
		m.verb = verb.Name
		return Request{}, m
	}
	return r, nil
}

// synonyms are first words that people try. They are not accepted, because one
// thing has one word here, but they are understood.
var synonyms = map[string]Verb{
	"list": Find, "search": Find, "get": Find, "users": Find, "export": Download, "csv": Download,
	"remove": Delete, "rm": Delete, "del": Delete, "drop": Delete, "purge": Delete,
	"change": Update, "edit": Update, "rename": Update, "modify": Update, "set": Update,
	"status": Requests, "pending": Requests, "history": Requests, "abort": Cancel, "?": Help, "hilfe": Help,
	"revoke": Withdraw, "unapprove": Withdraw, "redo": Retry, "rerun": Retry, "again": Retry,
	"revert": Undo, "rollback": Undo, "restore": Undo, "halt": Stop, "kill": Stop, "interrupt": Stop,
	"continue": Resume, "proceed": Resume, "pause": Freeze, "lock": Freeze, "thaw": Unfreeze, "unlock": Unfreeze,
	"who": Whoami, "me": Whoami,
}

// buttons are first words for what can only be pressed: whoever decides has the
// card before their eyes.
var buttons = []string{"approve", "approved", "accept", "confirm", "reject", "rejected", "deny", "decline"}

func (p *parser) unknownVerb(first string) *mistake {
	rest := p.text[p.at:]
	m := &mistake{verb: Help}
	if strings.ContainsAny(first, `=~`) {
		m.problem = "A command begins with a verb, such as find."
		m.tries = []string{string(Find) + " " + p.text}
		return m
	}
	if slices.Contains(buttons, strings.ToLower(first)) {
		m.problem = "Approve and Reject are buttons on the card."
		m.tries = []string{string(Requests)}
		for _, typed := range strings.Fields(rest) {
			if id := strings.ToUpper(bareID(typed)); len(id) == 5 && isRequestID(id) {
				m.tries = []string{string(Show) + " " + id}
				break
			}
		}
		return m
	}
	m.problem = "There is no command called " + show(first) + "."
	meant, ok := synonyms[strings.ToLower(first)]
	if !ok {
		var names []string
		for _, v := range p.verbs {
			names = append(names, string(v.Name))
		}
		var name string
		name, ok = near(first, names)
		meant = Verb(name)
	}
	if ok {
		m.verb = meant
		m.tries = []string{string(meant) + rest, string(meant)}
	}
	return m
}

// show is foreign text as a problem quotes it.
func show(text string) string { return `"` + OneLine(text, 40) + `"` }
