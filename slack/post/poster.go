package post

import (
	"context"
	"encoding/base64"
	"errors"
	"log/slog"
	"sync"
	"time"

	"countersign/approvals"
	"countersign/audit"
	"countersign/slack/web"
)

// A Config says what to bring to Slack, and where. Only Typed, Posted, Checked,
// CheckEvery and CheckpointChannel may be left out.
type Config struct {
	Web          *web.Client
	Book         *approvals.Book
	Trail        *audit.Trail
	AuditChannel string // where the trail is

	// CheckpointChannel gets the signed head of the trail every day; "" means that none does.
	CheckpointChannel string

	Approvers []string // people and groups of the policy, mentioned once when a card is posted
	Command   string   // what people type, such as "/qualys-users"

	// Typed reports whether an approval of so many users is typed in a dialog;
	// then its button asks nothing first. nil means never.
	Typed   func(users int) bool
	Replica string // names this process

	Log     *slog.Logger
	Posted  func(kind string, late time.Duration) // an entry, and how long after its event
	Checked func(problems int)                    // the end of the trail was read back

	Poll     time.Duration // how often to look for something to post
	Lease    time.Duration // a silent poster is replaced after it
	CardWait time.Duration // the longest wait of an entry for its card

	// CheckEvery is how often the end of the trail is read back and checked; 0 means never.
	CheckEvery time.Duration
}

// A Poster brings events and cards to Slack while it holds the lease, and reads
// the trail back.
type Poster struct {
	Config
	news news

	mu       sync.Mutex
	trouble  error // why entries cannot be posted, or nil
	problems int   // that the last check of the trail found
}

// news wakes the loops of this replica's poster. Each channel holds one token.
type news struct{ entries, cards chan struct{} }

// New prepares to post.
func New(c Config) *Poster {
	return &Poster{Config: c, news: news{make(chan struct{}, 1), make(chan struct{}, 1)}}
}

// Stir says that there may be something to post.
func (p *Poster) Stir() {
	for _, loop := range []chan struct{}{p.news.entries, p.news.cards} {
		select {
		case loop <- struct{}{}:
		default:
		}
	}
}

// Trouble is why entries cannot be posted at the moment, or nil.
func (p *Poster) Trouble() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.trouble
}

// noteTrouble notes how the last attempt to post went.
func (p *Poster) noteTrouble(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.trouble = err
}

// Run brings events and cards to Slack until ctx ends. All replicas run it; the
// one that has the poster's lease works.
func (p *Poster) Run(ctx context.Context) error {
	for failures := 1; p.Web.Identity().Team == ""; failures++ {
		err := p.Web.Hello(ctx)
		if _, final := errors.AsType[*web.TokenError](err); final {
			return err
		}
		if err != nil {
			p.Log.ErrorContext(ctx, "the poster cannot begin", "err", err)
			if !web.Sleep(ctx, patience(failures)) {
				return nil
			}
		}
	}
	for failures := 0; ; {
		s := p.newShift()
		held := false
		newest, err := p.signsNow(ctx)
		if err == nil && newest {
			held, err = s.out.Lease(ctx, s.owner, p.Lease)
		}
		if failures++; err == nil {
			failures = 0
		}
		if held {
			s.hold(ctx)
		}
		if ctx.Err() == nil && err != nil {
			p.Log.ErrorContext(ctx, "the poster's lease cannot be asked for", "failures", failures, "err", err)
		}
		if !web.Sleep(ctx, p.Poll*time.Duration(1+min(failures, 9))) {
			return nil
		}
	}
}

// Signer is the name under which the newest replica records its public key, in
// base64, in the same step as the event that announces it.
const Signer = "signer"

// signsNow reports whether no newer replica signs with another key. Else the
// change of keys, and what comes after it, would be sealed with the former one.
func (p *Poster) signsNow(ctx context.Context) (bool, error) {
	newest, err := p.Book.Recorded(ctx, Signer)
	if err != nil || newest == "" {
		return err == nil, err
	}
	own, err := sealsOf(p.Trail)
	return err == nil && newest == base64.StdEncoding.EncodeToString(own.keys[0]), err
}

// patience is the wait after so many failures: a second, doubling up to a minute.
func patience(failures int) time.Duration {
	return min(time.Second<<min(failures-1, 6), time.Minute)
}
