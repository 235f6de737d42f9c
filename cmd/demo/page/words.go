package page

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"countersign/commands"
	"countersign/internal/minislack"
	"countersign/qualys"
)

// line is how help lists a verb: its name, what stands behind it, what it does.
var line = regexp.MustCompile("(?m)^• `" + command + " (\\S+) ?([^`]*)` (.+)$")

// vocabulary is what the field completes: the verbs as the bot's own help lists
// them, and what may stand behind each.
func vocabulary(ctx context.Context) ([]minislack.Command, error) {
	c, err := newCounter()
	if err != nil {
		return nil, err
	}
	defer c.close()
	said := c.types(ctx, "", "max", "help")
	var verbs []minislack.Word
	for _, m := range line.FindAllStringSubmatch(said.Text, -1) {
		verbs = append(verbs, minislack.Word{Text: m[1], Usage: plain(m[2]), About: plain(m[3])})
	}
	if len(verbs) == 0 {
		return nil, fmt.Errorf("help lists no verbs: %s", said.Text)
	}
	for i := range verbs {
		behind(&verbs[i], verbs)
	}
	return []minislack.Command{{Name: command, About: "Qualys users: look up, change, delete", Verbs: verbs}}, nil
}

// plain undoes how help escapes what people type.
func plain(text string) string {
	return strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(text)
}

// behind fills in what may stand behind a verb.
func behind(v *minislack.Word, all []minislack.Word) {
	reason := minislack.Word{Text: `reason="`, About: "why: a ticket, or a sentence; whoever approves reads it"}
	v.IDs = strings.HasPrefix(v.Usage, "<id>")
	switch commands.Verb(v.Text) {
	case commands.Download:
		v.Args = listing()
	case commands.Find, commands.Count:
		v.Args = conditions()
	case commands.Delete:
		v.Args = append(conditions(), reason)
	case commands.Update:
		set := minislack.Word{Text: "set", About: "the new values follow", After: append(values(), reason)}
		v.Args = append(conditions(), set, reason)
	case commands.Requests:
		v.Args = []minislack.Word{{Text: "open"}, {Text: "mine"}, {Text: "all"}}
	case commands.Help:
		for _, w := range all {
			v.Args = append(v.Args, minislack.Word{Text: w.Text, About: w.About})
		}
	}
}

// command is the slash command of the product.
const command = "/qualys-users"

// conditions are the fields that select SAQ users.
func conditions() []minislack.Word {
	var all []minislack.Word
	for _, f := range qualys.Fields {
		about := "the whole value; ~ instead of = finds a part"
		if !slices.Contains(f.Operators(), qualys.Contains) {
			about = "the whole value"
		}
		if slices.Contains(f.Operators(), qualys.In) {
			about = "one, or several with commas"
		}
		word := minislack.Word{Text: string(f) + "=", About: about}
		if f == qualys.Company || f == qualys.FirstName {
			word.Value = []string{"NewVendor"}
		}
		all = append(all, word)
	}
	return all
}

// values are the fields that an update can write.
func values() []minislack.Word {
	var all []minislack.Word
	for _, f := range qualys.Writable {
		word := minislack.Word{Text: string(f) + "=", About: "the new value, or clear", Value: []string{"clear"}}
		if f == qualys.EmailAddress {
			word.About, word.Value = "the new value; of one user only", nil
		}
		all = append(all, word)
	}
	return all
}

// listing is what narrows a download.
func listing() []minislack.Word {
	return []minislack.Word{
		{Text: "role=", About: "only these roles, with commas", Value: []string{"MANAGER", "UNIT MANAGER", "SCANNER", "READER"}},
		{Text: "sort=", About: "by which column", Value: []string{"username:asc", "username:desc"}},
		{Text: "timezone=", About: "of the dates in the file", Value: []string{"Europe/Berlin", "America/New_York", "Asia/Kolkata", "UTC"}},
		{Text: "limit=", About: "rows in all; without it everybody"},
		{Text: "offset=", About: "rows to leave out at the beginning"},
		{Text: "format=", About: "csv is the only one", Value: []string{"csv"}},
	}
}
