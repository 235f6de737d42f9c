package commands

import (
	"context"

	"countersign/approvals/rules"
	"countersign/commands/grammar"
	"countersign/commands/refusal"
)

// A verb is everything that the desk knows about a verb.
type verb struct {
	name     Verb
	needs    right
	usage    string   // what stands behind the verb
	about    string   // what it does, one sentence
	more     []string // what else help says about it
	examples []string // whole commands, the first one the plainest

	takes grammar.Shape // the words behind the verb
	run   func(d *Desk, ctx context.Context, s Slash, r Request) Reply
}

// table lists the verbs in the order of help.
func table() []verb {
	return []verb{
		downloadVerb(),
		findVerb(),
		countVerb(),
		updateVerb(),
		deleteVerb(),
		requestsVerb(),
		showVerb(),
		cancelVerb(),
		withdrawVerb(),
		retryVerb(),
		undoVerb(),
		stopVerb(),
		resumeVerb(),
		closeVerb(),
		freezeVerb(),
		unfreezeVerb(),
		whoamiVerb(),
		helpVerb(),
	}
}

func lookUp(name Verb) (verb, bool) {
	for _, v := range table() {
		if v.name == name {
			return v, true
		}
	}
	return verb{}, false
}

// A right is what the policy must allow somebody who uses a verb.
type right int

// The rights.
const (
	anybody    right = iota // in a channel of the policy
	maySee                  // anyone in a role
	mayRead                 // readers
	mayRequest              // requesters
	mayStop                 // requesters and approvers
	mayCancel               // the requester: judged per request
	mayDecide               // approvers: judged per request, or per freeze
	mayClose                // approvers, and the requester: judged per request
)

// holds reports whether somebody with these roles may use a verb that needs
// the right.
func (r right) holds(roles rules.Roles) bool {
	rights := roles.Rights()
	switch r {
	case maySee:
		return rights.See
	case mayRead:
		return rights.Read
	case mayRequest, mayCancel:
		return rights.Request
	case mayStop:
		return rights.Stop
	case mayDecide:
		return rights.Approve
	case mayClose:
		return rights.Approve || rights.Request
	}
	return true
}

// refusal is the error that package rules has for somebody without the right.
func (r right) refusal(roles rules.Roles) error {
	switch {
	case len(roles.List()) == 0:
		return rules.ErrNoRole
	case r == mayRead:
		return rules.ErrNotReader
	case r == mayClose, r == mayDecide:
		return rules.ErrNotApprover
	case r == mayStop:
		return refusal.ErrNotStopper
	}
	return rules.ErrNotRequester
}
