package card

import (
	"fmt"
	"strings"

	"countersign/approvals"
	"countersign/audit"
	"countersign/commands/grammar"
	"countersign/commands/words"
)

// Brief is a request on one line of mrkdwn.
func Brief(p approvals.Pending) string {
	parts := []string{
		words.Code(p.ID), string(p.Verb) + " " + audit.Plural(p.Users, "SAQ user"), state(p),
		"asked by " + words.Mention(p.Requester.ID), `"` + words.Escape(grammar.OneLine(p.Reason, 80)) + `"`,
	}
	return strings.Join(parts, " · ")
}

// state says where a request stands, in words.
func state(p approvals.Pending) string {
	switch p.State {
	case approvals.PENDING:
		return fmt.Sprintf("waits for approval (%d of %d) until %s", len(p.Approvals), p.Need, words.Clock(p.Deadline))
	case approvals.APPROVED:
		return "approved, starts at " + words.Clock(p.Starts)
	case approvals.RUNNING:
		running := fmt.Sprintf("running, %s of %s", audit.Number(worked(p)), audit.Number(p.Users))
		if p.Stopper.ID != "" {
			running += ", stopped by " + words.Mention(p.Stopper.ID)
		}
		return running
	case approvals.NEEDS_REVIEW:
		if p.Resuming {
			return fmt.Sprintf("is being resumed (%d of %d)", len(p.Approvals), p.Need)
		}
		return "needs review"
	case approvals.DONE, approvals.DONE_WITH_ERRORS, approvals.STOPPED:
		return words.Escape(audit.Summary(p))
	}
	return strings.ToLower(string(p.State))
}

// worked is how many users a run is through with, whatever became of them. Those
// whom an interrupted run left are still to come.
func worked(p approvals.Pending) int {
	n := 0
	for name, c := range p.Counts {
		if r := approvals.Result(name); r != approvals.ResultNotRun && r != approvals.ResultUnknown {
			n += c
		}
	}
	return min(n, p.Users)
}
