package page

import (
	"context"
	"fmt"
	"net"
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

// A said is what somebody was answered.
type said struct {
	label  string
	typed  string
	reply  commands.Reply
	errors map[string]string // what was wrong in the form that is shown
}

// A counter is a real desk with everything around it in memory. Its answers are
// the bot's own, not copies of them.
type counter struct {
	desk   *commands.Desk
	book   *approvals.Book
	qualys *miniqualys.Server
	client *qualys.Client
	redis  *miniredis.Miniredis
	all    []said
	ops    int
}

const counterPolicy = `
channels: [C0QUALYSADMIN]
readers: [U0ALICE, U0BOB, U0CAROL, U0MAX]
requesters: [U0ALICE, U0CAROL, U0MAX]
approvers: [U0BOB, U0CAROL, U0MAX]
protected: {companies: [Own Corp]}
`

func newCounter() (*counter, error) {
	c := &counter{qualys: miniqualys.NewInMemory(), redis: miniredis.NewMiniRedis()}
	c.redis.ClockTTL(true)
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
	c.client, err = qualys.New(qualys.Config{
		APIURL: c.qualys.URL(), GatewayURL: c.qualys.URL(), Username: miniqualys.Username,
		Password: miniqualys.Password, Dial: c.qualys.Dial,
	})
	if err != nil {
		return nil, err
	}
	c.desk, err = commands.New(commands.Config{
		Book: c.book, Users: c.client, Policy: policy, Directory: staff{}, Tenant: "demo",
		Private: func(_ context.Context, channel string) (bool, error) { return channel == home, nil },
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

// staff is a directory of the people of the example.
type staff struct{}

func (staff) Profile(_ context.Context, p rules.Person) (rules.Profile, error) {
	return rules.Profile{Name: p.ID, TimeZone: "Europe/Berlin", Team: p.Team, Restricted: p.ID == "U0GUS"}, nil
}

func (staff) Members(context.Context, string) ([]string, error) { return nil, nil }

// replies lets people come to the desk, one after the other, and keeps what they
// are answered.
func replies(ctx context.Context) ([]said, error) {
	c, err := newCounter()
	if err != nil {
		return nil, err
	}
	defer c.close()
	c.lookUps(ctx)
	c.mistakes(ctx)
	c.refusals(ctx)
	if err := c.requests(ctx); err != nil {
		return nil, err
	}
	c.trouble(ctx)
	return c.all, nil
}

// types has somebody type a command, and keeps the last answer.
func (c *counter) types(ctx context.Context, label, who, text string) commands.Reply {
	return c.typeIn(ctx, label, who, home, text)
}

func (c *counter) typeIn(ctx context.Context, label, who, channel, text string) commands.Reply {
	c.ops++
	reply := c.desk.Slash(ctx, commands.Slash{Text: text, By: person(who), Channel: channel, Op: fmt.Sprint("typed ", c.ops)})
	return c.keep(ctx, label, strings.TrimSpace(command+" "+text), reply)
}

func (c *counter) click(ctx context.Context, label, who string, action commands.Action, p approvals.Pending) commands.Reply {
	c.ops++
	return c.keep(ctx, label, "", c.desk.Click(ctx, commands.Click{
		Request: p.ID, Action: action, By: person(who), Op: fmt.Sprint("click ", c.ops),
		Channel: home, Message: p.Card.TS, Fingerprint: p.Short(),
	}))
}

// keep sees a reply through to its last word.
func (c *counter) keep(ctx context.Context, label, typed string, reply commands.Reply) commands.Reply {
	for reply.Then != nil {
		soon, cancel := context.WithTimeout(ctx, 2*time.Second)
		reply = reply.Then(soon)
		cancel()
	}
	if reply.File != nil {
		_ = reply.File.Close() // nobody reads it
	}
	c.all = append(c.all, said{label: label, typed: typed, reply: reply})
	return reply
}

func (c *counter) lookUps(ctx context.Context) {
	c.types(ctx, "Help for somebody who asks", "alice", "help")
	c.types(ctx, "Help for somebody who approves", "bob", "help")
	c.types(ctx, "Help for somebody without a role", "mallory", "help")
	for _, verb := range []string{"download", "find", "update", "delete"} {
		c.types(ctx, "Help about "+verb, "alice", "help "+verb)
	}
	c.types(ctx, "Who am I", "alice", "whoami")
	c.types(ctx, "A download", "alice", "download")
	c.types(ctx, "A look-up", "alice", "find company=NewVendor")
	c.types(ctx, "Nobody found", "alice", "find company=Nobody")
	c.types(ctx, "A count", "alice", "count")
	c.types(ctx, "No requests", "alice", "requests")
	c.types(ctx, "The form for a delete", "alice", "delete")
	c.types(ctx, "The form for an update", "alice", "update")
	form := c.all[len(c.all)-2]
	wrong := c.desk.Submit(ctx, commands.Submission{
		Form: "delete", By: person("alice"), Op: "form", Channel: home, Values: map[string]string{"users": "compny=Acme", "reason": ""},
	})
	form.label, form.typed, form.errors = "The same form with mistakes in it", "", wrong.Errors
	c.all = append(c.all, form)
}

func (c *counter) mistakes(ctx context.Context) {
	for _, row := range [][2]string{
		{"A verb that does not exist", "remove firstName=NewVendor"},
		{"A field that does not exist", "find compny=Acme"},
		{"No reason", "delete firstName=NewVendor"},
		{"A comma that is not quoted", "find company=Acme, Inc"},
		{"The same field twice", "find company=Acme company=Globex"},
		{"An empty value", `update id=767231594 set title= reason="SEC-1"`},
		{"No condition", `delete reason="SEC-124"`},
		{"A number that is none", "download limit=many"},
		{"An id that cannot be one", "show K7F0"},
	} {
		c.types(ctx, row[0], "alice", row[1])
	}
}

func (c *counter) refusals(ctx context.Context) {
	c.typeIn(ctx, "Another channel", "alice", "C0LOBBY", "help")
	c.types(ctx, "Not a reader", "mallory", "download")
	c.types(ctx, "Not a requester", "bob", `delete firstName=NewVendor reason="SEC-124"`)
	c.types(ctx, "A guest", "gus", "find company=Acme")
	c.types(ctx, "More than a request may name", "alice", `delete userName~a reason="SEC-124"`)
	c.types(ctx, "Nobody fits", "alice", `delete company=Nobody reason="SEC-124"`)
	c.types(ctx, "No such request", "alice", "show K7F3Q")
}

// requests follows one request through what people do to it.
func (c *counter) requests(ctx context.Context) error {
	c.types(ctx, "Held", "alice", `delete firstName=NewVendor reason="SEC-124 contract ended"`)
	open, err := c.book.Open(ctx)
	if err != nil || len(open) != 1 {
		return fmt.Errorf("%d requests are open: %w", len(open), err)
	}
	p := open[0]
	if err := c.post(ctx, &p); err != nil {
		return err
	}
	c.click(ctx, "An approval is typed", "bob", commands.ActApprove, p)
	c.types(ctx, "A user who is in an open request", "carol", `delete company=NewVendor reason="SEC-125"`)
	c.types(ctx, "The open requests", "bob", "requests")
	c.types(ctx, "A request", "bob", "show "+p.ID)
	c.types(ctx, "Somebody else's to cancel", "carol", "cancel "+p.ID)
	c.click(ctx, "The own request", "alice", commands.ActApprove, p)
	c.click(ctx, "The own request, rejected", "alice", commands.ActReject, p)
	c.click(ctx, "Not an approver", "mallory", commands.ActApprove, p)
	stale := p
	stale.Card.TS = "0.9"
	c.click(ctx, "A forged or stale button", "bob", commands.ActApprove, stale)
	c.click(ctx, "A rejection asks why", "carol", commands.ActReject, p)
	c.types(ctx, "Nothing to withdraw", "bob", "withdraw "+p.ID)
	c.types(ctx, "Nothing to stop", "bob", "stop "+p.ID)
	c.types(ctx, "Nothing to resume", "bob", "resume "+p.ID)
	c.types(ctx, "Nothing to close", "bob", "close "+p.ID)
	c.types(ctx, "Nothing to undo", "alice", "undo "+p.ID)
	c.types(ctx, "Cancelled", "alice", "cancel "+p.ID)
	c.click(ctx, "A click that comes too late", "bob", commands.ActApprove, p)
	c.types(ctx, "All requests", "alice", "requests all")
	return nil
}

// post does what the poster does with a new request: the file and the card are
// in the channel.
func (c *counter) post(ctx context.Context, p *approvals.Pending) error {
	p.Card = approvals.Card{FileID: "F1", FileShared: true, Channel: home, TS: "100.1", Version: p.Version}
	outbox := c.book.Outbox()
	if _, err := outbox.Lease(ctx, "page", time.Minute); err != nil {
		return err
	}
	return outbox.SetCard(ctx, "page", p.ID, p.Card)
}

// trouble is what people are told when something around the bot fails.
func (c *counter) trouble(ctx context.Context) {
	c.types(ctx, "Everything is frozen", "bob", "freeze")
	c.types(ctx, "The own freeze", "bob", "unfreeze")
	c.types(ctx, "Unfrozen", "carol", "unfreeze")
	c.qualys.Fail(miniqualys.Count, 400, "oops", -1)
	c.types(ctx, "Qualys does not understand", "alice", "count")
	c.qualys.Heal()
	c.redis.SetError("LOADING")
	c.types(ctx, "Redis cannot be reached", "alice", "requests")
	c.redis.SetError("")
	release := c.qualys.Gate(miniqualys.Count)
	c.types(ctx, "Qualys does not answer", "alice", "count")
	release()
	c.qualys.RevokeCredentials()
	c.types(ctx, "Qualys refuses the login", "alice", "download")
}
