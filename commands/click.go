package commands

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"countersign/approvals"
	"countersign/approvals/rules"
	"countersign/commands/card"
	"countersign/commands/form"
	"countersign/commands/refusal"
	"countersign/commands/words"
)

// Click judges a button that was pressed and stores what follows from it before
// it returns. Where words are needed first, the answer is a form.
func (d *Desk) Click(ctx context.Context, c Click) Reply {
	return d.decide(ctx, c, c.Words != "")
}

// decide is the way of every button and of the dialogs behind them. Said
// reports whether the dialog was filled in already.
func (d *Desk) decide(ctx context.Context, c Click, said bool) Reply {
	a := attempt{by: c.By, verb: Verb(c.Action), request: c.Request}
	if err := d.listed(c.Channel); err != nil {
		return d.explain(ctx, err)
	}
	p, err := d.Book.Pending(ctx, c.Request)
	if err == nil {
		err = fits(p, c)
	}
	if err != nil {
		return d.refuse(ctx, a, refusal.RequestError{ID: c.Request, Err: err})
	}
	a.users = p.Users
	var reply Reply
	switch c.Action {
	case ActApprove:
		reply, err = d.approve(ctx, p, c, said)
	case ActReject:
		reply, err = d.reject(ctx, p, c, said)
	case ActCancel:
		_, err = d.Book.Cancel(ctx, p.ID, c.By, c.Op)
		reply.Stored = err == nil
	case ActWithdraw:
		_, err = d.takeBack(ctx, p.ID, c.By, c.Op)
		reply.Stored = err == nil
	case ActStop:
		if err = d.may(ctx, mayStop, c.By); err == nil {
			_, err = d.halt(ctx, p.ID, c.By, c.Op)
			reply.Stored = err == nil
		}
	default:
		err = refusal.ErrForeignForm
	}
	if err == nil {
		return reply
	}
	return d.refuse(ctx, a, refusal.RequestError{ID: p.ID, Err: err})
}

// fits checks that the button belongs to this request's plan and newest card.
func fits(p approvals.Pending, c Click) error {
	switch {
	case c.Fingerprint != p.Short():
		return approvals.ErrFingerprint
	case p.Card.TS != "" && (c.Channel != p.Card.Channel || c.Message != p.Card.TS):
		return refusal.ErrSuperseded
	}
	return nil
}

// approve is a yes, to a request that waits or to one that is resumed: typed
// first, where the policy asks for it.
func (d *Desk) approve(ctx context.Context, p approvals.Pending, c Click, said bool) (Reply, error) {
	waits := p.State == approvals.PENDING || card.Resuming(p)
	if err := d.mayDecide(ctx, p, c.By); err != nil {
		if !waits {
			err = over(p)
		}
		return Reply{}, err
	}
	if p.Users > d.Policy.TypeToConfirmAbove && waits {
		switch {
		case !said && approved(p, c.By): // nobody types for nothing
			return Reply{}, approvals.ErrAlready
		case !said:
			return Reply{Form: form.ForApproval(p, c)}, nil
		}
		if !form.Confirms(c.Words, p) {
			return Reply{Errors: map[string]string{form.Confirm: "Type " + form.Confirmation(p) + ", as it stands above."}}, nil
		}
	}
	now, err := d.Book.Decide(ctx, approvals.Decision{
		Request: p.ID, By: c.By, Op: c.Op, Yes: true, Fingerprint: c.Fingerprint, Seen: p,
	})
	if err == nil && (now.State == approvals.APPROVED || now.State == approvals.RUNNING) {
		if still := d.standstill(ctx); still != "" { // at once: the card says so a moment later
			return Reply{Text: "Your approval of " + words.Code(p.ID) + " is stored." + still, Stored: true}, nil
		}
	}
	return Reply{Stored: err == nil}, err
}

// approved reports whether one of the approvals that count is this person's.
func approved(p approvals.Pending, who rules.Person) bool {
	return slices.ContainsFunc(p.Approvals, func(a approvals.Approval) bool { return a.By.Same(who) })
}

// reject is a no; the form asks why.
func (d *Desk) reject(ctx context.Context, p approvals.Pending, c Click, said bool) (Reply, error) {
	late := tooLate(p, approvals.PENDING, approvals.APPROVED)
	if err := d.mayDecide(ctx, p, c.By); err != nil {
		if errors.Is(err, rules.ErrOwnRequest) {
			err = refusal.ErrOwnReject
		}
		return Reply{}, cmp.Or(late, err)
	}
	if !said && late == nil {
		return Reply{Form: form.ForRejection(p, c)}, nil
	}
	_, err := d.Book.Decide(ctx, approvals.Decision{
		Request: p.ID, By: c.By, Op: c.Op, Reason: c.Words, Fingerprint: c.Fingerprint, Seen: p,
	})
	return Reply{Stored: err == nil}, err
}

// mayDecide asks the policy, and sees to it that another account of somebody
// who approved already does not count as one more person.
func (d *Desk) mayDecide(ctx context.Context, p approvals.Pending, who rules.Person) error {
	if err := d.Policy.MayApprove(ctx, d.Directory, p.Requester, who); err != nil {
		return err
	}
	for _, a := range p.Approvals {
		if a.By.Same(who) {
			continue // the book knows whether it is the same click again
		}
		same, err := d.Policy.SameHuman(ctx, d.Directory, a.By, who)
		if err != nil {
			return err
		}
		if same {
			return approvals.ErrAlready
		}
	}
	return nil
}

// tooLate is an error unless the request is in one of the states: then it does
// not matter any more who pressed the button.
func tooLate(p approvals.Pending, states ...approvals.State) error {
	if slices.Contains(states, p.State) {
		return nil
	}
	return over(p)
}

// over says how a request was decided.
func over(p approvals.Pending) *approvals.OverError {
	e := &approvals.OverError{State: p.State, By: p.EndedBy, At: p.Ended}
	if n := len(p.Approvals); p.State == approvals.APPROVED && n > 0 {
		e.By, e.At = p.Approvals[n-1].By, p.Approvals[n-1].At
	}
	if p.State == approvals.RUNNING {
		e.At = p.Started
	}
	return e
}
