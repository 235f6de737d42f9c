package grammar

import (
	"strconv"
	"strings"
	"unicode"

	"countersign/qualys"
)

// A Verb is the first word of a command.
type Verb string

// The verbs. A new one is a new file and a line in the function table.
const (
	Download Verb = "download"
	Find     Verb = "find"
	Count    Verb = "count"
	Update   Verb = "update"
	Delete   Verb = "delete"
	Requests Verb = "requests"
	Show     Verb = "show"
	Cancel   Verb = "cancel"
	Withdraw Verb = "withdraw"
	Retry    Verb = "retry"
	Undo     Verb = "undo"
	Stop     Verb = "stop"
	Resume   Verb = "resume"
	Close    Verb = "close"
	Freeze   Verb = "freeze"
	Unfreeze Verb = "unfreeze"
	Whoami   Verb = "whoami"
	Help     Verb = "help"
)

// A Request is what a person typed: understood, not yet looked up.
type Request struct {
	Verb    Verb
	Filter  qualys.Filter        // find, count, update, delete: selects SAQ users
	Set     qualys.Change        // update: the new values
	Reason  string               // update, delete: mandatory; close, retry, undo: may be given
	Listing qualys.DownloadQuery // download: which platform users
	ID      string               // show, cancel, withdraw, retry …: of a request
	Which   Which                // requests
	About   Verb                 // help: about one verb, or empty
}

// Which says which requests to list.
type Which string

// The lists of requests.
const (
	OpenOnes Which = "open"
	MyOnes   Which = "mine"
	AllOnes  Which = "all"
)

// Bare reports whether an update or delete names neither users nor anything
// else: it asks for a form.
func (r Request) Bare() bool {
	return (r.Verb == Update || r.Verb == Delete) && len(r.Filter) == 0 && len(r.Set) == 0 && r.Reason == ""
}

// String writes the request as it can be typed. What [Parse] makes of it is the
// same request.
func (r Request) String() string {
	words := append([]string{string(r.Verb)}, r.selecting()...)
	if len(r.Set) > 0 {
		words = append(words, "set", setting(r.Set))
	}
	for _, w := range []string{r.ID, string(r.Which), string(r.About)} {
		if w != "" && w != string(OpenOnes) {
			words = append(words, w)
		}
	}
	if r.Reason != "" {
		words = append(words, reasonKey+"="+quoted(r.Reason))
	}
	return sent(strings.Join(words, " "))
}

// Selects is the part of the request that selects users, cut to what people
// can read; empty when it is everybody.
func (r Request) Selects() string { return OneLine(strings.Join(r.selecting(), " "), 200) }

// selecting writes what selects users, a word each.
func (r Request) selecting() []string {
	var words []string
	l := r.Listing
	if len(l.Roles) > 0 {
		words = append(words, "role="+list(l.Roles))
	}
	if l.Descending {
		words = append(words, "sort=username:desc")
	}
	if l.Timezone != "" {
		words = append(words, "timezone="+word(l.Timezone))
	}
	if l.Limit > 0 {
		words = append(words, "limit="+strconv.Itoa(l.Limit))
	}
	if l.Offset > 0 {
		words = append(words, "offset="+strconv.Itoa(l.Offset))
	}
	for _, c := range r.Filter {
		sign := "="
		if c.Operator == qualys.Contains {
			sign = "~"
		}
		words = append(words, string(c.Field)+sign+list(c.Values))
	}
	return words
}

// setting writes the new values of an update.
func setting(c qualys.Change) string {
	var words []string
	for _, s := range c {
		v := word(s.Value)
		switch {
		case s.Value == "":
			v = clearing
		case strings.EqualFold(s.Value, clearing):
			v = quoted(s.Value)
		}
		words = append(words, string(s.Field)+"="+v)
	}
	return strings.Join(words, " ")
}

func list(values []string) string {
	words := make([]string, len(values))
	for i, v := range values {
		words[i] = word(v)
	}
	return strings.Join(words, ",")
}

// word writes a value, in quotes where it needs them.
func word(v string) string {
	for i, r := range v {
		letter := unicode.IsLetter(r) || unicode.IsDigit(r)
		if !letter && (i == 0 || !unicode.IsMark(r) && !strings.ContainsRune("._@+-/:'", r)) {
			return quoted(v)
		}
	}
	if v == "" {
		return quoted(v)
	}
	return v
}

func quoted(v string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(v) + `"`
}
