package app

import (
	"bufio"
	"cmp"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"

	"countersign/approvals/rules"
	"countersign/audit"
	"countersign/slack"
)

// An auditor reads the trail where it stands. Redis, Qualys and the key are none of
// its business.
type auditor struct {
	slack  *slack.Slack
	policy *rules.Policy
}

// newAuditor asks for no more settings than it needs.
func newAuditor(ctx context.Context, c Config) (*auditor, error) {
	var errs []error
	for _, p := range c.problems() {
		if slices.ContainsFunc(p.of, func(name string) bool { return name == "SLACK_BOT_TOKEN" || name == "SLACK_API_URL" }) {
			errs = append(errs, p.err)
		}
	}
	policy, err := loadPolicy(c.PolicyFile)
	if err := errors.Join(append(errs, err)...); err != nil {
		return nil, err
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	s, err := slack.New(slack.Config{
		BotToken: c.SlackBotToken, AppToken: cmp.Or(c.SlackAppToken, "missing"), APIURL: c.SlackAPIURL, Dial: c.DialSlack, Log: c.Log,
	})
	if err != nil {
		return nil, err
	}
	if err := s.Hello(ctx); err != nil {
		s.Close()
		return nil, err
	}
	return &auditor{s, policy}, nil
}

// ExportTrail writes the trail in the audit channel as JSON lines. What others
// posted is left out and returned as findings. What cannot be written down, although
// the bot posted it, is an error.
func ExportTrail(ctx context.Context, c Config, to io.Writer) (others []string, err error) {
	a, err := newAuditor(ctx, c)
	if err != nil {
		return nil, err
	}
	defer a.slack.Close()
	var unwritten []error
	buffered := bufio.NewWriter(to)
	err = audit.WriteJSONL(buffered, func(yield func(audit.Line, error) bool) {
		for l, err := range a.slack.ReadTrail(ctx, a.policy.AuditChannel()) {
			bad, unread := errors.AsType[*audit.LineError](err)
			switch {
			case unread && bad.By != "":
				others = append(others, err.Error())
				continue
			case unread:
				unwritten = append(unwritten, err)
				continue
			case err == nil && l.By != a.slack.Bot():
				others = append(others, fmt.Sprintf("message %s/%s looks like an entry, and %s posted it", l.Channel, l.TS, l.By))
				continue
			case err == nil && l.Visible != "":
				unwritten = append(unwritten, fmt.Errorf("message %s/%s: %s has no metadata", l.Channel, l.TS, l.Visible))
				continue
			}
			if !yield(l, err) {
				return
			}
		}
	})
	return others, errors.Join(append(unwritten, err, buffered.Flush())...)
}

// VerifyTrail checks the trail in the audit channel with a public key, with the checkpoints
// and the CSVs that are still in Slack. The error says that reading ended early.
func VerifyTrail(ctx context.Context, c Config, key ed25519.PublicKey) (audit.Report, error) {
	a, err := newAuditor(ctx, c)
	if err != nil {
		return audit.Report{Ended: err}, err
	}
	defer a.slack.Close()
	check := audit.Check{Key: key, Bot: a.slack.Bot()}
	var unread error
	if a.policy.Checkpoint != "" { // before the trail: what is posted meanwhile is on the chain all the same
		check.Checkpoints, unread = a.slack.ReadCheckpoints(ctx, a.policy.Checkpoint)
	}
	report, err := check.Verify(a.slack.ReadTrail(ctx, a.policy.AuditChannel(), a.policy.Channels...))
	report.Ended = cmp.Or(report.Ended, unread)
	return report, cmp.Or(err, unread)
}
