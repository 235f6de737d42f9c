package execution

import (
	"context"
	"fmt"
	"io"

	"countersign/approvals"
	"countersign/audit"
	"countersign/qualys"
)

// tally counts what became of every user of the plan, those included whose turn
// never came. Users whose write was not observed to the end have
// an unknown result. A ledger that has forgotten a chunk, because Redis was set
// back during the run, says nothing that may be told.
func (r *run) tally(ctx context.Context) (map[qualys.SAQUserID]approvals.Outcome, approvals.Counts, error) {
	all, err := r.Book.Outcomes(ctx, r.p.ID)
	if err != nil {
		return nil, nil, err
	}
	chunks, err := r.claim.Chunks(ctx)
	if err != nil {
		return nil, nil, err
	}
	for _, c := range chunks[:r.done] {
		if !c.Done {
			return nil, nil, review{approvals.WhyRolledBack, fmt.Errorf("chunk %d was done, and the ledger does not say so any more", c.N)}
		}
	}
	counts := approvals.Counts{}
	for _, c := range chunks {
		for _, u := range c.Users {
			o, ok := all[u.ID]
			if !ok {
				o, ok = c.Settled[u.ID]
			}
			switch {
			case ok:
			case c.Sent.IsZero():
				o.Result = approvals.ResultNotRun
			default:
				if o, ok = r.settled[u.ID]; !ok {
					o.Result = approvals.ResultUnknown
				}
			}
			counts[string(o.Result)]++
		}
	}
	return all, counts, nil
}

// finish ends the run: as STOPPED where there is a cause, else as the counts say.
func (r *run) finish(ctx context.Context, cause approvals.Why) error {
	return r.steadily(ctx, func() error {
		all, counts, err := r.tally(ctx)
		if err != nil {
			return err
		}
		state := approvals.DONE
		done, already := counts[string(approvals.ResultDone)], counts[string(approvals.ResultAlready)]
		switch {
		case cause != "":
			state = approvals.STOPPED
		case done == 0, done+already < len(r.p.Plan.Users()): // nothing done is no success
			state = approvals.DONE_WITH_ERRORS
		}
		csv := audit.SHA(io.Discard)
		if err := audit.ResultCSV(csv, r.p.Plan, all); err != nil {
			return err
		}
		r.log(ctx, "run finished", "state", state, "counts", counts.String())
		return r.claim.Finish(ctx, state, cause, counts, csv.Sum())
	})
}

// giveUp leaves the run to people. Its counts are those of the ledger; of a
// ledger that cannot be read nobody knows anything.
func (r *run) giveUp(ctx context.Context, why approvals.Why) error {
	return r.steadily(ctx, func() error {
		counts := r.known()
		if why != approvals.WhyRolledBack && !r.p.Plan.IsZero() { // a ledger that was set back says not-run of users who are gone
			var err error
			if _, counts, err = r.tally(ctx); err != nil {
				r.Log.ErrorContext(ctx, "outcomes of a run that needs review", "request", r.p.ID, "err", err)
				counts = approvals.Counts{string(approvals.ResultUnknown): len(r.p.Plan.Users())}
			}
		}
		return r.claim.Review(ctx, why, counts)
	})
}

// known counts what the record knows where the plan is lost, or Redis was set back:
// of everybody else nobody can know.
func (r *run) known() approvals.Counts {
	counts, rest := approvals.Counts{}, r.p.Users
	for name, n := range r.p.Counts {
		counts[name] = n
		rest -= n
	}
	counts[string(approvals.ResultUnknown)] += max(0, rest)
	return counts
}
