package stage

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"

	"countersign/approvals"
	"countersign/approvals/rules"
	"countersign/commands"
	"countersign/execution"
	"countersign/internal/app"
	"countersign/internal/chat"
	"countersign/internal/miniqualys"
	"countersign/internal/minislack"
	"countersign/qualys"
)

// command is the slash command of the product.
const command = "/qualys-users"

// A Desk is a stage without Slack.
type Desk struct {
	Config
	*world
	wall
	poster
	redis *miniredis.Miniredis

	open    bool
	desk    *commands.Desk
	book    *approvals.Book
	users   *qualys.Client
	rules   *rules.Policy
	dialogs map[string]*question
	stop    func()         // ends the executor and waits for it
	acts    sync.WaitGroup // what people do at this moment
	count   int            // of acts, for their operation ids
}

// NewDesk sets up a desk in memory. Close takes it down.
func NewDesk(c Config) *Desk {
	slack := minislack.NewInMemory()
	d := &Desk{
		Config: c.withDefaults(), world: newWorld(slack, miniqualys.NewInMemory()), wall: newWall(),
		redis: miniredis.NewMiniRedis(), dialogs: map[string]*question{}, stop: func() {},
	}
	d.redis.ClockTTL(true)
	d.populate()
	d.policy.coolDown = d.CoolDown
	paper, err := slack.As("alice").Say("#lobby", "paper")
	if err != nil {
		panic(err) // the scene is ours
	}
	d.paper = paper.Ref()
	return d
}

// Close ends everything that runs.
func (d *Desk) Close() error {
	d.acts.Wait()
	d.close()
	d.redis.Close()
	d.qualys.Close()
	d.slack.Close()
	return nil
}

func (d *Desk) close() {
	d.stop()
	if d.open {
		d.users.Close()
		_ = d.book.Client.Close() // everything of it was in memory
	}
	d.open = false
}

// begin opens the desk under the policy as it is now.
func (d *Desk) begin(ctx context.Context) error {
	if d.open {
		return nil
	}
	policy, err := rules.Parse(d.policy.yaml())
	if err != nil {
		return fmt.Errorf("the policy of the scene: %w", err)
	}
	keys, err := approvals.DeriveKeys([]byte(secret))
	if err != nil {
		return err
	}
	client, err := app.DialRedis("redis://127.0.0.1:1/0", func(context.Context, string, string) (net.Conn, error) { return d.redis.Dial() })
	if err != nil {
		return err
	}
	d.book, err = approvals.NewBook(approvals.Config{Client: client, Tenant: "default", Keys: keys, Policy: policy.Hash()})
	if err != nil {
		return err
	}
	d.rules = policy
	d.users, err = qualys.New(qualys.Config{
		APIURL: d.qualys.URL(), GatewayURL: d.qualys.URL(), Username: miniqualys.Username,
		Password: miniqualys.Password, Log: d.Log, Dial: d.qualys.Dial,
	})
	if err != nil {
		return err
	}
	d.poster = newPoster(d, keys)
	d.desk, err = commands.New(commands.Config{
		Book: d.book, Users: d.users, Policy: policy, Directory: d, Private: d.private, Tenant: "default",
		SpoolDir: d.Dir, Log: d.Log, Tell: d.tellOne,
	})
	if err != nil {
		return err
	}
	d.open = true
	d.execute(policy)
	return d.announce(ctx, policy.Hash())
}

// announce notes a changed policy, as a bot does at its start.
func (d *Desk) announce(ctx context.Context, hash string) error {
	before, err := d.book.Recorded(ctx, "policy")
	if err != nil {
		return err
	}
	if before != "" && before != hash {
		e := approvals.Event{Kind: approvals.Policy, Facts: approvals.Facts{Detail: before}}
		if err := d.book.Note(ctx, "policy "+hash, e); err != nil {
			return err
		}
	}
	return d.book.Record(ctx, "policy", hash)
}

// execute starts the executor.
func (d *Desk) execute(policy *rules.Policy) {
	executor := execution.New(execution.Config{
		Book: d.book, Users: d.users, Policy: policy, Directory: d, Accounts: d.users.Logins, Log: d.Log,
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = executor.Run(ctx) // it ends with its context alone
	}()
	d.stop = func() {
		cancel()
		<-done
		d.stop = func() {}
	}
}

// tellOne shows somebody a line while their command still works.
func (d *Desk) tellOne(_ context.Context, _ string, who rules.Person, text string) {
	d.put(chat.Line{Kind: chat.Ephemeral, To: nameOf(who.ID), Text: text})
}

// private reports whether files may go to a channel.
func (d *Desk) private(_ context.Context, channel string) (bool, error) {
	c := d.slack.Channel(channel)
	return c.Private && !c.ExtShared, nil
}

// Profile makes a desk a [rules.Directory].
func (d *Desk) Profile(_ context.Context, who rules.Person) (rules.Profile, error) {
	for _, p := range d.slack.People() {
		if p.ID == who.ID {
			return rules.Profile{
				Name: p.Name, Email: p.Email, TimeZone: p.TZ, Team: p.Team, Deleted: p.Deleted, Bot: p.Bot,
				Restricted: p.Restricted, UltraRestricted: p.UltraRestricted, Stranger: p.Stranger,
			}, nil
		}
	}
	return rules.Profile{}, rules.ErrUnknownPerson
}

// Members makes a desk a [rules.Directory].
func (d *Desk) Members(_ context.Context, group string) ([]string, error) {
	for handle, members := range d.groups {
		if group == "S0"+strings.ToUpper(handle) && !d.withoutGroups {
			return ids(members), nil
		}
	}
	return nil, errors.New("not_allowed_token_type")
}

// Direct makes a desk a [chat.Stage].
func (d *Desk) Direct(ctx context.Context, text string) error {
	all := d.directions(func(ctx context.Context) error {
		if !d.open {
			return nil
		}
		d.close()
		return d.begin(ctx)
	})
	all["the plan of * is changed in Redis"] = func(_ context.Context, words []string) error { return tamper(d.redis, words[0]) }
	all["* has * open requests"] = func(ctx context.Context, words []string) error { return d.occupy(ctx, d, words) }
	all["the thread is open"] = func(context.Context, []string) error {
		d.unfolded = true
		return nil
	}
	return all.Direct(ctx, text)
}

// Pass makes a desk a [chat.Stage].
func (d *Desk) Pass(ctx context.Context, length time.Duration) error {
	if err := d.begin(ctx); err != nil {
		return err
	}
	return d.pass(ctx, length)
}

// pass lets time pass in steps, so that what happens is shown when it happens:
// a run waits for the trail to tell its approval.
func (d *Desk) pass(ctx context.Context, length time.Duration) error {
	for end := time.Now().Add(length); ; {
		d.Rest()
		if err := d.post(ctx); err != nil {
			return err
		}
		left := time.Until(end)
		if left <= 0 {
			return nil
		}
		if err := sleep(ctx, min(left, step)); err != nil {
			return err
		}
	}
}

// Seen makes a desk a [chat.Stage].
func (d *Desk) Seen(ctx context.Context) ([]chat.Line, error) {
	if !d.open {
		return d.take()
	}
	if err := settle(ctx, d.Config, d.grown, func() error { return d.pass(ctx, step) }); err != nil {
		return nil, err
	}
	return d.take()
}

// tamper overwrites the plan of a request, as somebody with access to Redis could.
func tamper(r *miniredis.Miniredis, request string) error {
	return r.Set("countersign:{default}:p:"+request, "somebody else's plan")
}
