package commands

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"countersign/approvals"
	"countersign/approvals/rules"
	"countersign/audit"
	"countersign/commands/grammar"
	"countersign/commands/lookup"
	"countersign/commands/refusal"
	"countersign/commands/words"
	"countersign/qualys"
)

func downloadVerb() verb {
	return verb{
		name:  Download,
		needs: mayRead,
		usage: "[role=READER,SCANNER] [sort=username:desc] [timezone=Asia/Kolkata] [limit=5000] [offset=0]",
		about: "posts a CSV of the platform users, with counts.",
		more: []string{
			"Platform users are the accounts of your Qualys subscription. They are not the SAQ users of find, update and delete.",
			"limit is the number of rows in all; without it you get everybody. The time zone is yours unless you name one.",
		},
		examples: []string{
			"download",
			"download role=READER,SCANNER",
			"download sort=username:desc limit=5000 timezone=Asia/Kolkata",
		},
		takes: grammar.TakesListing,
		run:   (*Desk).download,
	}
}

func (d *Desk) download(_ context.Context, s Slash, r Request) Reply {
	return Reply{Text: "Downloading platform users…", Then: func(ctx context.Context) Reply {
		reply, err := d.downloaded(ctx, s, r)
		if err != nil {
			return d.refuse(ctx, attempt{by: s.By, verb: r.Verb, filter: r.Selects()}, err)
		}
		return reply
	}}
}

// downloaded spools the users and counts them. The event is noted before
// anybody sees the file.
func (d *Desk) downloaded(ctx context.Context, s Slash, r Request) (Reply, error) {
	if err := d.private(ctx, s.Channel); err != nil {
		return Reply{}, err
	}
	query := r.Listing
	if query.Timezone == "" {
		query.Timezone = d.zone(ctx, s.By)
	}
	file, err := lookup.NewSpool(d.SpoolDir)
	if err != nil {
		return Reply{}, err
	}
	sum, err := d.Users.Download(d.finder(ctx, s).News.Listen(ctx), query, file)
	event := approvals.Event{
		Kind: approvals.Downloaded, By: s.By,
		Counts: approvals.Counts{"users": sum.Rows, "total": sum.Total},
		Facts:  approvals.Facts{Verb: string(r.Verb), Users: sum.Rows, Total: announced(sum), Filter: r.Selects()},
	}
	name := fmt.Sprintf("users-platform-%d-%s.csv", sum.Rows, d.Now().UTC().Format(time.DateOnly))
	if sum.Rows > 0 {
		event.FileSHA, event.Facts.File = file.Sum(), name
	}
	if err == nil {
		err = d.Book.Note(ctx, s.Op, event)
	}
	if err != nil || sum.Rows == 0 {
		return Reply{Text: "No platform user matches" + selected(r) + "."}, errors.Join(err, file.Close())
	}
	users := audit.Plural(sum.Rows, "platform user")
	return Reply{
		Text: users + " " + words.Are(sum.Rows) + " in the channel as " + words.Code(name) + "." + incomplete(sum),
		File: posted(file, name, users, downloadSummary(s.By, r, sum)),
	}, nil
}

// posted is a file that was spooled, for the channel.
func posted(file *lookup.Spool, name, title, comment string) *File {
	return &File{Name: name, Title: title, Comment: comment, Size: file.Size(), Open: file.Open, Close: file.Close}
}

// zone is the time zone of somebody's Slack profile, or UTC.
func (d *Desk) zone(ctx context.Context, who rules.Person) string {
	profile, err := d.Reads.Profile(ctx, who)
	if err != nil {
		d.Log.WarnContext(ctx, "time zone not known, UTC is used", "person", who.String(), "err", err)
		return "UTC"
	}
	if _, err := time.LoadLocation(profile.TimeZone); err != nil || profile.TimeZone == "" || profile.TimeZone == "Local" {
		return "UTC"
	}
	return profile.TimeZone
}

// private is an error where files must not be posted.
func (d *Desk) private(ctx context.Context, channel string) error {
	if d.Policy.Files == rules.AnyChannel {
		return nil
	}
	private, err := d.Private(ctx, channel)
	if err != nil {
		return fmt.Errorf("is channel %s private: %w", channel, errors.Join(rules.ErrLookUp, err))
	}
	if !private {
		return refusal.PublicError{Channel: channel}
	}
	return nil
}

// announced is how many users Qualys said there were, if that is worth saying:
// when the file was meant to hold them all and does not.
func announced(sum qualys.Download) int {
	if sum.Complete {
		return 0
	}
	return sum.Total
}

func incomplete(sum qualys.Download) string {
	switch {
	case sum.Complete:
		return ""
	case sum.Total > 0:
		return fmt.Sprintf(" *Incomplete*: Qualys speaks of %s and gave %s.", audit.Number(sum.Total), audit.Number(sum.Rows))
	}
	return fmt.Sprintf(" *Perhaps incomplete*: Qualys gave %s and does not say how many there are.", audit.Number(sum.Rows))
}

// selected says what a request selects, behind the word that matches.
func selected(r Request) string {
	if what := r.Selects(); what != "" {
		return " " + words.Code(what)
	}
	return ""
}

func downloadSummary(by rules.Person, r Request, sum qualys.Download) string {
	matching := ""
	if what := r.Selects(); what != "" {
		matching = " for " + words.Code(what)
	}
	parts := []string{fmt.Sprintf("*%s*%s, asked for by %s.%s",
		audit.Plural(sum.Rows, "platform user"), matching, words.Mention(by.ID), incomplete(sum))}
	if sum.Duplicates > 0 {
		parts = append(parts, fmt.Sprintf("%s came twice and stand once.", audit.Plural(sum.Duplicates, "row")))
	}
	if sum.Strangers > 0 {
		parts = append(parts, fmt.Sprintf("Qualys also sent %s without any of these roles; they are left out.", audit.Plural(sum.Strangers, "user")))
	}
	parts = append(parts, "By status\n"+words.Bars(sum.ByStatus))
	if len(sum.ByRole) > 0 {
		parts = append(parts, "By role (one user may have several)\n"+words.Bars(sum.ByRole))
	}
	parts = append(parts, fmt.Sprintf("Super users: %s · SAML: %s", audit.Number(sum.SuperUsers), audit.Number(sum.SAML)))
	return strings.Join(parts, "\n")
}
