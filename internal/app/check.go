package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"countersign/approvals/rules"
	"countersign/audit"
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
	ok := to.line("settings", "complete", c.Check())
	policy, err := loadPolicy(c.PolicyFile)
	switch {
	case errors.Is(err, ErrNoPolicy):
		err = fmt.Errorf("%s is not there. Run bot without it: it prints a sample to save and fill in", c.PolicyFile)
	case err != nil && ok:
		err = resolved(ctx, c, err)
	}
	if err != nil || !ok {
		said := ""
		if err == nil {
			said = "can be read"
		}
		return to.line("policy", said, err) && ok
	}
	to.line("policy", fmt.Sprintf("%s, hash %.12s", c.PolicyFile, policy.Hash()), nil)
	h, err := build(c)
	if err != nil {
		return to.line("settings", "", err)
	}
	defer h.close()
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

// handle is what people write into a policy where an id belongs.
var handle = regexp.MustCompile(`(?:^|[\s\[,"'])([@#][\p{L}\p{N}][\p{L}\p{N}._-]*)`)

// resolved adds to a mistake in the policy the ids that were probably meant,
// where somebody wrote @handle or #name.
func resolved(ctx context.Context, c Config, err error) error {
	text, errRead := os.ReadFile(c.PolicyFile)
	if errRead != nil {
		return errors.Join(err, errRead)
	}
	s, errSlack := slack.New(slack.Config{
		BotToken: c.SlackBotToken, AppToken: c.SlackAppToken, APIURL: c.SlackAPIURL, Dial: c.DialSlack,
	})
	if errSlack != nil {
		return errors.Join(err, errSlack)
	}
	defer s.Close()
	seen := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(strings.TrimSpace(line), "#") { // a comment
			continue
		}
		for _, found := range handle.FindAllStringSubmatch(line, -1) {
			name := found[1]
			if seen[name] {
				continue
			}
			seen[name] = true
			switch id, errFind := s.Find(ctx, name); {
			case errFind != nil:
				err = errors.Join(err, errFind)
			case id != "":
				err = errors.Join(err, fmt.Errorf("%s is %s: write that id instead", name, id))
			case name[0] == '@': // behind a # there may be a comment
				err = errors.Join(err, fmt.Errorf("nobody here is called %s", name))
			}
		}
	}
	return err
}

func (h *house) tryRedis(ctx context.Context) (string, error) {
	replicas, warnings, err := h.meetRedis(ctx)
	said := []string{"answers"}
	if replicas > 0 {
		said = append(said, audit.Plural(replicas, "replica")+", and approvals wait for one")
	}
	return strings.Join(append(said, warnings...), ". "), err
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
	case errors.Is(err, slack.ErrNoScopes):
		return "Slack does not say which scopes the bot token has", nil
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
		case !c.Private && h.policy.Files != rules.AnyChannel && slices.Contains(h.policy.Channels, id):
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

// tryQuorum looks whether every requester can find enough approvers.
func (h *house) tryQuorum(ctx context.Context) (string, error) {
	return "every row of approvals can be met", h.quorum(ctx, h.slack.Directory(0))
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
