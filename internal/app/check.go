package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"countersign/approvals/rules"
	"countersign/qualys"
)

// A Report is where [Check] writes, a line for each thing it tried.
type Report struct {
	Out  io.Writer
	JSON bool // a JSON object a line, for programs
}

// A result is one line of a report.
type result struct {
	What string `json:"what"`
	OK   bool   `json:"ok"`
	Said string `json:"said,omitempty"` // what was found, or what is wrong and what to do
}

func (r Report) line(what string, said string, err error) bool {
	l := result{What: what, OK: err == nil, Said: said}
	if err != nil {
		l.Said = strings.ReplaceAll(err.Error(), "\n", "; ")
	}
	if r.JSON {
		raw, _ := json.Marshal(l) // strings and a bool always marshal
		fmt.Fprintf(r.Out, "%s\n", raw)
		return l.OK
	}
	mark := "ok  "
	if !l.OK {
		mark = "FAIL"
	}
	fmt.Fprintf(r.Out, "%s  %-10s %s\n", mark, what, l.Said)
	return l.OK
}

// Check tries everything that [Run] needs, read-only, says a line about each
// and what to do about what fails, and reports whether nothing failed. It logs
// in to Qualys once.
func Check(ctx context.Context, c Config, to Report) bool {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	if err := c.Check(); err != nil {
		return to.line("settings", "", err)
	}
	to.line("settings", "complete", nil)
	h, err := build(c)
	if errors.Is(err, ErrNoPolicy) || err != nil {
		return to.line("policy", "", err)
	}
	defer h.close()
	to.line("policy", fmt.Sprintf("%s, hash %.12s", c.PolicyFile, h.policy.Hash()), nil)
	ok := true
	for _, try := range []struct {
		what string
		do   func(context.Context) (string, error)
	}{
		{"redis", h.tryRedis}, {"slack", h.trySlack}, {"channels", h.tryChannels}, {"people", h.tryPeople},
		{"qualys", h.tryQualys}, {"saq users", h.trySAQ},
	} {
		said, err := try.do(ctx)
		ok = to.line(try.what, said, err) && ok
	}
	return ok
}

func (h *house) tryRedis(ctx context.Context) (string, error) {
	return "answers, and evicts nothing", checkRedis(ctx, h.book.Client, h.Log)
}

func (h *house) trySlack(ctx context.Context) (string, error) {
	if err := h.slack.Hello(ctx); err != nil {
		return "", err
	}
	return "workspace " + h.slack.Team(), nil
}

// tryChannels looks whether files may be posted where commands work.
func (h *house) tryChannels(ctx context.Context) (string, error) {
	var errs []error
	for _, channel := range slices.Compact(append(slices.Clone(h.policy.Channels), h.policy.AuditChannel())) {
		private, err := h.slack.Private(ctx, channel)
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("channel %s: %w. Invite the bot there with /invite", channel, err))
		case !private && h.policy.Files != rules.AnyChannel:
			errs = append(errs, fmt.Errorf("channel %s is public or shared, and files go to private channels only. Make it private, or set files: any_channel", channel))
		}
	}
	return strings.Join(h.policy.Channels, ", "), errors.Join(errs...)
}

// tryPeople looks whether a quorum can be reached without the requester.
func (h *house) tryPeople(ctx context.Context) (string, error) {
	need := 0
	for _, row := range h.policy.Approvals {
		need = max(need, row.Need)
	}
	able, err := h.policy.Quorum(ctx, h.slack.Directory(0), rules.Person{Team: h.slack.Team()}, need)
	var few rules.ErrUnreachableQuorum
	if errors.As(err, &few) {
		return "", fmt.Errorf("%d can approve and %d are needed. Name more approvers in the policy", few.Have, few.Need)
	}
	return fmt.Sprintf("%d can approve, at most %d are needed", len(able), need), err
}

func (h *house) tryQualys(ctx context.Context) (string, error) {
	version, err := h.qualys.Version(ctx)
	if errors.Is(err, qualys.ErrCredentials) {
		err = fmt.Errorf("%w. Check QUALYS_USERNAME, QUALYS_PASSWORD and whether the platform is the right one; more tries may lock the account", err)
	}
	return version, err
}

func (h *house) trySAQ(ctx context.Context) (string, error) {
	n, err := h.qualys.Count(ctx, nil)
	if errors.Is(err, qualys.ErrPermission) {
		err = fmt.Errorf("%w. The account needs the SAQ module and API access", err)
	}
	return fmt.Sprintf("%d in scope", n), err
}
