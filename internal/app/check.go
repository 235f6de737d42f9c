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
	"countersign/slack"
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
	if err != nil {
		return to.line("policy", "", resolved(ctx, c, err))
	}
	defer h.close()
	to.line("policy", fmt.Sprintf("%s, hash %.12s", c.PolicyFile, h.policy.Hash()), nil)
	ok := true
	for _, try := range []struct {
		what string
		do   func(context.Context) (string, error)
	}{
		{"redis", h.tryRedis}, {"slack", h.trySlack}, {"scopes", h.tryScopes}, {"socket", h.trySocket},
		{"channels", h.tryChannels}, {"people", h.tryPeople}, {"quorum", h.tryQuorum},
		{"qualys", h.tryQualys}, {"saq users", h.trySAQ},
	} {
		said, err := try.do(ctx)
		ok = to.line(try.what, said, err) && ok
	}
	return ok
}

// resolved adds to a mistake in the policy the id that was probably meant,
// where somebody wrote @handle or #name.
func resolved(ctx context.Context, c Config, err error) error {
	var mistakes rules.Mistakes
	if !errors.As(err, &mistakes) {
		return err
	}
	s, errSlack := slack.New(slack.Config{
		BotToken: c.SlackBotToken, AppToken: c.SlackAppToken, APIURL: c.SlackAPIURL, Dial: c.DialSlack,
	})
	if errSlack != nil {
		return errors.Join(err, errSlack)
	}
	defer s.Close()
	for _, m := range mistakes {
		if !strings.HasPrefix(m.Value, "@") && !strings.HasPrefix(m.Value, "#") {
			continue
		}
		switch id, errFind := s.Find(ctx, m.Value); {
		case errFind != nil:
			err = errors.Join(err, errFind)
		case id == "":
			err = errors.Join(err, fmt.Errorf("nobody here is called %s", m.Value))
		default:
			err = errors.Join(err, fmt.Errorf("%s is %s: write that id instead", m.Value, id))
		}
	}
	return err
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

func (h *house) tryScopes(ctx context.Context) (string, error) {
	missing, extra, err := h.slack.Scopes(ctx)
	switch {
	case err != nil:
		return "", err
	case len(missing) > 0:
		return "", fmt.Errorf("the bot token lacks %s. Slack app → OAuth & Permissions → Bot Token Scopes: add them, then install the app again", strings.Join(missing, ", "))
	case len(extra) > 0:
		return "all there; more than needed: " + strings.Join(extra, ", "), nil
	}
	return "all there, and no more", nil
}

func (h *house) trySocket(ctx context.Context) (string, error) {
	if err := h.slack.Socket(ctx); err != nil {
		return "", fmt.Errorf("%w. Slack app → Socket Mode must be on, and SLACK_APP_TOKEN an app-level token with connections:write", err)
	}
	return "Socket Mode is on", nil
}

// tryChannels looks whether the bot is where commands work, and whether files
// may be posted there.
func (h *house) tryChannels(ctx context.Context) (string, error) {
	var errs []error
	var names []string
	ids := append(slices.Clone(h.policy.Channels), h.policy.AuditChannel())
	slices.Sort(ids)
	for _, id := range slices.Compact(ids) {
		c, err := h.slack.Channel(ctx, id)
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("channel %s cannot be seen: %w. Check the id, and invite the bot there: /invite @Countersign", id, err))
		case !c.Member:
			errs = append(errs, fmt.Errorf("the bot is not in #%s (%s). Type there: /invite @Countersign", c.Name, id))
		case !c.Private && h.policy.Files != rules.AnyChannel:
			errs = append(errs, fmt.Errorf("#%s (%s) is public or shared, and files go to private channels only. Make it private, or set files: any_channel", c.Name, id))
		default:
			names = append(names, "#"+c.Name)
		}
	}
	return strings.Join(names, ", "), errors.Join(errs...)
}

// tryPeople looks everybody up whom the policy names.
func (h *house) tryPeople(ctx context.Context) (string, error) {
	var errs []error
	dir := h.slack.Directory(0)
	ids := slices.Concat(h.policy.Readers, h.policy.Requesters, h.policy.Approvers)
	slices.Sort(ids)
	for _, id := range slices.Compact(ids) {
		if strings.HasPrefix(id, "S") {
			members, err := dir.Members(ctx, id)
			switch {
			case err != nil:
				errs = append(errs, fmt.Errorf("group %s: %w. User groups need a paid Slack plan; people alone are fine", id, err))
			case len(members) == 0:
				errs = append(errs, fmt.Errorf("group %s has no members", id))
			}
			continue
		}
		roles, err := h.policy.Roles(ctx, dir, rules.Person{Team: h.slack.Team(), ID: id})
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("person %s: %w", id, err))
		case len(roles.List()) == 0:
			errs = append(errs, fmt.Errorf("person %s is a guest, a bot, deactivated or not of this workspace, and can do nothing", id))
		}
	}
	return fmt.Sprintf("%d people and groups, all known", len(slices.Compact(ids))), errors.Join(errs...)
}

// tryQuorum looks whether a quorum can be reached.
func (h *house) tryQuorum(ctx context.Context) (string, error) {
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
