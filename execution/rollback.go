package execution

import (
	"context"
	"fmt"
	"slices"
	"time"

	"countersign/approvals"
	"countersign/audit"
)

// WhyUnread means that the channel could not be compared with Redis for a long time.
const WhyUnread approvals.Why = "the channel could not be read"

// unreadAtMost is how long a run waits for the channel before people have to
// look. Meanwhile no other plan can run.
const unreadAtMost = time.Hour

// match compares Redis with the channel, once a claim: a Redis that was rolled
// back, by a failover that lost its last writes or by an old copy of the
// request, has forgotten what the channel still shows. While the channel cannot
// be read the run waits, up to an hour.
func (r *run) match(work context.Context) (hold, end error) {
	if r.matched || r.Entries == nil {
		return nil, nil
	}
	head, entries, err := r.Entries(work, r.p.ID)
	if err != nil {
		err = fmt.Errorf("the channel cannot be compared with Redis: %w", err)
		if time.Since(r.start) > unreadAtMost {
			return nil, review{WhyUnread, err}
		}
		return err, nil
	}
	var last int64 // read after the channel, so that it is never behind it
	err = r.steadily(work, func() (err error) {
		last, err = r.Book.Last(work)
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case last >= 0 && head > uint64(last):
		return nil, review{approvals.WhyRolledBack, fmt.Errorf("the channel is at #%d, Redis at #%d", head, last)}
	}
	if e, ok := refuted(entries, r.p.Approvals); ok {
		return nil, review{approvals.WhyRolledBack, fmt.Errorf("#%d in the channel says %s", e.Seq, e.Kind)}
	}
	r.matched = true
	return nil, nil
}

// ends are after what nothing follows, whatever people press on an old copy.
var ends = []approvals.Kind{
	approvals.Rejected, approvals.Cancelled, approvals.Expired, approvals.Finished, approvals.Stopped,
	approvals.Closed, approvals.Void,
}

// refuted returns the entry that says that the request is over, or that its last
// approval does not hold any more, or one of those that Redis counts, if there is
// one.
func refuted(entries []audit.Entry, counted []approvals.Approval) (audit.Entry, bool) {
	var newest audit.Entry
	said := map[string]audit.Entry{} // the newest of each person's
	for _, e := range entries {
		switch {
		case slices.Contains(ends, e.Kind):
			return e, true
		case person(e) && e.Seq > said[e.By].Seq:
			said[e.By] = e
		}
	}
	for _, a := range counted {
		if e := said[a.By.String()]; e.Kind == approvals.Withdrawn {
			return e, true
		}
	}
	for _, e := range entries {
		switch {
		case e.Seq < newest.Seq:
		case e.Kind == approvals.Approved, e.Kind == approvals.Resumed, e.Kind == approvals.Withdrawn, e.Kind == approvals.Review:
			newest = e
		}
	}
	return newest, newest.Kind == approvals.Withdrawn || newest.Kind == approvals.Review
}

// person reports whether an entry says what somebody's approval is worth.
func person(e audit.Entry) bool {
	return e.Kind == approvals.Approved || e.Kind == approvals.Resumed || e.Kind == approvals.Withdrawn
}
