package grammar

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"countersign/audit"
	"countersign/qualys"
)

const (
	reasonKey = "reason"
	clearing  = "clear" // unquoted and behind set, it empties a field

	idsAtMost   = 300 // in one command or form
	partShown   = 3   // of too many ids, in a hint
	ValueAtMost = 255 // characters
)

// ReasonAtMost is how many characters a reason may have.
const ReasonAtMost = 500

// A selection reads what stands behind find, count, update and delete.
type selection struct {
	*parser
	to        *Request
	changes   bool // the verb changes users: it takes a reason
	form      bool // the text is one field of a form
	inSet     bool // set was read
	setAt     int
	lastAt    int // where the last condition stands
	hasReason bool
}

// TakesSelection reads conditions, and for verbs that change users a reason and,
// for update, the new values.
func TakesSelection(p *parser, r *Request) *mistake {
	s := selection{parser: p, to: r, changes: p.verb == Update || p.verb == Delete}
	if m := s.all(); m != nil {
		return m
	}
	r.Set = qualys.NewChange(r.Set...)
	if len(r.Set) == 0 {
		r.Set = nil
	}
	if !s.changes || r.Bare() && !s.inSet && !s.hasReason {
		return nil
	}
	return s.complete()
}

func (s *selection) all() *mistake {
	for {
		it, ok, m := s.next()
		if m != nil || !ok {
			return m
		}
		if m := s.take(it); m != nil {
			return m
		}
	}
}

func (s *selection) take(it pair) *mistake {
	switch {
	case it.sign == "" && !it.quoted && strings.EqualFold(it.key, "set"):
		return s.set(it)
	case it.sign == "":
		return s.alone(it)
	case !it.quoted && strings.EqualFold(it.key, reasonKey):
		return s.reason(it)
	}
	f, known := field(it.key)
	if !known {
		return s.unknownField(it)
	}
	if s.inSet {
		return s.change(f, it)
	}
	return s.condition(f, it)
}

// alone is the mistake of a word alone, where only this verb knows better.
func (s *selection) alone(it pair) *mistake {
	switch w := strings.ToLower(it.key); {
	case (w == "all" || w == "*" || w == "everyone" || w == "everybody") && !s.changes:
		return s.wrong("Without a condition it is everybody already.", s.instead(it.from, it.to, ""))
	case w == "all" || w == "*" || w == "everyone" || w == "everybody":
		return s.wrong(fmt.Sprintf("I never %s everybody. Say which users.", s.verb),
			s.instead(it.from, it.to, "company=NewVendor"))
	}
	return s.stray(it)
}

func (s *selection) set(it pair) *mistake {
	switch {
	case s.form:
		return s.wrong("The new values have a field of their own, without \"set\".", s.instead(it.from, it.to, ""))
	case s.verb != Update:
		return s.wrong(fmt.Sprintf("%q belongs to update; %s changes no values.", "set", s.verb),
			s.instead(0, len(s.verb), string(Update)), strings.TrimSpace(s.text[:it.from]))
	case s.inSet:
		return s.wrong("\"set\" stands once, before all new values.", s.instead(it.from, it.to, ""))
	}
	s.inSet, s.setAt = true, it.from
	s.last = nil
	return nil
}

func (s *selection) reason(it pair) *mistake {
	v := it.values[0]
	switch {
	case s.form:
		return s.wrong("The reason has a field of its own.", s.instead(it.from, it.to, ""))
	case !s.changes:
		return s.wrong(fmt.Sprintf("%s only reads and needs no reason.", s.verb), s.instead(it.from, it.to, ""))
	case s.hasReason:
		return s.wrong("There are two reasons.", s.instead(it.from, it.to, ""))
	case it.sign == "~":
		return s.wrong("The reason is given with =.", s.instead(it.from, it.to, "reason="+quoted(v.text)))
	case v.text == "":
		return s.wrong("The reason is empty.", s.instead(it.from, it.to, `reason="…"`))
	case strings.Contains(v.text, "\n"):
		return s.wrong("The reason stands on more than one line.",
			s.instead(it.from, it.to, "reason="+quoted(OneLine(v.text, ReasonAtMost))))
	case utf8.RuneCountInString(v.text) > ReasonAtMost:
		return s.wrong(fmt.Sprintf("The reason is longer than %d characters.", ReasonAtMost),
			s.instead(it.from, it.to, "reason="+quoted(OneLine(v.text, ReasonAtMost))))
	}
	s.hasReason, s.to.Reason = true, v.text
	return nil
}

func (s *selection) unknownField(it pair) *mistake {
	m := s.wrong("There is no field called " + show(it.key) + ".")
	if f, ok := nearField(it.key); ok {
		m.tries = append(m.tries, s.instead(it.from, it.from+s.keyLength(it), string(f)))
	}
	if _, ok := near(it.key, []string{reasonKey}); ok {
		m.tries = append(m.tries, s.instead(it.from, it.from+s.keyLength(it), reasonKey))
	}
	fields := qualys.Fields
	if s.inSet {
		fields = qualys.Writable
	}
	m.problem += " There are " + fieldNames(fields) + "."
	return m
}

// keyLength is how many bytes the key of a pair takes, quotes included.
func (s *selection) keyLength(it pair) int {
	head := s.text[it.from:it.behind]
	if i := strings.LastIndexAny(head, "=~"); i >= 0 {
		head = head[:i]
	} else { // field contains value
		head = strings.TrimRight(head, blanks)
		head = head[:len(head)-len("contains")]
	}
	return len(strings.TrimRight(head, blanks))
}

func (s *selection) condition(f qualys.Field, it pair) *mistake {
	if slices.ContainsFunc(s.to.Filter, func(c qualys.Condition) bool { return c.Field == f }) {
		m := s.wrong(fmt.Sprintf("%s stands twice.", f), s.instead(it.from, it.to, ""))
		if s.verb == Update {
			m.tries = append([]string{s.instead(it.from, it.from, "set ")}, m.tries...)
		}
		return m
	}
	op := qualys.Equals
	if it.sign == "~" {
		op = qualys.Contains
	}
	if !slices.Contains(f.Operators(), op) {
		return s.wrong(fmt.Sprintf("%s is compared with =; ~ is for texts.", f),
			s.instead(it.from, it.behind, string(f)+"="))
	}
	c := qualys.Condition{Field: f, Operator: op}
	if numbers(f) {
		ids, m := s.ids(f, it)
		if m != nil {
			return m
		}
		c.Values = ids
		if len(ids) > 1 {
			c.Operator = qualys.In
		}
	} else {
		text, m := s.single(f, it)
		if m != nil {
			return m
		}
		c.Values = []string{text}
	}
	s.to.Filter, s.lastAt = append(s.to.Filter, c), it.from
	return nil
}

// ids reads the values of a field that holds numbers: each once, in the order
// in which they stand.
func (s *selection) ids(f qualys.Field, it pair) ([]string, *mistake) {
	var ids []string
	for _, v := range it.values {
		for _, id := range strings.FieldsFunc(v.text, func(r rune) bool { return strings.ContainsRune(" ,;\n", r) }) {
			n, err := qualys.ParseSAQUserID(id)
			if err != nil {
				return nil, s.badID(f, id, it)
			}
			if id := strconv.FormatInt(int64(n), 10); !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	switch {
	case len(ids) == 0:
		return nil, s.wrong(fmt.Sprintf("%s has no number behind it.", f), s.instead(it.from, it.to, string(f)+"=1"))
	case len(ids) > idsAtMost:
		return nil, s.tooMany(f, ids, it)
	}
	return ids, nil
}

// tooMany sends those who change many users to the form, which takes a file of
// their ids. Whoever only looks, or names tags, has to ask in parts.
func (s *selection) tooMany(f qualys.Field, ids []string, it pair) *mistake {
	these := "These are " + audit.Plural(len(ids), "number")
	switch {
	case s.changes && f == qualys.ID && s.form:
		return s.wrong(fmt.Sprintf("%s, and this field takes %d. Choose a CSV of ids below.", these, idsAtMost))
	case s.changes && f == qualys.ID:
		m := s.wrong(fmt.Sprintf("%s, and a command takes %d. The form takes a CSV of ids.", these, idsAtMost))
		m.form = true
		return m
	}
	return s.wrong(fmt.Sprintf("%s, and one request takes %d. Ask in parts.", these, idsAtMost),
		s.instead(it.from, it.to, string(f)+"="+strings.Join(ids[:partShown], ",")))
}

func (s *selection) badID(f qualys.Field, id string, it pair) *mistake {
	m := s.wrong(fmt.Sprintf("%s is no number, and %s is one.", show(id), f))
	if key, _, ok := strings.Cut(id, "="); ok {
		if _, known := field(key); known || strings.EqualFold(key, reasonKey) {
			m.problem = "A blank is enough between conditions, there is no comma."
			at := it.from + strings.Index(s.text[it.from:it.to], id)
			m.tries = []string{strings.TrimRight(s.text[:at], blanks+",") + " " + s.text[at:]}
			return m
		}
	}
	if f == qualys.TagID {
		m.tries = []string{s.instead(it.from, it.to, string(qualys.TagName)+"="+word(id))}
	}
	if n := onlyDigits(id); n != "" {
		m.tries = append(m.tries, s.instead(it.from, it.to, string(f)+"="+n))
	}
	if strings.Contains(id, "@") {
		m.tries = append([]string{s.instead(it.from, it.to, string(qualys.EmailAddress)+"="+word(id))}, m.tries...)
	}
	return m
}

func onlyDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}

// single reads the one text of a pair.
func (s *selection) single(f qualys.Field, it pair) (string, *mistake) {
	v := it.values[0]
	head := s.text[it.from:it.behind]
	switch {
	case v.text == "" && s.inSet:
		return "", s.wrong(fmt.Sprintf("The new %s is empty. To empty a field, write clear.", f), s.instead(it.from, it.to, head+clearing))
	case v.text == "":
		return "", s.wrong(fmt.Sprintf("The value of %s is empty.", f), s.instead(it.from, it.to, head+"…"))
	case strings.Contains(v.text, "\n"):
		return "", s.wrong(fmt.Sprintf("The value of %s stands on more than one line.", f),
			s.instead(it.from, it.to, head+quoted(OneLine(v.text, ValueAtMost))))
	case utf8.RuneCountInString(v.text) > ValueAtMost:
		return "", s.wrong(fmt.Sprintf("The value of %s is longer than %d characters.", f, ValueAtMost),
			s.instead(it.from, it.to, head+quoted(OneLine(v.text, ValueAtMost))))
	case !v.quoted && strings.ContainsAny(v.text, "*%") && !s.inSet && f != qualys.UUID:
		return "", s.wrong("There are no wildcards; ~ finds a part of a text.",
			s.instead(it.from, it.to, string(f)+"~"+word(strings.Trim(v.text, "*%"))), s.instead(it.from, it.to, head+quoted(v.text)))
	}
	if f == qualys.UUID && !uuidShape.MatchString(v.text) {
		m := s.wrong(show(v.text) + " is no UUID, such as d78bbe2c-5396-48ea-92cc-03d0076ee839.")
		if digits(v.text) {
			m.tries = []string{s.instead(it.from, it.to, "id="+v.text)}
		}
		return "", m
	}
	return v.text, nil
}

// uuidShape is how Qualys writes a UUID.
var uuidShape = regexp.MustCompile(`^(?i)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

func (s *selection) change(f qualys.Field, it pair) *mistake {
	switch {
	case !slices.Contains(qualys.Writable, f):
		return s.wrong(fmt.Sprintf("%s cannot be changed, only %s.", f, fieldNames(qualys.Writable)),
			s.instead(it.from, it.to, ""), moved(s.text, s.setAt, it.from, it.to))
	case slices.ContainsFunc(s.to.Set, func(o qualys.Set) bool { return o.Field == f }):
		return s.wrong(fmt.Sprintf("%s gets two new values.", f), s.instead(it.from, it.to, ""))
	case it.sign == "~":
		return s.wrong("Behind \"set\" new values are given with =.", s.instead(it.from, it.behind, string(f)+"="))
	}
	if v := it.values[0]; !v.quoted && strings.EqualFold(v.text, clearing) {
		if v.text != clearing {
			return s.wrong(show(v.text)+" could be a value or empty the field: quote it, or write clear.",
				s.instead(it.from, it.to, string(f)+"="+clearing))
		}
		s.to.Set = append(s.to.Set, qualys.Set{Field: f})
		return nil
	}
	text, m := s.single(f, it)
	if m != nil {
		return m
	}
	if f == qualys.EmailAddress && !isEmail(text) {
		return s.wrong(show(text)+" is no e-mail address.", s.instead(it.behind, it.to, "name@example.com"))
	}
	s.to.Set = append(s.to.Set, qualys.Set{Field: f, Value: text})
	return nil
}

// moved is the text with a part of it moved to an earlier place.
func moved(text string, to, from, end int) string {
	return text[:to] + text[from:end] + " " + text[to:from] + text[end:]
}

func isEmail(s string) bool {
	name, host, ok := strings.Cut(s, "@")
	return ok && name != "" && strings.Trim(host, ".") != "" && !strings.ContainsAny(host, "@") && !strings.ContainsAny(s, " ")
}

// complete checks that an update or delete says whom, what and why.
func (s *selection) complete() *mistake {
	r, text := s.to, strings.TrimSpace(s.text)
	withReason := text
	if !s.hasReason {
		withReason += ` reason="…"`
	}
	verb := string(s.verb)
	behind := strings.TrimSpace(withReason[len(verb):])
	switch {
	case len(r.Filter) == 0 && s.verb == Update && !s.inSet:
		return s.wrong("Which users should I update, and how?", verb+` company=NewVendor set lastName="Left" `+behind)
	case len(r.Filter) == 0:
		return s.wrong(fmt.Sprintf("Which users should I %s?", verb), verb+" firstName=NewVendor "+behind)
	case s.verb == Update && !s.inSet:
		return s.wrong("What should change? The new values stand behind \"set\".", s.changeOnly(withReason), verb+" "+behind+` set lastName="Left"`)
	case s.verb == Update && len(r.Set) == 0:
		return s.wrong("\"set\" has no new value behind it.", s.instead(s.setAt, s.setAt+3, `set lastName="Left"`)+withReason[len(text):])
	case !s.hasReason:
		return s.wrong("I need a reason: it goes to whoever approves.", withReason)
	}
	return nil
}

// changeOnly is the text with "set" before the last condition that could be a
// new value: update company=A lastName=B.
func (s *selection) changeOnly(text string) string {
	if len(s.to.Filter) < 2 {
		return text
	}
	return text[:s.lastAt] + "set " + text[s.lastAt:]
}
