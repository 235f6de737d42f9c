package slack

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/slack-go/slack"

	"countersign/approvals"
	"countersign/audit"
	"countersign/commands"
	"countersign/qualys"
)

// A Desk answers what people do. *commands.Desk is one.
type Desk interface {
	Slash(context.Context, commands.Slash) commands.Reply
	Click(context.Context, commands.Click) commands.Reply
	Submit(context.Context, commands.Submission) commands.Reply
}

// A Config says which Slack to talk to, as whom, and what to bring there. The
// zero times are the product's own; tests set others.
type Config struct {
	BotToken qualys.Secret // "xoxb-…"
	AppToken qualys.Secret // "xapp-…", for the sockets
	APIURL   string        // empty means Slack's own; ends with a slash

	// Dial replaces the network for HTTP and WebSocket, for tests; nil means
	// the network, by way of HTTPS_PROXY if that is set.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	Book         *approvals.Book
	Trail        *audit.Trail
	AuditChannel string   // where the trail is
	AnyFiles     bool     // files may go to channels that are not private
	Approvers    []string // people and groups of the policy, mentioned once when a card is posted
	Command      string   // empty means "/qualys-users"

	// Typed reports whether an approval of so many users is typed in a dialog;
	// then its button asks nothing first. nil means never.
	Typed   func(users int) bool
	Replica string // names this process

	Log   *slog.Logger      // nil means none
	Meter Meter             // what to count
	Point func(name string) // a place where a test may strike; nil in production

	DecideWithin time.Duration // 2 s: after it a click is not stored any more
	Grace        time.Duration // 10 s: for work in progress when Receive ends
	SecondSocket time.Duration // 3 min: between opening the two sockets
	CallTime     time.Duration // 15 s: the longest call of the Web API
	Poll         time.Duration // 1 s: how often to look for something to post
	Lease        time.Duration // 10 s: a silent poster is replaced after it
	CardWait     time.Duration // 30 s: the longest wait of an entry for its card
	ShareWait    time.Duration // 30 s: the longest wait for an upload to appear
}

// A Meter hears numbers. Its functions may be nil and must not block.
type Meter struct {
	Sockets     func(n int)                           // sockets of ours that are up
	Connections func(n int)                           // sockets that Slack counts for the app
	Call        func(method, problem string)          // a call of the Web API, with Slack's word when it was refused
	Decided     func(took time.Duration)              // a click, from Slack's envelope to its acknowledgement
	Posted      func(kind string, late time.Duration) // an entry, and how long after its event
}

func (c Config) withDefaults() Config {
	for _, d := range []struct {
		to *time.Duration
		is time.Duration
	}{
		{&c.DecideWithin, 2 * time.Second}, {&c.Grace, 10 * time.Second}, {&c.SecondSocket, 3 * time.Minute},
		{&c.CallTime, 15 * time.Second}, {&c.Poll, time.Second}, {&c.Lease, 10 * time.Second},
		{&c.CardWait, 30 * time.Second}, {&c.ShareWait, 30 * time.Second},
	} {
		if *d.to == 0 {
			*d.to = d.is
		}
	}
	if c.Command == "" {
		c.Command = "/qualys-users"
	}
	if c.APIURL == "" {
		c.APIURL = slack.APIURL
	}
	if c.Point == nil {
		c.Point = func(string) {}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

// Slack is one workspace, seen by its bot.
type Slack struct {
	Config
	api    *slack.Client
	http   *http.Client // adds no token to anything
	pace   *pacer
	people *cache
	health health
	news   news

	telling sync.WaitGroup // words to people whose command still works

	mu  sync.Mutex
	who identity
	app string            // whose sockets these are, as Slack greeted us, or empty
	dms map[string]string // the direct conversation with a person
}

// identity is who the bot token belongs to.
type identity struct {
	team       string // the workspace
	enterprise string // its organisation, or empty
	user       string // the bot's user
}

// New prepares to talk to Slack. Without Book, Trail and AuditChannel it can
// look things up, and neither receive nor post.
func New(c Config) (*Slack, error) {
	c = c.withDefaults()
	switch {
	case c.BotToken == "" || c.AppToken == "":
		return nil, errors.New("slack: the bot token and the app token are needed")
	case (c.Book == nil) != (c.Trail == nil) || (c.Book == nil) != (c.AuditChannel == ""):
		return nil, errors.New("slack: Book, Trail and AuditChannel belong together")
	}
	client, err := newHTTPClient(c)
	if err != nil {
		return nil, err
	}
	s := &Slack{
		Config: c, http: client, pace: newPacer(), people: newCache(),
		news: news{make(chan struct{}, 1), make(chan struct{}, 1)}, dms: map[string]string{},
	}
	calls := *client
	calls.Transport = bearer{c.BotToken, client.Transport}
	s.api = slack.New(c.BotToken.Reveal(),
		slack.OptionAppLevelToken(c.AppToken.Reveal()), slack.OptionAPIURL(c.APIURL), slack.OptionHTTPClient(&calls))
	return s, nil
}

// Hello checks the bot token and learns whose it is. A [TokenError] will not
// mend by itself.
func (s *Slack) Hello(ctx context.Context) error {
	var is *slack.AuthTestResponse
	err := s.call(ctx, "auth.test", "", func(ctx context.Context) (err error) {
		is, err = s.api.AuthTestContext(ctx)
		return err
	})
	if refused := tokenError(err); refused != nil {
		return refused
	}
	if err != nil {
		return fmt.Errorf("say hello to Slack: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.who = identity{team: is.TeamID, enterprise: is.EnterpriseID, user: is.UserID}
	return nil
}

func (s *Slack) identity() identity {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.who
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

// introduced says hello if nobody did yet.
func (s *Slack) introduced(ctx context.Context) error {
	if s.identity().team != "" {
		return nil
	}
	return s.Hello(ctx)
}

// Team is the id of the workspace, known after [Slack.Hello].
func (s *Slack) Team() string { return s.identity().team }

// Close waits for look-ups and words that nobody waits for any more and lets go
// of idle connections. Call it after Receive and Post have returned.
func (s *Slack) Close() {
	s.people.running.Wait()
	s.telling.Wait()
	s.http.CloseIdleConnections()
}

// Ready reports whether people can be heard and events be posted, and if not,
// why.
func (s *Slack) Ready() (ok bool, reasons []string) {
	reasons = s.health.reasons()
	return len(reasons) == 0, reasons
}

// news wakes the loops of this replica's poster. Each channel holds one token.
type news struct{ entries, cards chan struct{} }

// stir says that there may be something to post.
func (s *Slack) stir() {
	for _, loop := range []chan struct{}{s.news.entries, s.news.cards} {
		select {
		case loop <- struct{}{}:
		default:
		}
	}
}
