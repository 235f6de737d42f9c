package slack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/slack-go/slack"

	"countersign/approvals/rules"
	"countersign/commands"
	"countersign/slack/cards"
	"countersign/slack/socket"
	"countersign/slack/web"
)

const (
	signOfLife = 15 * time.Second // between two of a command that takes long
	mostWork   = 16               // commands worked on at once
)

// A reception hands what people do to the desk and brings the answers back.
type reception struct {
	*Slack
	desk  Desk
	work  context.Context // of what follows the acknowledgements
	going sync.WaitGroup  // that work
	room  chan struct{}   // a token for each command that is worked on
}

// Receive hears what people do until ctx ends, and then waits for the work in
// progress, or until Slack refuses for good.
func (s *Slack) Receive(ctx context.Context, desk Desk) error {
	if err := s.web.Introduced(ctx); err != nil {
		return err
	}
	work, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	defer giveUp()
	r := &reception{Slack: s, desk: desk, work: work, room: make(chan struct{}, mostWork)}
	defer s.opened(0)
	err := socket.New(socket.Config{
		API: s.web.API, Dialer: s.web.Dialer(), SecondAfter: s.SecondSocket, Patience: s.DecideWithin, Grace: s.Grace,
		Handle: r.handle, Busy: r.busy, Broken: r.broken,
		Log: s.Log, Connections: s.Meter.Connections, Connected: r.connected, App: r.greeted,
	}).Run(ctx)
	return errors.Join(err, r.finish(giveUp))
}

func (r *reception) connected(n int) {
	r.opened(n)
	if r.Meter.Sockets != nil {
		r.Meter.Sockets(n)
	}
}

// opened keeps how many sockets are up.
func (s *Slack) opened(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sockets = n
}

// greeted keeps the id of the app, which Slack's hello names on every socket.
func (s *Slack) greeted(app string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.app = app
}

// foreign reports whether an envelope belongs to another app than its socket.
// Where either has no name there is nothing to compare.
func (s *Slack) foreign(app string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return app != "" && s.app != "" && app != s.app
}

// finish waits for the work in progress. What is not done within Grace is given
// up: it stays noted, and another replica tells its person.
func (r *reception) finish(giveUp context.CancelFunc) error {
	done := make(chan struct{})
	go func() {
		r.going.Wait()
		close(done)
	}()
	timer := time.AfterFunc(r.Grace, giveUp)
	defer timer.Stop()
	last := time.NewTimer(2 * r.Grace)
	defer last.Stop()
	select {
	case <-done:
		return nil
	case <-last.C:
		return fmt.Errorf("commands did not end within %s", 2*r.Grace)
	}
}

// handle answers an envelope.
func (r *reception) handle(ctx context.Context, e socket.Envelope, ack socket.Ack) {
	if app := appOf(e); r.foreign(app) {
		r.Log.WarnContext(ctx, "an envelope of another app", "app", app, "envelope", e.ID)
		r.turnAway(ctx, e, ack, "This belongs to another Slack app than the one I serve, so nothing happened.",
			"Tell whoever runs Countersign: the app token and the app in this workspace may not belong together.")
		return
	}
	defer r.poster.Stir()
	switch {
	case e.Kind == socket.KindSlash:
		r.slash(ctx, e, ack)
	case e.Interaction.Type == slack.InteractionTypeBlockActions && e.Interaction.Container.Type != "view":
		r.click(ctx, e, ack)
	case e.Interaction.Type == slack.InteractionTypeViewSubmission:
		r.submit(ctx, e, ack)
	default:
		_ = ack(ctx, nil)
	}
}

func appOf(e socket.Envelope) string {
	if e.Kind == socket.KindSlash {
		return e.Slash.APIAppID
	}
	return e.Interaction.APIAppID
}

// budget is the time in which an envelope must be judged.
func (r *reception) budget(ctx context.Context, e socket.Envelope) (context.Context, context.CancelFunc) {
	return context.WithDeadline(ctx, e.Received.Add(r.DecideWithin))
}

// person is who did it, as the payload says: the id, and the workspace they
// belong to. The id across an organisation comes from their profile.
func (r *reception) person(ctx context.Context, team, id string) rules.Person {
	p := rules.Person{Team: team, ID: id}
	if f, err := r.Directory(profileAge).Profile(ctx, p); err == nil {
		p.Enterprise = f.Enterprise
	} // otherwise the desk will not find them either, and refuse
	return p
}

// who is the person behind an interaction.
func who(i slack.InteractionCallback) (team, id string) {
	if i.User.TeamID != "" {
		return i.User.TeamID, i.User.ID
	}
	return i.Team.ID, i.User.ID
}

// whereFrom is the channel and the person to whom an answer can be shown.
func whereFrom(e socket.Envelope) (channel, person string) {
	if e.Kind == socket.KindSlash {
		return e.Slash.ChannelID, e.Slash.UserID
	}
	i := e.Interaction
	if i.Type == slack.InteractionTypeViewSubmission {
		if c, home, err := cards.Metadata(i.View.PrivateMetadata); err == nil {
			return cmp.Or(home, c.Channel), i.User.ID
		}
	}
	return cmp.Or(i.Channel.ID, i.Container.ChannelID), i.User.ID
}

// said is the answer to a command inside its acknowledgement.
func said(text, hint string) any {
	m := cards.Reply(text, hint)
	return map[string]any{"response_type": "ephemeral", "text": m.Text, "blocks": m.Blocks}
}

// busy says that there was no time for an envelope.
func (r *reception) busy(ctx context.Context, e socket.Envelope, ack socket.Ack) {
	again := "Press again in a moment."
	switch {
	case e.Kind == socket.KindSlash:
		again = "Type it again in a moment."
	case e.Interaction.Type == slack.InteractionTypeViewSubmission:
		again = "Send it again."
	}
	r.turnAway(ctx, e, ack, "Too much is going on, and I did not get to this. Nothing was stored.", again)
}

// turnAway answers an envelope of which nothing was stored: a command inside its
// acknowledgement, a form in itself, and a click with words of its own.
func (r *reception) turnAway(ctx context.Context, e socket.Envelope, ack socket.Ack, text, hint string) {
	if e.Kind == socket.KindSlash {
		_ = ack(ctx, said(text, hint)) // its error is logged by package socket
		return
	}
	if e.Interaction.Type == slack.InteractionTypeViewSubmission && r.keepOpen(ctx, e.Interaction.View, ack, text+" "+hint) {
		return
	}
	_ = ack(ctx, nil)
	channel, person := whereFrom(e)
	r.whisper(ctx, channel, person, text, hint)
}

// broken says that handling an envelope panicked.
func (r *reception) broken(ctx context.Context, e socket.Envelope, ack socket.Ack) {
	const text = "Something went wrong on my side. It is in my log."
	if e.Kind == socket.KindSlash && ack(ctx, said(text, "")) == nil {
		return
	}
	_ = ack(ctx, nil)
	channel, person := whereFrom(e)
	r.whisper(ctx, channel, person, text, "")
}

// later does the slow rest of a command and shows its answer. The command is
// noted in the book under op until it is answered.
func (r *reception) later(op string, by rules.Person, channel string, then func(context.Context) commands.Reply) {
	r.going.Go(func() {
		alive, stop := context.WithCancel(r.work)
		r.going.Go(func() { r.stillAt(alive, op) })
		defer stop()
		select {
		case r.room <- struct{}{}:
			defer func() { <-r.room }()
		case <-r.work.Done():
			return
		}
		err := web.Guarded(func() error { return r.carry(op, by, channel, then) })
		if err != nil {
			r.Log.ErrorContext(r.work, "a command was not answered", "op", op, "by", by.String(), "err", err)
		}
	})
}

// carry does the work of a command and shows its answer. A command whose work
// was given up stays noted: another replica tells its person.
func (r *reception) carry(op string, by rules.Person, channel string, then func(context.Context) commands.Reply) error {
	var reply commands.Reply
	for then != nil {
		err := web.Guarded(func() error {
			reply = then(r.work)
			return nil
		})
		if err != nil {
			r.Log.ErrorContext(r.work, "a command broke", "op", op, "by", by.String(), "err", err)
			reply = commands.Reply{Text: "Something went wrong on my side. It is in my log."}
		}
		then = reply.Then
	}
	if err := r.work.Err(); err != nil {
		closeFile(reply.File)
		return err
	}
	r.poster.Stir()
	r.show(r.work, by.ID, channel, reply)
	return r.Book.Answered(r.work, op)
}

// stillAt renews the note of a command until ctx ends.
func (r *reception) stillAt(ctx context.Context, op string) {
	for web.Sleep(ctx, signOfLife) {
		if err := r.Book.StillAsked(ctx, op); err != nil && ctx.Err() == nil {
			r.Log.WarnContext(ctx, "a sign of life was not noted", "op", op, "err", err)
		}
	}
}
