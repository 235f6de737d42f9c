package app

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"countersign/approvals"
	"countersign/approvals/rules"
	"countersign/audit"
	"countersign/commands"
	"countersign/execution"
	"countersign/qualys"
	"countersign/slack"
)

// A Config is what the program runs with. Only Settings come from the
// operator; the rest is for tests and the demo, and zero in production.
type Config struct {
	Settings
	Log     *slog.Logger
	Version string

	DialSlack  dialer // nil: the network's
	DialQualys dialer
	DialRedis  dialer

	Times Times
	Point func(name string) // a place where a test may strike
}

// Times are lengths that are constants in production. Zero means the
// product's own; the comments give it.
type Times struct {
	Poll         time.Duration // 1 s: how often the executor looks for work
	Lease        time.Duration // 30 s
	Heartbeat    time.Duration // 5 s
	Fresh        time.Duration // 10 s
	Silence      time.Duration // 20 s
	Settle       func(qualys.Fate) time.Duration
	PosterLease  time.Duration // 10 s
	SecondSocket time.Duration // some minutes: when the second socket is opened
	Write        time.Duration // 90 s: how long a write to Qualys may take
}

// ErrNoPolicy means that there is no policy file, or nothing in it. Whoever gets
// it shows [rules.Sample].
var ErrNoPolicy = errors.New("there is no policy file. Save the sample that bot prints as policy.yaml, or set POLICY_FILE, and name your people in it")

// loadPolicy reads the policy file and refuses what would have no effect. An
// empty file is none: that is what a shell makes of "bot > policy.yaml" before
// the bot looks.
func loadPolicy(path string) (*rules.Policy, error) {
	text, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && len(bytes.TrimSpace(text)) == 0:
		return nil, ErrNoPolicy
	case errors.Is(err, syscall.EISDIR):
		return nil, fmt.Errorf("POLICY_FILE: %s is a folder. Name the file; Docker makes an empty folder where a file to mount is missing", path)
	case err != nil:
		return nil, fmt.Errorf("POLICY_FILE: %w", err)
	}
	policy, err := rules.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	var errs []error
	for _, key := range []struct {
		used bool
		name string
	}{
		{policy.PolicyChanges == rules.TwoPeople, "policy_changes: two_people"},
		{policy.NewApproversWait > 0, "new_approvers_wait"},
	} {
		if key.used {
			errs = append(errs, fmt.Errorf("%s: %s has no effect in this version. Take it out", path, key.name))
		}
	}
	return policy, errors.Join(errs...)
}

// A house is every part of the bot, put together.
type house struct {
	Config
	policy  *rules.Policy
	keys    keyring
	metrics *metrics
	redis   interface{ Close() error }
	book    *approvals.Book
	qualys  *qualys.Client
	slack   *slack.Slack
}

// build makes the parts. It talks to nobody yet.
func build(c Config) (*house, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	wrong := c.Check()
	policy, err := loadPolicy(c.PolicyFile)
	if err := errors.Join(wrong, err); err != nil {
		return nil, err
	}
	keys, err := c.keys()
	if err != nil {
		return nil, err
	}
	client, err := DialRedis(c.RedisURL.Reveal(), c.DialRedis)
	if err != nil {
		return nil, err
	}
	h := &house{Config: c, policy: policy, keys: keys, metrics: newMetrics(), redis: client}
	h.book, err = approvals.NewBook(approvals.Config{
		Client: client, Tenant: c.CountersignTenant, Keys: keys.now, Old: keys.old,
		Policy: policy.Hash(), Retention: policy.Retention, Point: c.Point,
	})
	if err != nil {
		return nil, err
	}
	if h.qualys, err = c.client(h.book.Login); err != nil {
		return nil, err
	}
	trail := audit.NewTrail(c.CountersignTenant, keys.now.Sign)
	if keys.old != nil {
		trail.Former = keys.old.Sign
	}
	h.slack, err = slack.New(slack.Config{
		BotToken: c.SlackBotToken, AppToken: c.SlackAppToken, APIURL: c.SlackAPIURL, Dial: c.DialSlack,
		Book: h.book, Trail: trail,
		AuditChannel: policy.AuditChannel(), Checkpoints: policy.Checkpoint, Approvers: policy.Approvers, AnyFiles: policy.Files == rules.AnyChannel,
		Typed:   func(users int) bool { return users > policy.TypeToConfirmAbove },
		Replica: replica(), Log: c.Log, Meter: h.metrics.meter(), Point: c.Point, SecondSocket: c.Times.SecondSocket,
		Lease: c.Times.PosterLease,
	})
	return h, err
}

// client makes the client of Qualys.
func (c Config) client(login qualys.Login) (*qualys.Client, error) {
	return qualys.New(qualys.Config{
		APIURL: c.QualysAPIURL, GatewayURL: c.QualysGatewayURL, AdminURL: c.QualysAdminURL,
		Username: c.QualysUsername, Password: c.QualysPassword,
		Log: c.Log, Dial: c.DialQualys, WriteTimeout: c.Times.Write, Login: login,
	})
}

// replica names this process, so that leases can tell replicas apart.
func replica() string {
	host, _ := os.Hostname() // a name for people; the rest makes it unique
	return host + "-" + rand.Text()[:8]
}

// Run runs the bot until the context ends, and returns nil then. Errors are
// for the operator: what is wrong, and what to do.
func Run(ctx context.Context, c Config) error {
	h, err := build(c)
	if err != nil {
		return err
	}
	defer h.close()
	replicas, warnings, err := h.meetRedis(ctx)
	if err != nil {
		return err
	}
	h.Log.InfoContext(ctx, "Redis answers", "replicas", replicas)
	for _, w := range warnings {
		h.Log.WarnContext(ctx, w)
	}
	if err := h.slack.Hello(ctx); err != nil {
		return err
	}
	if err := h.announce(ctx); err != nil {
		return err
	}
	desk, err := commands.New(commands.Config{
		Book: h.book, Users: h.qualys, Policy: h.policy,
		Directory: h.slack.Directory(5 * time.Second), Reads: h.slack.Directory(time.Minute),
		Private: h.slack.Private, Tell: h.slack.Tell, Tenant: c.CountersignTenant, SpoolDir: c.SpoolDir, Log: h.Log,
	})
	if err != nil {
		return err
	}
	return h.work(ctx, desk)
}

// work runs the parts until the context ends or one of them fails for good.
func (h *house) work(ctx context.Context, desk *commands.Desk) error {
	executor := execution.New(execution.Config{
		Book: h.book, Users: h.qualys, Policy: h.policy,
		Directory: h.slack.Directory(5 * time.Second), Between: h.slack.Directory(time.Minute),
		Accounts: h.qualys.Logins, Entries: h.slack.Entries, Log: h.Log, Point: h.Point,
		Poll: h.Times.Poll, Lease: h.Times.Lease, Heartbeat: h.Times.Heartbeat,
		Fresh: h.Times.Fresh, Silence: h.Times.Silence, Settle: h.Times.Settle,
	})
	posting, stopPosting := context.WithCancel(context.WithoutCancel(ctx))
	defer stopPosting()
	var poster errgroup.Group
	poster.Go(func() error { return h.slack.Post(posting) })

	workers, ctx := errgroup.WithContext(ctx)
	workers.Go(func() error { return h.slack.Receive(ctx, desk) })
	workers.Go(func() error { return executor.Run(ctx) })
	workers.Go(func() error { return h.watchReplicas(ctx, h.book.Replicas) })
	workers.Go(func() error { return h.health().serve(ctx, h.ListenAddr, h.Log) })
	err := workers.Wait()
	stopPosting()
	return errors.Join(err, poster.Wait())
}

// announce records this replica's policy, key and version as the newest. What
// changed is an entry.
func (h *house) announce(ctx context.Context) error {
	public := base64.StdEncoding.EncodeToString(h.keys.now.Sign.Public().(ed25519.PublicKey))
	for _, n := range []struct {
		what, is string
		kind     approvals.Kind
	}{
		{"policy", h.policy.Hash(), approvals.Policy},
		{slack.Signer, public, approvals.Key},
		{"version", h.Version, approvals.Start},
	} {
		err := h.book.Announce(ctx, n.what, n.is, func(before string) (approvals.Event, bool) {
			e := approvals.Event{Kind: n.kind}
			switch n.kind {
			case approvals.Start: // the first start of an installation is worth an entry too
				e.Facts.Detail = n.is
				return e, true
			case approvals.Policy:
				e.Facts.Detail = before
			}
			return e, before != ""
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (h *house) health() health {
	return health{
		metrics: h.metrics,
		ready: func(ctx context.Context) []error {
			var errs []error
			if ok, reasons := h.slack.Ready(); !ok {
				for _, reason := range reasons {
					errs = append(errs, errors.New(reason))
				}
			}
			_, err := h.book.Now(ctx)
			return append(errs, err)
		},
		degraded: func(ctx context.Context) []string {
			var reasons []string
			if err := h.qualys.Refusal(); err != nil {
				reasons = append(reasons, "qualys: "+err.Error())
			}
			if n := h.slack.TrailProblems(); n > 0 {
				reasons = append(reasons, fmt.Sprintf("trail: %s found by the last check. Run bot audit verify --live", audit.Plural(n, "problem")))
			}
			if err := h.quorum(ctx, h.slack.Directory(time.Minute)); err != nil {
				reasons = append(reasons, "approvals: "+err.Error())
			}
			return reasons
		},
	}
}

// quorum reports a row of the policy that some requester could never get
// approved: a requester among the approvers does not count.
func (h *house) quorum(ctx context.Context, dir rules.Directory) error {
	requesters := map[string]bool{}
	for _, id := range h.policy.Requesters {
		if !strings.HasPrefix(id, "S") {
			requesters[id] = true
			continue
		}
		members, err := dir.Members(ctx, id)
		if err != nil {
			return fmt.Errorf("group %s: %w", id, err)
		}
		for _, m := range members {
			requesters[m] = true
		}
	}
	need := 0
	for _, row := range h.policy.Approvals {
		need = max(need, row.Need)
	}
	for _, id := range slices.Sorted(maps.Keys(requesters)) {
		_, err := h.policy.Quorum(ctx, dir, rules.Person{Team: h.slack.Team(), ID: id}, need)
		var few rules.ErrUnreachableQuorum
		if errors.As(err, &few) {
			return fmt.Errorf("%d can approve what %s asks for, and up to %d are needed. Name more approvers in the policy", few.Have, id, few.Need)
		}
		if err != nil && !errors.Is(err, rules.ErrUnknownPerson) {
			return err
		}
	}
	return nil
}

func (h *house) close() {
	h.slack.Close()
	h.qualys.Close()
	if err := h.redis.Close(); err != nil {
		h.Log.Warn("close Redis", "err", err)
	}
}
