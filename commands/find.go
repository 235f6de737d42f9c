package commands

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"countersign/approvals"
	"countersign/audit"
	"countersign/commands/grammar"
	"countersign/qualys"
)

func findVerb() verb {
	return verb{
		name:  Find,
		needs: mayRead,
		usage: "[condition …]",
		about: "posts a CSV of the SAQ users that fit all conditions, with counts.",
		more: append([]string{
			"SAQ users answer questionnaires; many belong to vendors. They are not the platform users of download.",
			"Without a condition it is everybody.",
		}, conditionHelp...),
		examples: []string{
			"find company=Acme",
			`find company~Acme tags.tag.name="Vendors"`,
			`find id="767231592 713091591"`,
		},
		takes: grammar.TakesSelection,
		run:   (*Desk).find,
	}
}

// conditionHelp explains conditions, for every verb that takes them.
var conditionHelp = []string{
	"field=value is the whole value, field~value a part of it; case does not matter. Values with blanks or commas stand in quotes.",
	"Fields: id, uuid, firstName, lastName, company, title, emailAddress, userName, tags.tag.id, tags.tag.name. id and tags.tag.id take a list: id=1,2,3.",
}

func (d *Desk) find(_ context.Context, s Slash, r Request) Reply {
	return Reply{Text: "Looking up…", Then: func(ctx context.Context) Reply {
		reply, err := d.found(ctx, s, r)
		if err != nil {
			return d.refuse(ctx, attempt{by: s.By, verb: r.Verb, filter: r.Selects()}, err)
		}
		return reply
	}}
}

// found spools the users and counts them by company. The event is noted before
// anybody sees the file.
func (d *Desk) found(ctx context.Context, s Slash, r Request) (Reply, error) {
	if err := d.private(ctx, s.Channel); err != nil {
		return Reply{}, err
	}
	file, err := newSpool(d.SpoolDir)
	if err != nil {
		return Reply{}, err
	}
	csv, companies := audit.UsersCSV(file), map[string]int{}
	err = d.each(ctx, r.Filter, func(u qualys.SAQUser) error {
		bump(companies, u.Company)
		return csv.Write(u)
	})
	if err == nil {
		err = csv.Close()
	}
	event := approvals.Event{
		Kind: approvals.Found, By: s.By,
		Counts: approvals.Counts{"users": csv.Users()},
		Facts:  approvals.Facts{Verb: string(r.Verb), Users: csv.Users(), Filter: r.Selects()},
	}
	name := fmt.Sprintf("users-saq-%d-%s.csv", csv.Users(), d.Now().UTC().Format(time.DateOnly))
	if csv.Users() > 0 {
		event.FileSHA, event.Facts.File = file.Sum(), name
	}
	if err == nil {
		err = d.Book.Note(ctx, s.Op, event)
	}
	if err != nil || csv.Users() == 0 {
		return Reply{Text: "No SAQ user matches" + selected(r) + "."}, errors.Join(err, file.Close())
	}
	users := audit.Plural(csv.Users(), "SAQ user")
	summary := []string{fmt.Sprintf("*%s*%s, asked for by %s.", users, forWhat(r), mention(s.By.ID)), "By company\n" + bars(tally(companies))}
	return Reply{
		Text: users + " " + are(csv.Users()) + " in the channel as " + code(name) + "." + missing(r.Filter, csv.Users()),
		File: file.as(name, users, strings.Join(summary, "\n")),
	}, nil
}

// idsAtOnce is how many ids one search names.
const idsAtOnce = 500

// each looks up everybody who fits the filter. A long list of ids is asked for
// in parts.
func (d *Desk) each(ctx context.Context, f qualys.Filter, do func(qualys.SAQUser) error) error {
	for part := range parts(f) {
		for u, err := range d.Users.Search(ctx, part) {
			if err != nil {
				return err
			}
			if err := do(u); err != nil {
				return err
			}
		}
	}
	return nil
}

// parts splits a filter that names many ids into filters that name fewer.
func parts(f qualys.Filter) func(yield func(qualys.Filter) bool) {
	return func(yield func(qualys.Filter) bool) {
		i := slices.IndexFunc(f, func(c qualys.Condition) bool { return c.Field == qualys.ID && len(c.Values) > idsAtOnce })
		if i < 0 {
			yield(f)
			return
		}
		for ids := range slices.Chunk(f[i].Values, idsAtOnce) {
			part := slices.Clone(f)
			part[i].Values = ids
			if !yield(part) {
				return
			}
		}
	}
}

// missing says how many of the ids that were named belong to nobody who fits.
func missing(f qualys.Filter, found int) string {
	for _, c := range f {
		if c.Field != qualys.ID {
			continue
		}
		switch n := len(c.Values) - found; {
		case n <= 0:
		case len(f) > 1:
			return fmt.Sprintf(" %s of the ids fit nobody under these conditions.", audit.Number(n))
		case n == 1:
			return " 1 of the ids belongs to nobody in scope."
		default:
			return fmt.Sprintf(" %s of the ids belong to nobody in scope.", audit.Number(n))
		}
	}
	return ""
}

// forWhat says what a request selects, behind a number of users.
func forWhat(r Request) string {
	if what := r.Selects(); what != "" {
		return " for " + code(what)
	}
	return " in all"
}

func are(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

// namesAtMost bounds the different names that are counted.
const namesAtMost = 1000

func bump(counts map[string]int, name string) {
	if _, known := counts[name]; !known && len(counts) >= namesAtMost {
		name = "(others)"
	}
	counts[name]++
}

// tally sorts counts, the largest first.
func tally(counts map[string]int) []qualys.Tally {
	var all []qualys.Tally
	for name, n := range counts {
		all = append(all, qualys.Tally{Name: name, Count: n})
	}
	slices.SortFunc(all, func(a, b qualys.Tally) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Name, b.Name))
	})
	return all
}
