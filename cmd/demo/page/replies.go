package page

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"countersign/approvals"
	"countersign/commands"
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

// replies lets people come to the desk, one after the other, and keeps what they
// are answered.
func replies(ctx context.Context) ([]said, error) {
	c, err := newCounter()
	if err != nil {
		return nil, err
	}
	defer c.close()
	c.help(ctx)
	c.lookUps(ctx)
	c.refusals(ctx)
	c.forms(ctx)
	for _, scene := range []func(context.Context) error{c.waiting, c.quorum, c.running, c.reviewed, c.crowded} {
		if err := scene(ctx); err != nil {
			return nil, err
		}
	}
	c.trouble(ctx)
	return c.all, nil
}

// misunderstood is what people are answered who typed something wrong.
func misunderstood(ctx context.Context) ([]said, error) {
	c, err := newCounter()
	if err != nil {
		return nil, err
	}
	defer c.close()
	for _, m := range mistakes {
		c.types(ctx, m[0], "alice", m[1])
	}
	return c.all, nil
}

func (c *counter) help(ctx context.Context) {
	c.types(ctx, "Help for somebody who asks", "alice", "help")
	c.types(ctx, "Help for somebody who approves", "bob", "help")
	c.types(ctx, "Help for somebody without a role", "mallory", "help")
	for _, m := range line.FindAllStringSubmatch(c.types(ctx, "", "max", "help").Text, -1) {
		c.types(ctx, "Help about "+m[1], "max", "help "+m[1])
	}
	c.types(ctx, "Who am I", "alice", "whoami")
	c.types(ctx, "Who am I, without a role", "mallory", "whoami")
}

func (c *counter) lookUps(ctx context.Context) {
	c.types(ctx, "A download", "alice", "download")
	c.types(ctx, "Nobody to download", "alice", "download role=NOBODY")
	c.qualys.SetQuirks(miniqualys.Quirks{CapTotal: true})
	c.types(ctx, "A download that is not complete", "alice", "download")
	c.qualys.SetQuirks(miniqualys.Quirks{})
	c.client.look = func(d *qualys.Download) { d.Complete, d.Total, d.Duplicates = false, 0, 2 }
	c.types(ctx, "A download that may be incomplete", "alice", "download role=READER")
	c.client.look = func(d *qualys.Download) { d.Strangers = 3 }
	c.types(ctx, "A server that does not mind the roles", "alice", "download role=READER")
	c.client.look = nil
	c.types(ctx, "A look-up", "alice", "find company=NewVendor")
	c.types(ctx, "Nobody found", "alice", "find company=Nobody")
	c.types(ctx, "A count", "alice", "count")
	id := c.ids(1)
	c.types(ctx, "An id that nobody has", "alice", "find id=1,"+id)
	c.types(ctx, "Ids that nobody has", "alice", "find id=1,2,"+id)
	c.types(ctx, "An id that does not fit", "alice", "find company=NewVendor id=1,2,"+c.newVendor())
	c.types(ctx, "No requests", "alice", "requests")
	c.types(ctx, "No requests of one's own", "alice", "requests mine")
	c.types(ctx, "No requests at all", "alice", "requests all")
}

// ids are the first so many ids in Qualys, with commas.
func (c *counter) ids(n int) string {
	var all []string
	for _, u := range c.qualys.SAQUsers()[200 : 200+n] {
		all = append(all, fmt.Sprint(u.ID))
	}
	return strings.Join(all, ",")
}

// newVendor is the id of one of the vendor that everybody deletes.
func (c *counter) newVendor() string {
	all := c.qualys.SAQUsers()
	i := slices.IndexFunc(all, func(u miniqualys.SAQUser) bool { return u.Company == "NewVendor" })
	return fmt.Sprint(all[max(0, i)].ID)
}

func (c *counter) refusals(ctx context.Context) {
	c.typeIn(ctx, "Another channel", "alice", "C0LOBBY", "help")
	c.types(ctx, "A guest", "gus", "find company=Acme")
	c.types(ctx, "More than a request may name", "alice", `delete userName~a reason="SEC-124"`)
	c.types(ctx, "Nobody fits", "alice", `delete company=Nobody reason="SEC-124"`)
	c.types(ctx, "No such request", "alice", "show K7F3Q")
}

// forms are those of update and delete, and everything that can be wrong in one.
func (c *counter) forms(ctx context.Context) {
	c.types(ctx, "The form for an update", "alice", "update")
	form := *c.types(ctx, "The form for a delete", "alice", "delete").Form
	values := func(users, reason string) map[string]string {
		return map[string]string{"users": users, "reason": reason}
	}
	c.fill(ctx, "Mistakes in a form", "alice", form, values("compny=Acme", ""), nil)
	c.fill(ctx, "Nobody named in a form", "alice", form, values("", "SEC-1"), nil)
	c.fill(ctx, "A reason that is too long", "alice", form, values("company=Acme", strings.Repeat("x", 501)), nil)
	c.fill(ctx, "Too many ids in a form", "alice", form, values("id="+manyIDs(301), "SEC-1"), nil)
	c.fill(ctx, "Set, or a reason, in a field", "alice", form, values("set title=CISO", "SEC-1"), nil)
	c.fill(ctx, "A reason in the wrong field", "alice", form, values("company=Acme reason=SEC-1", "SEC-1"), nil)
	c.fill(ctx, "Everybody, in a form", "alice", form, values("all", "SEC-1"), nil)
	c.fill(ctx, "Ids in two places", "alice", form, values("id=767231594", "SEC-1"), []byte("id\n1\n"))
	for _, csv := range [][2]string{
		{"An empty CSV", ""},
		{"A CSV without ids", "id\n"},
		{"A CSV with another header", "userName,company\na,b\n"},
		{"A CSV with a word", "id\n1\nx3\n"},
		{"A CSV with a hole", "userName,id\na,1\nb,\n"},
		{"A CSV with ids that were shortened", "id\n7.67232E+08\n"},
		{"A workbook", "PK\x03\x04"},
		{"A CSV in UTF-16", "\xff\xfe1\x00"},
		{"A CSV without end", manyRows(5001)},
	} {
		c.fill(ctx, csv[0], "alice", form, values("", "SEC-1"), []byte(csv[1]))
	}
	if update := c.types(ctx, "", "alice", "update").Form; update != nil {
		c.fill(ctx, "An update of nothing", "alice", *update, map[string]string{"users": "company=Acme", "change": "", "reason": "SEC-1"}, nil)
		c.fill(ctx, "Set, in the field for new values", "alice", *update, map[string]string{"users": "company=Acme", "change": "set title=CISO", "reason": "SEC-1"}, nil)
	}
}

// manyRows is a CSV of that many ids.
func manyRows(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintln(&b, i+1)
	}
	return b.String()
}

// waiting follows a request that waits for one approval, until it is cancelled.
func (c *counter) waiting(ctx context.Context) error {
	const ask = `delete firstName=NewVendor reason="SEC-124 contract ended"`
	p, err := c.hold(ctx, "Held", "alice", ask)
	if err != nil {
		return err
	}
	c.click(ctx, "An approval is typed", "bob", commands.ActApprove, p)
	c.click(ctx, "An approval is typed wrongly", "bob", commands.ActApprove, p, "DELETE 4")
	c.types(ctx, "A user who is in an open request", "carol", `delete company=NewVendor reason="SEC-125"`)
	c.types(ctx, "The open requests", "bob", "requests")
	c.types(ctx, "A request", "bob", "show "+p.ID)
	c.types(ctx, "Somebody else's to cancel", "carol", "cancel "+p.ID)
	stale := p
	stale.Card.TS = "0.9"
	c.click(ctx, "An older card", "bob", commands.ActApprove, stale)
	c.click(ctx, "A rejection asks why", "carol", commands.ActReject, p)
	for _, verb := range []string{"withdraw", "stop", "resume", "close"} {
		c.types(ctx, "Nothing to "+verb, "bob", verb+" "+p.ID)
	}
	c.types(ctx, "Nothing to undo", "alice", "undo "+p.ID)
	c.types(ctx, "Cancelled", "alice", "cancel "+p.ID)
	c.click(ctx, "A click that comes too late", "bob", commands.ActApprove, p)
	c.typeAs(ctx, "A command that comes twice", "alice", home, "delete id="+c.ids(1)+" reason=SEC-1", "twice")
	if p, err = c.book.Pending(ctx, c.book.ID("twice")); err != nil {
		return err
	}
	c.types(ctx, "", "alice", "cancel "+p.ID)
	c.typeAs(ctx, "It comes twice, and is over", "alice", home, "delete id="+c.ids(1)+" reason=SEC-1", "twice")
	return nil
}

// quorum follows a request that needs two approvals, until it is to start.
func (c *counter) quorum(ctx context.Context) error {
	p, err := c.hold(ctx, "Held for all who can approve", "carol", "delete id="+c.ids(52)+" reason=SEC-126")
	if err != nil {
		return err
	}
	c.types(ctx, "", "carol", "cancel "+p.ID)
	if p, err = c.hold(ctx, "Held for two of three", "alice", "delete id="+c.ids(51)+" reason=SEC-126"); err != nil {
		return err
	}
	for _, who := range []string{"bob", "carol"} {
		c.click(ctx, "", who, commands.ActApprove, p, "DELETE 51")
	}
	c.types(ctx, "Approved, in the list", "bob", "requests")
	c.typeAs(ctx, "Withdrawn", "bob", home, "withdraw "+p.ID, "withdrawn")
	c.click(ctx, "", "max", commands.ActApprove, p, "DELETE 51")
	c.typeAs(ctx, "It comes twice, and others approved meanwhile", "bob", home, "withdraw "+p.ID, "withdrawn")
	c.types(ctx, "Frozen", "bob", "freeze")
	c.types(ctx, "Frozen twice", "carol", "freeze")
	c.types(ctx, "The own freeze", "bob", "unfreeze")
	c.types(ctx, "The list, while all stands still", "bob", "requests")
	few, err := c.hold(ctx, "", "alice", `delete lastName="Kumar" company=NewVendor reason=SEC-127`)
	if err != nil {
		return err
	}
	c.click(ctx, "Approved while all stands still", "bob", commands.ActApprove, few)
	c.types(ctx, "Unfrozen", "carol", "unfreeze")
	c.types(ctx, "Nothing to unfreeze", "carol", "unfreeze")
	c.types(ctx, "", "alice", "cancel "+few.ID)
	c.types(ctx, "", "alice", "cancel "+p.ID)
	return nil
}

// running follows a request that runs, until somebody stops it.
func (c *counter) running(ctx context.Context) error {
	p, err := c.hold(ctx, "", "alice", "delete id="+c.ids(40)+" reason=SEC-128")
	if err != nil {
		return err
	}
	c.click(ctx, "", "bob", commands.ActApprove, p, "DELETE 40")
	run, err := c.begin(ctx, p)
	if err != nil {
		return err
	}
	c.types(ctx, "It runs, in the list", "bob", "requests")
	c.types(ctx, "Too late to cancel", "alice", "cancel "+p.ID)
	c.types(ctx, "Stopped", "bob", "stop "+p.ID)
	c.types(ctx, "Stopped by somebody else already", "carol", "stop "+p.ID)
	c.types(ctx, "It is being stopped, in the list", "bob", "requests")
	return run.Finish(ctx, approvals.STOPPED, approvals.WhyStopped, nil, "")
}

// reviewed follows a request that was interrupted, until it is resumed.
func (c *counter) reviewed(ctx context.Context) error {
	p, err := c.hold(ctx, "Held for three of three", "alice", "delete id="+c.ids(61)+" reason=SEC-129")
	if err != nil {
		return err
	}
	for _, who := range []string{"bob", "carol", "max"} {
		c.click(ctx, "", who, commands.ActApprove, p, "DELETE 61")
	}
	run, err := c.begin(ctx, p)
	if err == nil {
		err = run.Review(ctx, approvals.WhyCredentials, nil)
	}
	if err != nil {
		return err
	}
	c.types(ctx, "Interrupted, in the list", "bob", "requests")
	c.types(ctx, "Resumed by the first of three", "bob", "resume "+p.ID)
	c.click(ctx, "An approval that it goes on", "carol", commands.ActApprove, p)
	c.click(ctx, "", "carol", commands.ActApprove, p, "DELETE 61")
	c.types(ctx, "Being resumed, in the list", "bob", "requests")
	c.types(ctx, "Two of three to go on", "bob", "show "+p.ID)
	c.types(ctx, "", "bob", "close "+p.ID)
	if p, err = c.hold(ctx, "", "alice", "delete id="+c.ids(50)+" reason=SEC-130"); err != nil {
		return err
	}
	for _, who := range []string{"bob", "carol"} {
		c.click(ctx, "", who, commands.ActApprove, p, "DELETE 50")
	}
	if run, err = c.begin(ctx, p); err == nil {
		err = run.Review(ctx, approvals.WhyCredentials, nil)
	}
	if err != nil {
		return err
	}
	c.types(ctx, "Resumed by the first of two", "bob", "resume "+p.ID)
	c.types(ctx, "Closed", "bob", "close "+p.ID)
	return nil
}

// crowded asks for more requests than a list shows.
func (c *counter) crowded(ctx context.Context) error {
	for range 20 {
		p, err := c.hold(ctx, "", "alice", "delete id="+c.ids(1)+" reason=SEC-131")
		if err != nil {
			return err
		}
		c.types(ctx, "", "alice", "cancel "+p.ID)
	}
	c.types(ctx, "All requests", "alice", "requests all")
	return nil
}

// trouble is what people are told when something around the bot fails, or takes
// long.
func (c *counter) trouble(ctx context.Context) {
	var told []string
	waits, enough := context.WithCancel(ctx)
	defer enough()
	c.heard = func(text string) { told = append(told, text) }
	c.qualys.SetQuirks(miniqualys.Quirks{Cap: 100})
	c.types(ctx, "", "alice", "download")
	c.qualys.SetQuirks(miniqualys.Quirks{})
	c.heard = func(text string) { told = append(told, text); enough() }
	c.qualys.RateLimit(miniqualys.Count, 429, map[string]string{"Retry-After": "60"}, 1)
	reply := c.desk.Slash(waits, commands.Slash{Text: "count", By: person("alice"), Channel: home, Op: "waits"})
	reply = reply.Then(waits)
	c.heard = nil
	for _, text := range told {
		c.all = append(c.all, said{label: "It takes long", reply: commands.Reply{Text: text}})
	}
	c.all = append(c.all, said{label: "The bot is stopped meanwhile", reply: reply})
	c.qualys.Heal()

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
