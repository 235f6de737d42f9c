package slack

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/slack-go/slack"

	"countersign/approvals"
	"countersign/audit"
	"countersign/commands"
	"countersign/qualys"
	"countersign/slack/post"
	"countersign/slack/web"
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
	Checkpoints  string   // the channel that gets the signed head every day, or empty
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
	CheckEvery   time.Duration // 1 h: how often the end of the trail is read back and checked
}

// A Meter hears numbers. Its functions may be nil and must not block.
type Meter struct {
	Sockets     func(n int)                           // sockets of ours that are up
	Connections func(n int)                           // sockets that Slack counts for the app
	Call        func(method, problem string)          // a call of the Web API, with Slack's word when it was refused
	Decided     func(took time.Duration)              // a click, from Slack's envelope to its acknowledgement
	Posted      func(kind string, late time.Duration) // an entry, and how long after its event
	Checked     func(problems int)                    // the end of the trail was read back
}

func (c Config) withDefaults() Config {
	for _, d := range []struct {
		to *time.Duration
		is time.Duration
	}{
		{&c.DecideWithin, 2 * time.Second}, {&c.Grace, 10 * time.Second}, {&c.SecondSocket, 3 * time.Minute},
		{&c.CallTime, 15 * time.Second}, {&c.Poll, time.Second}, {&c.Lease, 10 * time.Second},
		{&c.CardWait, 30 * time.Second}, {&c.ShareWait, 30 * time.Second}, {&c.CheckEvery, time.Hour},
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
	web    *web.Client
	poster *post.Poster
	people *cache

	telling sync.WaitGroup // words to people whose command still works

	mu      sync.Mutex
	sockets int    // that are up
	app     string // whose sockets these are, as Slack greeted us, or empty
}

// A TokenError is a refusal of the bot token that waiting does not mend.
type TokenError = web.TokenError

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
	client, err := web.New(web.Config{
		BotToken: c.BotToken, AppToken: c.AppToken, APIURL: c.APIURL, Dial: c.Dial, AnyFiles: c.AnyFiles,
		CallTime: c.CallTime, ShareWait: c.ShareWait, Log: c.Log, Called: c.Meter.Call, Point: c.Point,
	})
	if err != nil {
		return nil, err
	}
	poster := post.New(post.Config{
		Web: client, Book: c.Book, Trail: c.Trail, AuditChannel: c.AuditChannel, CheckpointChannel: c.Checkpoints,
		Approvers: c.Approvers, Command: c.Command, Typed: c.Typed, Replica: c.Replica,
		Log: c.Log, Posted: c.Meter.Posted, Checked: c.Meter.Checked,
		Poll: c.Poll, Lease: c.Lease, CardWait: c.CardWait, CheckEvery: c.CheckEvery,
	})
	return &Slack{Config: c, web: client, poster: poster, people: newCache()}, nil
}

// Hello checks the bot token and learns whose it is. A [TokenError] will not
// mend by itself.
func (s *Slack) Hello(ctx context.Context) error { return s.web.Hello(ctx) }

// Team is the id of the workspace, known after [Slack.Hello].
func (s *Slack) Team() string { return s.web.Identity().Team }

// Post brings events and cards to Slack until ctx ends. All replicas run it; the one
// that holds the poster's lease works.
func (s *Slack) Post(ctx context.Context) error { return s.poster.Run(ctx) }

// Entries reads the trail back from Slack: its newest number, and its entries
// about a request since that was last approved, in their order.
func (s *Slack) Entries(ctx context.Context, request string) (head uint64, entries []audit.Entry, err error) {
	return s.poster.Entries(ctx, request)
}

// Ready reports whether people can be heard and events be posted, and if not,
// why.
func (s *Slack) Ready() (ok bool, reasons []string) {
	s.mu.Lock()
	deaf := s.sockets == 0
	s.mu.Unlock()
	if deaf {
		reasons = append(reasons, "no socket to Slack is open")
	}
	if err := s.poster.Trouble(); err != nil {
		reasons = append(reasons, "the trail cannot be posted: "+err.Error())
	}
	return len(reasons) == 0, reasons
}

// Close waits for look-ups and words that nobody waits for any more and lets go
// of idle connections. Call it after Receive and Post have returned.
func (s *Slack) Close() {
	s.people.running.Wait()
	s.telling.Wait()
	s.web.Close()
}
