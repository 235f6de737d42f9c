package simulation

import (
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A row is a fault, and what holds the promise about it: the rules that the
// simulation misses when they are switched off, and tests elsewhere for what a
// simulation cannot show.
type row struct {
	fault   string
	mutants []string
	tests   []string
}

// faultTable has a row for every fault that the specification counts, in its
// order: the first is number 1.
var faultTable = []row{
	{"two approvers click at once", []string{"atomic approve"}, []string{"approvals/TestDecisionsAtOnceHaveOneOutcome"}},
	{"one approver clicks twice", []string{"same answer", "one person once"}, nil},
	{"a click while the request expires", []string{"deadline", "expiry wins ties", "deadline under a freeze"}, nil},
	{"an approver leaves before the click", nil, []string{"commands/TestRightsAreReadAtTheClick", "slack/TestRightsAreReadAtTheClick"}},
	{"an approver leaves after the click", []string{
		"rights at the claim", "rights during the run", "look-ups fail closed", "policy at the claim", "numbers of the policy",
	}, nil},
	{"the requester approves, by a second account", []string{"self-approval", "second account", "distinct people"}, []string{"approvals/rules/TestTheRequesterNeverApproves"}},
	{"killed before the request is stored", []string{"same command", "noted before the work", "told to repeat", "told once"}, []string{"slack/TestACommandWhoseReplicaDiedIsNoticed"}},
	{"killed before the card is posted", []string{"shown first", "trail at the claim"}, []string{"slack/TestAnotherPosterGoesOnWhereOneDied"}},
	{"killed after an approval", []string{"due in the same script", "due when resumed", "deadline stays due", "deadline in the same script"}, nil},
	{"a write is sent and its answer lost", []string{"sent before the call", "done after the call", "read back", "settle time", "rounds"}, nil},
	{"a paused replica wakes after a takeover", []string{"epoch", "epoch of a claim", "fence of a review", "freshness", "lease at the claim"}, []string{"internal/app/TestKills"}},
	{"killed before the summary", []string{"one summary", "counted once", "counts of the summary", "every step in the log"}, nil},
	{"Redis is killed and restarted", nil, []string{"approvals/TestAnAppendOnlyFileKeepsDecisions", "internal/app/TestKills"}},
	{"a failover loses the last writes", []string{"rollback", "doubt after a setback", "numbers behind the channel"}, []string{"approvals/TestAnUnreplicatedApprovalDoesNotStart", "approvals/TestALostTailRunsNothing"}},
	{"Redis is gone", nil, []string{"execution/TestWithoutRedisNothingIsWritten", "internal/app/TestPeopleAreToldThatRedisIsGone"}},
	{"Redis evicts the plan", []string{"plan at the claim"}, []string{"approvals/TestAnEvictedPlanIsNotRun"}},
	{"an envelope comes twice", []string{"same answer", "same command", "same freeze", "one answer"}, []string{"slack/TestARepeatedCommandIsAnsweredOnce"}},
	{"Slack limits the rate", nil, []string{"slack/TestNumbersStandInOrderUnderARateLimit"}},
	{"the answer to a post is lost", []string{"sealed once", "one poster"}, []string{"slack/TestAnyCallMayFailOnce"}},
	{"a socket is refreshed", nil, []string{"slack/socket/TestRefreshesLoseNoClick"}},
	{"all replicas are down while somebody clicks", []string{"stored before told"}, []string{
		"slack/TestADecisionIsStoredBeforeItsAcknowledgement", "slack/TestAClickThatTakesTooLongIsNotStored",
	}},
	{"Qualys refuses the login", []string{"one login"}, []string{"approvals/TestCredentialsAreTriedOnce"}},
	{"Qualys turns a write away", nil, []string{"execution/TestARunWaitsForItsTurn", "execution/TestALongWaitReleasesTheLease"}},
	{"Qualys turns a read away", nil, []string{"execution/TestTheRunWaitsForReads"}},
	{"a write fails without a proof that nothing was done", []string{"unsent only on proof", "read back"}, nil},
	{"a success for some of the users", []string{"failures"}, []string{"execution/TestADeleteReportsWhatQualysLost"}},
	{"a user changes after the approval", []string{"drift", "protected users"}, nil},
	{"two open requests hold one user", []string{"overlap"}, nil},
	{"the clocks of replicas differ", []string{"one clock", "deadline by Redis' clock"}, nil},
	{"Redis' clock jumps", []string{"one clock"}, nil},
}

// threats are what somebody may do on purpose, and what people count on besides.
var threats = []row{
	{"a forged button", []string{"button of the plan"}, []string{"slack/TestForgedClicksDecideNothing"}},
	{"a record is written by hand", []string{"quorum at the claim", "seal of an approval", "seal of the record", "seal of the plan"}, nil},
	{"an old record is put back", []string{"rollback", "withdrawals in the channel"}, []string{"internal/app/TestARejectedRequestDoesNotRunFromAnOldRedis"}},
	{"a person thinks again", []string{"withdrawal", "round", "one no", "cool-down", "stop"}, nil},
	{"somebody does what is not theirs", []string{"one's own request", "one's own approval"}, []string{"slack/TestForgedClicksDecideNothing"}},
	{"somebody floods everybody", []string{"open requests", "open requests of a person"}, nil},
	{"a channel is given up", []string{"channel"}, nil},
	{"a review is resumed, or closed", []string{"fresh quorum", "one's own review", "closed after a review"}, nil},
	{"everything is frozen", []string{"freeze at the claim", "freeze at the write"}, nil},
	{"two plans are approved", []string{"running slot"}, nil},
}

// TestEveryRowIsHeld compares the tables with the mutants, and with the tests
// that they name.
func TestEveryRowIsHeld(t *testing.T) {
	if len(faultTable) != 30 {
		t.Errorf("%d faults, want 30", len(faultTable))
	}
	var named []string
	for i, r := range slices.Concat(faultTable, threats) {
		if len(r.mutants)+len(r.tests) == 0 {
			t.Errorf("row %d: nothing holds it: %s", i+1, r.fault)
		}
		for _, test := range r.tests {
			if !exists(t, test) {
				t.Errorf("row %d: there is no test %s", i+1, test)
			}
		}
		named = append(named, r.mutants...)
	}
	var all []string
	for _, m := range mutants() {
		all = append(all, m.name)
		if !slices.Contains(named, m.name) {
			t.Errorf("no row names the rule %q", m.name)
		}
	}
	for _, name := range named {
		if !slices.Contains(all, name) {
			t.Errorf("there is no rule %q", name)
		}
	}
}

// exists reports whether a package, or a part of it, has a test.
func exists(t *testing.T, test string) (found bool) {
	t.Helper()
	dir, name := path.Split(test)
	err := filepath.WalkDir(filepath.Join("..", "..", filepath.FromSlash(dir)), func(file string, _ os.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(file, "_test.go") {
			return err
		}
		text, err := os.ReadFile(file)
		found = found || strings.Contains(string(text), "\nfunc "+name+"(")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
