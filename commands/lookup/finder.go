// Package lookup finds the users that a command is about, and drafts the plans
// made of them.
//
// A [Finder] belongs to one command of one person. It asks Qualys and writes
// nothing there; what it finds is the content of a file ([Spool]) or the draft of
// a plan, which execution seals. Whoever waits for it hears of long readings and
// long waits ([News]).
package lookup

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"countersign/approvals/rules"
	"countersign/audit"
	"countersign/qualys"
)

// Users is the part of Qualys that is asked about SAQ users.
type Users interface {
	Count(ctx context.Context, f qualys.Filter) (int, error)
	Search(ctx context.Context, f qualys.Filter) iter.Seq2[qualys.SAQUser, error]
	Logins() []string
}

// A Finder looks SAQ users up for somebody who waits.
type Finder struct {
	Users  Users
	Policy *rules.Policy
	Tenant string
	News   *News // what the person hears meanwhile
}

// Count counts the SAQ users that fit. No condition means everybody in scope.
func (f *Finder) Count(ctx context.Context, filter qualys.Filter) (int, error) {
	return f.Users.Count(f.News.Listen(ctx), filter)
}

const (
	idsAtOnce = 500  // named by one search
	pageSize  = 1000 // of a search
)

// Each looks up everybody who fits. A long list of ids is asked for in parts. What
// turns out to be more than a few pages is counted once, so that the person
// knows how long it takes.
func (f *Finder) Each(ctx context.Context, filter qualys.Filter, do func(qualys.SAQUser) error) error {
	ctx = f.News.Listen(ctx)
	all := parts(filter)
	f.News.long(qualys.Progress{Plan: len(all)}, "")
	users, began := 0, time.Now()
	for _, part := range all {
		for u, err := range f.Users.Search(ctx, part) {
			if err == nil {
				err = do(u)
			}
			if users++; err == nil && users == callsUntold*pageSize+1 && len(all) == 1 {
				err = f.announce(ctx, filter, users, time.Since(began))
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// announce says how much of a long reading is still to come.
func (f *Finder) announce(ctx context.Context, filter qualys.Filter, users int, took time.Duration) error {
	total, err := f.Users.Count(ctx, filter)
	if err != nil {
		return fmt.Errorf("count who is still to come: %w", err)
	}
	f.News.long(qualys.Progress{
		Total: total, Plan: (total + pageSize - 3) / (pageSize - 1), // every page repeats the last user of the one before
		Left: took / time.Duration(users) * time.Duration(max(0, total-users)),
	}, audit.Plural(total, "SAQ user"))
	return nil
}

// parts splits a filter that names many ids into filters that name fewer.
func parts(f qualys.Filter) []qualys.Filter {
	i := slices.IndexFunc(f, func(c qualys.Condition) bool { return c.Field == qualys.ID && len(c.Values) > idsAtOnce })
	if i < 0 {
		return []qualys.Filter{f}
	}
	var all []qualys.Filter
	for ids := range slices.Chunk(f[i].Values, idsAtOnce) {
		part := slices.Clone(f)
		part[i].Values = ids
		all = append(all, part)
	}
	return all
}

// Missing says how many of the ids that were named belong to nobody who fits.
func Missing(f qualys.Filter, found int) string {
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
