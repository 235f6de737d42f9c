package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"countersign/approvals"
	"countersign/approvals/rules"
	"countersign/audit"
	"countersign/qualys"
	"countersign/slack"
)

// A checkup tries the parts of the bot one after the other. Its house is built
// while it goes on: a part is there once it was tried.
type checkup struct {
	house
	problems []problem         // of the settings
	blocks   map[string]string // what is not well, and why nothing that needs it is tried
}

// What blocks less than the line it stands on.
const (
	offline   = "slack's network"     // what needs Slack, but not the bot token
	noAnswers = "qualys's API server" // what needs Qualys, but not the platform users
)

// Check tries everything that [Run] needs, read-only, says a line about each
// and what to do about what fails, and reports whether all is well. What lacks
// a setting, or something that failed before, is not tried. It logs in to each of
// Qualys' two servers once.
func Check(ctx context.Context, c Config, to Report) bool {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	k := &checkup{house: house{Config: c}, blocks: map[string]string{}}
	k.problems = k.Config.problems()
	defer k.close()
	login := []string{"QUALYS_PLATFORM", "QUALYS_API_URL", "QUALYS_GATEWAY_URL", "QUALYS_ADMIN_URL", "QUALYS_USERNAME", "QUALYS_PASSWORD"}
	for _, one := range []struct {
		what     string
		settings []string // that it cannot do without
		after    []string // what has to be well before
		try      func(context.Context) (string, error)
	}{
		{"settings", nil, nil, k.trySettings},
		{"redis", []string{"REDIS_URL"}, nil, k.tryRedis},
		{"slack", []string{"SLACK_BOT_TOKEN", "SLACK_API_URL"}, nil, k.trySlack},
		{"scopes", nil, []string{"slack"}, k.tryScopes},
		{"socket", []string{"SLACK_APP_TOKEN", "SLACK_API_URL"}, []string{offline}, k.trySocket},
		{"policy", nil, nil, k.tryPolicy},
		{"channels", nil, []string{"policy", "scopes"}, k.tryChannels},
		{"people", nil, []string{"policy", "scopes"}, k.tryPeople},
		{"quorum", nil, []string{"people"}, k.tryQuorum},
		{"qualys", login, nil, k.tryQualys},
		{"saq users", login, []string{noAnswers}, k.trySAQ},
	} {
		said, err := "", k.blocked(one.settings, one.after)
		if err == nil {
			said, err = one.try(ctx)
		}
		if untried, ok := errors.AsType[notTried](err); ok {
			k.blocks[one.what] = string(untried)
		} else if err != nil {
			k.blocks[one.what] = "see " + one.what
		}
		to.line(one.what, said, err)
	}
	return len(k.blocks) == 0
}

// blocked says why something cannot be tried, or returns nil.
func (k *checkup) blocked(settings, after []string) error {
	var missing []string
	wrong := false
	for _, p := range k.problems {
		for _, name := range p.of {
			if !slices.Contains(settings, name) {
				continue
			}
			if p.missing {
				missing = append(missing, name)
			} else {
				wrong = true
			}
		}
	}
	switch {
	case len(missing) == 1:
		return notTried(missing[0] + " is missing")
	case len(missing) > 1:
		return notTried(strings.Join(missing, ", ") + " are missing")
	case wrong:
		return notTried("see settings")
	}
	for _, what := range after {
		if why := k.blocks[what]; why != "" {
			return notTried(why)
		}
	}
	return nil
}

func (k *checkup) close() {
	if k.slack != nil {
		k.slack.Close()
	}
	if k.qualys != nil {
		k.qualys.Close()
	}
	if k.redis != nil {
		_ = k.redis.Close() // it was only read
	}
}

func (k *checkup) trySettings(context.Context) (string, error) { return "complete", joined(k.problems) }

// tryRedis needs no key of ours, but a book does.
func (k *checkup) tryRedis(ctx context.Context) (string, error) {
	client, err := DialRedis(k.RedisURL.Reveal(), k.DialRedis)
	if err != nil {
		return "", err
	}
	k.redis = client
	keys, err := k.Settings.keys()
	if err == nil {
		k.book, err = approvals.NewBook(approvals.Config{Client: client, Tenant: k.CountersignTenant, Keys: keys.now})
	}
	var replicas int
	var warnings []string
	if err != nil { // the settings say why
		warnings, err = checkRedis(ctx, client)
	} else {
		replicas, warnings, err = k.meetRedis(ctx)
	}
	said := "answers"
	if replicas > 0 {
		said += ". " + audit.Plural(replicas, "replica") + ", and approvals wait for one"
	}
	return strings.Join(append([]string{said}, warnings...), "\n"), err
}

// open prepares to talk to Slack, with whichever token there is.
func (k *checkup) open() (err error) {
	if k.slack != nil {
		return nil
	}
	k.slack, err = slack.New(slack.Config{
		BotToken: cmp.Or(k.SlackBotToken, "missing"), AppToken: cmp.Or(k.SlackAppToken, "missing"),
		APIURL: k.SlackAPIURL, Dial: k.DialSlack,
	})
	return err
}

func (k *checkup) trySlack(ctx context.Context) (string, error) {
	if err := k.open(); err != nil {
		return "", err
	}
	err := k.slack.Hello(ctx)
	if _, refused := errors.AsType[*slack.TokenError](err); err != nil && !refused {
		k.blocks[offline] = "see slack"
		err = advised(err, "Can this machine reach "+k.SlackAPIURL+"? Behind a proxy HTTPS_PROXY must be set")
	}
	return "workspace " + k.slack.Team(), err
}

func (k *checkup) tryScopes(ctx context.Context) (string, error) {
	missing, extra, err := k.slack.Scopes(ctx)
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

func (k *checkup) trySocket(ctx context.Context) (string, error) {
	if err := k.open(); err != nil {
		return "", err
	}
	if err := k.slack.Socket(ctx); err != nil {
		return "", advised(err, "Slack app → Socket Mode must be on, and SLACK_APP_TOKEN an app-level token with connections:write")
	}
	return "Socket Mode is on", nil
}

func (k *checkup) tryPolicy(ctx context.Context) (string, error) {
	policy, err := loadPolicy(k.PolicyFile)
	if errors.Is(err, ErrNoPolicy) {
		return "", fmt.Errorf("there is nothing in %s. Put a sample there, and then your people: bot > %[1]s", k.PolicyFile)
	}
	if errors.As(err, new(rules.Mistakes)) {
		return "", k.resolved(ctx, err)
	}
	if err != nil {
		return "", err
	}
	k.policy = policy
	return fmt.Sprintf("%s, hash %.12s", k.PolicyFile, policy.Hash()), nil
}

// handle is what people write into a policy where an id belongs.
var handle = regexp.MustCompile(`(?:^|[\s\[,"'])([@#][\p{L}\p{N}][\p{L}\p{N}._-]*)`)

// resolved adds to the mistakes in the policy the ids that were probably meant,
// where somebody wrote @handle or #name.
func (k *checkup) resolved(ctx context.Context, mistakes error) error {
	text, err := os.ReadFile(k.PolicyFile)
	errs := []error{mistakes, err}
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
			if why := k.blocks["scopes"]; why != "" {
				return errors.Join(append(errs, fmt.Errorf("%s and the like are not looked up: %s", name, why))...)
			}
			switch id, err := k.slack.Find(ctx, name); {
			case err != nil:
				errs = append(errs, err)
			case id != "":
				errs = append(errs, fmt.Errorf("%s is %s: write that id instead", name, id))
			case name[0] == '@': // behind a # there may be a comment
				errs = append(errs, fmt.Errorf("nobody here is called %s", name))
			}
		}
	}
	return errors.Join(errs...)
}

// tryChannels looks whether the bot is where commands work, and whether files
// may be posted there.
func (k *checkup) tryChannels(ctx context.Context) (string, error) {
	var errs []error
	var names []string
	ids := append(slices.Clone(k.policy.Channels), k.policy.AuditChannel())
	if k.policy.Checkpoint != "" {
		ids = append(ids, k.policy.Checkpoint)
	}
	slices.Sort(ids)
	for _, id := range slices.Compact(ids) {
		c, err := k.slack.Channel(ctx, id)
		switch {
		case err != nil:
			errs = append(errs, advised(fmt.Errorf("channel %s cannot be seen: %w", id, err), "Check the id, and invite the bot there: /invite @Countersign"))
		case !c.Member:
			errs = append(errs, fmt.Errorf("the bot is not in #%s (%s). Type there: /invite @Countersign", c.Name, id))
		case !c.Private && k.policy.Files != rules.AnyChannel && slices.Contains(k.policy.Channels, id):
			errs = append(errs, fmt.Errorf("#%s (%s) is public or shared, and files go to private channels only. Make it private, or set files: any_channel", c.Name, id))
		default:
			names = append(names, "#"+c.Name)
		}
	}
	return strings.Join(names, ", "), errors.Join(errs...)
}

// tryPeople looks everybody up whom the policy names.
func (k *checkup) tryPeople(ctx context.Context) (string, error) {
	var errs []error
	var people, groups int
	dir := k.slack.Directory(time.Minute)
	ids := slices.Concat(k.policy.Readers, k.policy.Requesters, k.policy.Approvers)
	slices.Sort(ids)
	for _, id := range slices.Compact(ids) {
		if strings.HasPrefix(id, "S") {
			groups++
			errs = append(errs, k.tryGroup(ctx, dir, id))
			continue
		}
		people++
		who := rules.Person{Team: k.slack.Team(), ID: id}
		if _, err := dir.Profile(ctx, who); errors.Is(err, rules.ErrUnknownPerson) {
			errs = append(errs, fmt.Errorf("nobody here has the id %s. A person's id stands in their profile: ⋮ → Copy member ID", id))
			continue
		}
		roles, err := k.policy.Roles(ctx, dir, who)
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("person %s: %w", id, err))
		case len(roles.List()) == 0:
			errs = append(errs, fmt.Errorf("person %s is a guest, a bot, deactivated or not of this workspace, and can do nothing", id))
		}
	}
	said := audit.Plural(people, "person", "people")
	if groups > 0 {
		said += ", " + audit.Plural(groups, "group")
	}
	return said, errors.Join(errs...)
}

func (k *checkup) tryGroup(ctx context.Context, dir rules.Directory, id string) error {
	members, err := dir.Members(ctx, id)
	switch {
	case err != nil:
		return advised(fmt.Errorf("group %s: %w", id, err), "User groups need a paid Slack plan; people alone are fine")
	case len(members) == 0:
		return fmt.Errorf("group %s has no members", id)
	}
	return nil
}

// tryQuorum looks whether every requester can find enough approvers.
func (k *checkup) tryQuorum(ctx context.Context) (string, error) {
	return "every row of approvals can be met", k.quorum(ctx, k.slack.Directory(time.Minute))
}

// tryQualys asks both servers: the one of the questionnaire for its version, and
// the one of the administration for a platform user.
func (k *checkup) tryQualys(ctx context.Context) (string, error) {
	version, err := k.version(ctx)
	if err != nil {
		k.blocks[noAnswers] = "see qualys"
		return "", err
	}
	users, err := k.platformUsers(ctx)
	return fmt.Sprintf("version %s, %s", version, audit.Plural(users, "platform user")), err
}

const refusedLogin = "Check QUALYS_USERNAME, QUALYS_PASSWORD and whether the platform is the right one; more tries may lock the account"

// version logs in. Redis knows which credentials were refused before, if it
// answers; if it does not, Qualys is asked all the same.
func (k *checkup) version(ctx context.Context) (version string, err error) {
	var login qualys.Login
	if k.book != nil && k.book.Client.Ping(ctx).Err() == nil {
		login = k.book.Login
	}
	if k.qualys, err = k.client(login); err != nil {
		return "", err
	}
	version, err = k.qualys.Version(ctx)
	switch {
	case errors.Is(err, qualys.ErrCredentials):
		err = advised(err, refusedLogin)
	case errors.Is(err, qualys.ErrPermission):
		err = advised(err, "The account needs the permission API ACCESS")
	case errors.Is(err, qualys.ErrUnreachable):
		err = advised(err, "Is QUALYS_PLATFORM the right one? Behind a proxy HTTPS_PROXY must be set")
	}
	return version, err
}

// platformUsers is how many there are. It asks for one.
func (k *checkup) platformUsers(ctx context.Context) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	sum, err := k.qualys.Download(ctx, qualys.DownloadQuery{Limit: 1}, io.Discard)
	switch {
	case errors.Is(err, qualys.ErrNotEnabled): // its Resolution says whom to ask
		err = advised(err, "Without it everything but download works")
	case errors.Is(err, qualys.ErrCredentials):
		err = advised(err, refusedLogin)
	case err != nil:
		err = advised(err, "QUALYS_GATEWAY_URL serves /auth, and /adminui unless QUALYS_ADMIN_URL says where that is")
	}
	return max(sum.Total, sum.Rows), err
}

func (k *checkup) trySAQ(ctx context.Context) (string, error) {
	n, err := k.qualys.Count(ctx, nil)
	if errors.Is(err, qualys.ErrPermission) {
		err = advised(err, "The account needs the SAQ module and the permission API ACCESS")
	}
	return fmt.Sprintf("%d in scope", n), err
}
