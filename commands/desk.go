package commands

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"countersign/approvals"
	"countersign/approvals/rules"
	"countersign/commands/lookup"
	"countersign/commands/refusal"
	"countersign/qualys"
)

// Users is the part of Qualys that the desk needs: everything but writing.
type Users interface {
	lookup.Users
	Download(ctx context.Context, q qualys.DownloadQuery, w io.Writer) (qualys.Download, error)
}

// A Config says what the desk works with.
type Config struct {
	Book   *approvals.Book
	Users  Users
	Policy *rules.Policy

	Directory rules.Directory // at most 5 s old: judges requests and decisions
	Reads     rules.Directory // at most 60 s old: judges reads; nil means Directory

	// Private reports whether a channel is private and not shared with anybody
	// outside: the only kind that files are posted to, unless the policy says
	// otherwise.
	Private func(ctx context.Context, channel string) (bool, error)

	// Tell shows one person a line while their command still works, or is nil.
	// What cannot be shown is the log's business; the work goes on.
	Tell func(ctx context.Context, channel string, who rules.Person, text string)

	Tenant   string           // the installation, as the book has it
	SpoolDir string           // where files wait for their upload; empty means the system's
	Log      *slog.Logger     // nil means none
	Now      func() time.Time // for dates in file names; nil means time.Now
}

// A Desk sees commands, clicks and forms through, one person at a time. It keeps
// nothing: any replica's desk can go on where another's ended.
type Desk struct {
	Config
}

// New makes a desk.
func New(c Config) (*Desk, error) {
	if c.Book == nil || c.Users == nil || c.Policy == nil || c.Directory == nil || c.Private == nil || c.Tenant == "" {
		return nil, errors.New("desk: Book, Users, Policy, Directory, Private and Tenant are needed")
	}
	if c.Reads == nil {
		c.Reads = c.Directory
	}
	if c.Tell == nil {
		c.Tell = func(context.Context, string, rules.Person, string) {}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Desk{c}, nil
}

// finder looks users up for whoever typed a command, and tells them what takes
// long.
func (d *Desk) finder(ctx context.Context, s Slash) *lookup.Finder {
	return &lookup.Finder{
		Users: d.Users, Policy: d.Policy, Tenant: d.Tenant,
		News: lookup.NewNews(func(text string) { d.Tell(ctx, s.Channel, s.By, text) }),
	}
}

// Slash answers a command. It returns soon: who may ask and whether the command
// can be understood is settled when it does; the rest is in [Reply.Then].
func (d *Desk) Slash(ctx context.Context, s Slash) Reply {
	if err := d.listed(s.Channel); err != nil {
		return d.explain(ctx, err)
	}
	r, err := Parse(s.Text)
	if err != nil {
		return d.explain(ctx, err)
	}
	v, ok := lookUp(r.Verb)
	if !ok {
		return d.explain(ctx, errors.New("a verb without a line in the table: "+string(r.Verb)))
	}
	if err := d.may(ctx, v.needs, s.By); err != nil {
		return d.refuse(ctx, attempt{by: s.By, verb: r.Verb, request: d.known(ctx, r.ID), filter: r.Selects()}, err)
	}
	return v.run(d, ctx, s, r)
}

// known is the id of a request if there is such a request: what somebody without
// a right makes up does not stand in the trail.
func (d *Desk) known(ctx context.Context, id string) string {
	if id == "" {
		return ""
	}
	if _, err := d.Book.Pending(ctx, id); err != nil && !errors.Is(err, approvals.ErrForged) {
		return ""
	}
	return id
}

// listed is an error where commands do not work.
func (d *Desk) listed(channel string) error {
	if slices.Contains(d.Policy.Channels, channel) {
		return nil
	}
	return refusal.ElsewhereError{Channels: d.Policy.Channels}
}

// may asks the policy whether somebody has a right.
func (d *Desk) may(ctx context.Context, need right, who rules.Person) error {
	switch need {
	case maySee:
		return d.Policy.MaySee(ctx, d.Reads, who)
	case mayRead:
		return d.Policy.MayRead(ctx, d.Reads, who)
	case mayRequest:
		return d.Policy.MayRequest(ctx, d.Directory, who)
	case mayStop:
		err := d.Policy.MayStop(ctx, d.Directory, who)
		if errors.Is(err, rules.ErrNotRequester) && !errors.Is(err, rules.ErrLookUp) {
			return refusal.ErrNotStopper
		}
		return err
	}
	return nil // judged by who they are, or per request
}

// An attempt is what somebody tried and was refused.
type attempt struct {
	by      rules.Person
	verb    Verb // or the action of a button
	request string
	users   int
	filter  string
}

// refuse answers a refusal, and notes it in the trail if it is one of those
// that stand there: one for a person and a request, as long as the request is
// kept, and where there is no request one an hour of the same cause. The log has
// them all.
func (d *Desk) refuse(ctx context.Context, a attempt, err error) Reply {
	if why, detail, ok := refusal.Noted(err); ok {
		d.Log.WarnContext(ctx, "refused", "by", a.by.String(), "verb", a.verb, "request", a.request, "why", why)
		noted := d.note(ctx, a, approvals.Event{
			Kind: approvals.Refused, Request: a.request, By: a.by,
			Facts: approvals.Facts{Verb: string(a.verb), Users: a.users, Why: why, Filter: a.filter, Detail: detail},
		})
		if noted != nil {
			d.Log.ErrorContext(ctx, "a refusal is not in the trail", "by", a.by.String(), "why", why, "err", noted)
		}
	}
	return d.explain(ctx, err)
}

// refuseAbout answers a refusal of a command about a request that anybody may
// try. Whoever may not look at requests is not told which ones there are not.
func (d *Desk) refuseAbout(ctx context.Context, a attempt, err error) Reply {
	if errors.Is(err, approvals.ErrNoRequest) {
		if blind := d.may(ctx, maySee, a.by); blind != nil {
			a.request = "" // what they made up does not stand in the trail
			return d.refuse(ctx, a, blind)
		}
	}
	return d.refuse(ctx, a, refusal.RequestError{ID: a.request, Err: err})
}

// note writes a refusal to the trail, unless one like it stands there.
func (d *Desk) note(ctx context.Context, a attempt, e approvals.Event) error {
	if a.request == "" {
		return d.Book.Note(ctx, strings.Join([]string{"refused", a.by.String(), string(a.verb), string(e.Facts.Why), a.filter}, " "), e)
	}
	once := "refused " + a.by.String() + " " + a.request
	first, err := d.Book.Once(ctx, once+" known", d.Policy.Retention)
	if err != nil || !first {
		return err
	}
	return d.Book.Note(ctx, once, e)
}
