package qualys

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"countersign/qualys/body"
	"countersign/qualys/wire"
)

// Search yields the SAQ users that satisfy the filter, each once, a page of
// 1000 at a time, in Qualys' order; the empty filter yields everybody in scope.
// The first error ends it.
//
// Every user is checked against the filter, because a server that ignored a
// condition would have selected everybody: [ErrIgnoredCriteria]. Each page
// begins with the last user of the page before, which proves that nobody came
// or went in between and that the server heeds the offset. If that fails, the
// search is begun once more for the users still missing; if it fails again, a
// count of the users decides, and the error is [ErrIncomplete]. So is an answer
// with fewer users than it counts.
//
// It is POST /qps/rest/1.0/search/saq/user.
// Source: https://docs.qualys.com/en/saq/api/users/search_users.htm
func (c *Client) Search(ctx context.Context, f Filter) iter.Seq2[SAQUser, error] {
	return func(yield func(SAQUser, error) bool) {
		if err := f.Validate(); err != nil {
			yield(SAQUser{}, err)
			return
		}
		s := search{client: c, filter: f}
		err := s.pass(ctx, yield)
		if errors.Is(err, errMoved) {
			s.again, s.before = true, s.here
			err = s.pass(ctx, yield)
		}
		if err != nil && !errors.Is(err, errStopped) {
			yield(SAQUser{}, err)
		}
	}
}

var (
	errMoved   = fmt.Errorf(opSearch+": %w: the pages do not fit together, users came or went while they were read", ErrIncomplete)
	errStopped = errors.New("the caller wants no more")
)

// A search reads pages until it has seen everybody, if need be twice.
type search struct {
	client *Client
	filter Filter
	here   map[SAQUserID]struct{} // who came in this pass
	before map[SAQUserID]struct{} // who was yielded in the pass before
	again  bool                   // this is the second pass
	byID   bool                   // ask for pages by the id of their first user: the offset was ignored
}

// pass reads all pages once and yields the users not yet yielded.
func (s *search) pass(ctx context.Context, yield func(SAQUser, error) bool) error {
	s.here = map[SAQUserID]struct{}{}
	var first, last SAQUserID // of the first page, and of the page before
	rows, fits := 0, true     // rows count the shared ones once
	for {
		p, err := s.page(ctx, rows, last)
		if err != nil {
			return err
		}
		fresh := p.users
		switch {
		case rows == 0 && len(fresh) > 0:
			first = fresh[0].ID
		case rows == 0:
		case len(fresh) > 0 && fresh[0].ID == last:
			fresh = fresh[1:]
		default:
			fits = false
			s.byID = s.byID || len(fresh) > 0 && fresh[0].ID == first
		}
		came := 0
		if fits || s.again {
			if came, err = s.hand(fresh, yield); err != nil {
				return err
			}
		}
		rows += len(fresh)
		end := p.last()
		fits = fits && came == len(fresh) && (end || came > 0)
		switch {
		case !fits && !s.again:
			return errMoved
		case end && fits:
			return p.counted(rows)
		case end || came == 0:
			return s.counted(ctx)
		}
		last = p.users[len(p.users)-1].ID
	}
}

// hand checks a page whole, then yields who has not come before, and returns how
// many came.
func (s *search) hand(users []SAQUser, yield func(SAQUser, error) bool) (came int, err error) {
	for _, u := range users {
		if i := slices.IndexFunc(s.filter, func(c Condition) bool { return !c.matches(u) }); i >= 0 {
			return 0, fmt.Errorf(opSearch+": %w: user %d does not satisfy the condition on %s", ErrIgnoredCriteria, u.ID, s.filter[i].Field)
		}
	}
	for _, u := range users {
		if _, known := s.here[u.ID]; known {
			continue
		}
		s.here[u.ID] = struct{}{}
		came++
		if _, known := s.before[u.ID]; known {
			continue
		}
		s.client.recognise(u)
		if !yield(u, nil) {
			return came, errStopped
		}
	}
	return came, nil
}

// counted lets a count judge pages that prove nothing by themselves: of a
// server that does not page, say, or counts offsets from 0.
func (s *search) counted(ctx context.Context) error {
	n, err := s.client.Count(ctx, s.filter)
	if err == nil && n != len(s.here) {
		err = fmt.Errorf("%w: Qualys counts %d and sends %d", errMoved, n, len(s.here))
	}
	return err
}

// A page is a part of what a search found.
type page struct {
	body.Answer
	users []SAQUser
}

// last reports whether no page follows. Without a word from Qualys, a page may
// have a successor if it is as long as we or, where a server has not heard us,
// Qualys' pages want it.
func (p page) last() bool {
	switch p.More {
	case "true", "1":
		return false
	case "false", "0":
		return true
	}
	return len(p.users) != pageSize && len(p.users) != defaultPage
}

// counted compares the count of the last page with its rows, or with all of
// them: Qualys' pages do not say which it is.
func (p page) counted(rows int) error {
	if p.Count > len(p.users) && p.Count != rows {
		return fmt.Errorf(opSearch+": %w: Qualys counts %d users and sends %d", ErrIncomplete, p.Count, len(p.users))
	}
	return nil
}

// page asks for the page that begins with the last of so many rows.
func (s *search) page(ctx context.Context, rows int, last SAQUserID) (page, error) {
	want := preferences{StartFromOffset: rows, LimitResults: pageSize}
	if s.byID {
		want.StartFromOffset, want.StartFromID = 0, last
	}
	body, err := marshal(searchRequest{Filters: s.filter.wire(), Preferences: want})
	if err != nil {
		return page{}, err
	}
	return wire.Read(ctx, s.client.line, opSearch, func() (page, error) {
		var p page
		var err error
		p.Answer, err = s.client.ask(ctx, wire.Call{Op: opSearch, Body: body}, func(u SAQUser) error {
			p.users = append(p.users, u)
			return nil
		})
		return p, err
	})
}
