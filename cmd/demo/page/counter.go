package page

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/alicebob/miniredis/v2"

	"countersign/approvals"
	"countersign/approvals/rules"
	"countersign/commands"
	"countersign/internal/app"
	"countersign/internal/miniqualys"
	"countersign/qualys"
)

// A counter is a real desk with everything around it in memory. Its answers are
// the bot's own, not copies of them.
type counter struct {
	desk   *commands.Desk
	book   *approvals.Book
	qualys *miniqualys.Server
	client *odd
	redis  *miniredis.Miniredis
	all    []said
	ops    int
	heard  func(text string) // of what is told while a command still works, or nil
}

const counterPolicy = `
channels: [C0QUALYSADMIN]
readers: [U0ALICE, U0BOB, U0CAROL, U0MAX]
requesters: [U0ALICE, U0CAROL, U0MAX]
approvers: [U0BOB, U0CAROL, U0MAX]
approvals: [{up_to: 49, need: 1}, {up_to: 60, need: 2}, {up_to: 100, need: 3}]
protected: {companies: [Own Corp]}
`

func newCounter() (*counter, error) {
	c := &counter{qualys: miniqualys.NewInMemory(), redis: miniredis.NewMiniRedis()}
	c.redis.ClockTTL(true)
	c.redis.SetTime(time.Now())
	c.qualys.Example()
	policy, err := rules.Parse([]byte(counterPolicy))
	if err != nil {
		return nil, err
	}
	keys, err := approvals.DeriveKeys([]byte(strings.Repeat("k", approvals.KeySize)))
	if err != nil {
		return nil, err
	}
	store, err := app.DialRedis("redis://127.0.0.1:1/0", func(context.Context, string, string) (net.Conn, error) { return c.redis.Dial() })
	if err != nil {
		return nil, err
	}
	c.book, err = approvals.NewBook(approvals.Config{Client: store, Tenant: "demo", Keys: keys, Policy: policy.Hash()})
	if err != nil {
		return nil, err
	}
	client, err := qualys.New(qualys.Config{
		APIURL: c.qualys.URL(), GatewayURL: c.qualys.URL(), Username: miniqualys.Username,
		Password: miniqualys.Password, Dial: c.qualys.Dial,
	})
	if err != nil {
		return nil, err
	}
	c.client = &odd{Client: client}
	c.desk, err = commands.New(commands.Config{
		Book: c.book, Users: c.client, Policy: policy, Directory: staff{}, Tenant: "demo",
		Private: func(_ context.Context, channel string) (bool, error) { return channel == home, nil },
		Tell: func(_ context.Context, _ string, _ rules.Person, text string) {
			if c.heard != nil {
				c.heard(text)
			}
		},
	})
	return c, err
}

// close ends everything; all of it was in memory.
func (c *counter) close() {
	if c.client != nil {
		c.client.Close()
	}
	if c.book != nil {
		_ = c.book.Client.Close()
	}
	c.redis.Close()
	c.qualys.Close()
}

const home = "C0QUALYSADMIN"

// odd is a client of Qualys whose downloads can be made to look odd.
type odd struct {
	*qualys.Client
	look func(*qualys.Download) // or nil
}

func (o *odd) Download(ctx context.Context, q qualys.DownloadQuery, w io.Writer) (qualys.Download, error) {
	sum, err := o.Client.Download(ctx, q, w)
	if o.look != nil {
		o.look(&sum)
	}
	return sum, err
}

// staff is a directory of the people of the example.
type staff struct{}

func (staff) Profile(_ context.Context, p rules.Person) (rules.Profile, error) {
	return rules.Profile{Name: p.ID, TimeZone: "Europe/Berlin", Team: p.Team, Restricted: p.ID == "U0GUS"}, nil
}

func (staff) Members(context.Context, string) ([]string, error) { return nil, nil }

// types has somebody type a command, and keeps the last answer.
func (c *counter) types(ctx context.Context, label, who, text string) commands.Reply {
	return c.typeIn(ctx, label, who, home, text)
}

func (c *counter) typeIn(ctx context.Context, label, who, channel, text string) commands.Reply {
	c.ops++
	return c.typeAs(ctx, label, who, channel, text, fmt.Sprint("typed ", c.ops))
}

// typeAs lets Slack deliver a command under an id of its own.
func (c *counter) typeAs(ctx context.Context, label, who, channel, text, op string) commands.Reply {
	reply := c.desk.Slash(ctx, commands.Slash{Text: text, By: person(who), Channel: channel, Op: op})
	return c.keep(ctx, label, short(strings.TrimSpace(command+" "+text)), reply)
}

// short is what was typed, as far as a wall has room for it.
func short(typed string) string {
	typed = strings.ToValidUTF8(strings.ReplaceAll(typed, "\n", "⏎"), "\ufffd")
	if runes := []rune(typed); len(runes) > 120 {
		return string(runes[:120]) + "…"
	}
	return typed
}

// click presses a button, and fills in the dialog that opens with words, if
// there are any.
func (c *counter) click(ctx context.Context, label, who string, action commands.Action, p approvals.Pending, words ...string) commands.Reply {
	c.ops++
	reply := c.desk.Click(ctx, commands.Click{
		Request: p.ID, Action: action, By: person(who), Op: fmt.Sprint("click ", c.ops),
		Channel: home, Message: p.Card.TS, Fingerprint: p.Short(),
	})
	if len(words) == 0 || reply.Form == nil {
		return c.keep(ctx, label, "", reply)
	}
	return c.fill(ctx, label, who, *reply.Form, map[string]string{reply.Form.Fields[0].ID: words[0]}, nil)
}

// fill sends a form. What is wrong in it is kept with the form.
func (c *counter) fill(ctx context.Context, label, who string, form commands.Form, values map[string]string, file []byte) commands.Reply {
	c.ops++
	reply := c.desk.Submit(ctx, commands.Submission{
		Form: form.ID, By: person(who), Op: fmt.Sprint("form ", c.ops), Channel: home, Click: form.Click, Values: values, File: file,
	})
	if len(reply.Errors) > 0 {
		c.all = append(c.all, said{label: label, reply: commands.Reply{Form: &form}, errors: reply.Errors})
		return reply
	}
	return c.keep(ctx, label, "", reply)
}

// keep sees a reply through to its last word, and keeps what was said on the way
// under a label of its own, once. Without a label nothing is kept.
func (c *counter) keep(ctx context.Context, label, typed string, reply commands.Reply) commands.Reply {
	for reply.Then != nil {
		if now := reply.Text; label != "" && !slices.ContainsFunc(c.all, func(s said) bool { return s.reply.Text == now }) {
			c.all = append(c.all, said{label: label + ": while it works", typed: typed, reply: commands.Reply{Text: now}})
		}
		soon, cancel := context.WithTimeout(ctx, 2*time.Second)
		reply = reply.Then(soon)
		cancel()
	}
	if reply.File != nil {
		_ = reply.File.Close() // nobody reads it
	}
	if label != "" && !reply.Silent() {
		c.all = append(c.all, said{label: label, typed: typed, reply: reply})
	}
	return reply
}

// hold has somebody ask for something, and does what the poster does with it:
// the file and the card are in the channel.
func (c *counter) hold(ctx context.Context, label, who, text string) (approvals.Pending, error) {
	reply := c.types(ctx, label, who, text)
	open, err := c.book.Open(ctx)
	if err != nil || !reply.Stored {
		return approvals.Pending{}, fmt.Errorf("%s was not held (%s %s): %w", text, reply.Text, reply.Hint, err)
	}
	p := slices.MaxFunc(open, func(a, b approvals.Pending) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.Version, b.Version))
	})
	p.Card = approvals.Card{FileID: "F1", FileShared: true, Channel: home, TS: fmt.Sprint("100.", c.ops), Version: p.Version}
	outbox := c.book.Outbox()
	if _, err := outbox.Lease(ctx, "page", time.Hour); err != nil {
		return p, err
	}
	if err := outbox.SetCard(ctx, "page", p.ID, p.Card); err != nil {
		return p, err
	}
	c.later(time.Second)
	return c.now(ctx, p)
}

// now is the request as it is now.
func (c *counter) now(ctx context.Context, p approvals.Pending) (approvals.Pending, error) {
	return c.book.Pending(ctx, p.ID)
}

// later lets time pass in Redis, whose clock counts.
func (c *counter) later(d time.Duration) {
	now, err := c.book.Now(context.Background())
	if err == nil {
		c.redis.SetTime(now.Add(d))
	}
}

// begin claims a request that was approved, as an executor does when the cool-down
// is over and the trail is posted.
func (c *counter) begin(ctx context.Context, p approvals.Pending) (*approvals.Run, error) {
	outbox := c.book.Outbox()
	events, err := outbox.Next(ctx, 1000)
	for _, e := range events {
		err = errors.Join(err, outbox.Posted(ctx, "page", e.Seq, fmt.Sprint("hash", e.Seq)))
	}
	if err := errors.Join(err, c.book.Record(ctx, "policy", c.book.Policy)); err != nil {
		return nil, err
	}
	c.later(time.Minute)
	return c.book.Claim(ctx, p.ID, "page", time.Hour)
}
