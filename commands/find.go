package commands

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"countersign/approvals"
	"countersign/audit"
	"countersign/commands/grammar"
	"countersign/commands/lookup"
	"countersign/commands/words"
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
	file, err := lookup.NewSpool(d.SpoolDir)
	if err != nil {
		return Reply{}, err
	}
	csv, companies := audit.UsersCSV(file), words.Names{}
	err = d.finder(ctx, s).Each(ctx, r.Filter, func(u qualys.SAQUser) error {
		companies.Add(u.Company)
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
	summary := []string{fmt.Sprintf("*%s*%s, asked for by %s.", users, forWhat(r), words.Mention(s.By.ID)), "By company\n" + words.Bars(companies.Sorted())}
	return Reply{
		Text: users + " " + words.Are(csv.Users()) + " in the channel as " + words.Code(name) + "." + lookup.Missing(r.Filter, csv.Users()),
		File: posted(file, name, users, strings.Join(summary, "\n")),
	}, nil
}

// forWhat says what a request selects, behind a number of users.
func forWhat(r Request) string {
	if what := r.Selects(); what != "" {
		return " for " + words.Code(what)
	}
	return " in all"
}
