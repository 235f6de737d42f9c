package post

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"golang.org/x/time/rate"

	"countersign/approvals"
	"countersign/audit"
	"countersign/slack/trail"
	"countersign/slack/web"
)

// How the trail is checked while the bot runs.
const (
	checkedEntries = 200              // of its end
	checkPace      = 3 * time.Second  // a call, of the fifty a minute that Slack takes
	checkTime      = 45 * time.Minute // the longest check
	checkAgain     = 2 * time.Minute  // what looks wrong may only be late in Slack's history
	alarmOnce      = 30 * 24 * time.Hour
)

// checks looks whether the channel still shows the end of the trail as it was
// posted, once in CheckEvery, whichever replica posts then. What it finds is an
// alarm, once; that it cannot read the channel is none.
func (s *shift) checks(ctx context.Context) error {
	if s.CheckEvery == 0 {
		<-ctx.Done()
		return nil
	}
	for web.Sleep(ctx, min(time.Minute, s.CheckEvery)) {
		due, err := s.Book.Once(ctx, "trail checked", s.CheckEvery)
		if err == nil && due {
			err = web.Guarded(func() error { return s.check(ctx) })
		}
		if err != nil && ctx.Err() == nil {
			s.Log.WarnContext(ctx, "the trail could not be checked; it is tried again later", "err", err)
		}
	}
	return nil
}

// check reads the end of the trail, and again what looked wrong.
func (s *shift) check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	found, err := s.inspect(ctx)
	if err != nil {
		return err
	}
	if len(found) > 0 {
		if !web.Sleep(ctx, checkAgain) {
			return ctx.Err()
		}
		again, err := s.inspect(ctx)
		if err != nil {
			return err
		}
		for name := range found {
			if _, still := again[name]; !still {
				delete(found, name)
			}
		}
	}
	s.noteProblems(len(found))
	if len(found) == 0 {
		s.Log.InfoContext(ctx, "the end of the trail is as it was posted")
		return nil
	}
	return s.alarm(ctx, found)
}

// inspect returns what is wrong with the end of the trail, up to the entry that
// was posted last, by names that stay the same while the trail goes on.
func (s *shift) inspect(ctx context.Context) (map[string]audit.Finding, error) {
	last, head, err := s.out.Head(ctx)
	if err != nil || last == 0 {
		return nil, err
	}
	own, err := sealsOf(s.Trail)
	if err != nil {
		return nil, err
	}
	live := trail.Live{Web: s.Web, Channel: s.AuditChannel, Pace: rate.NewLimiter(rate.Every(checkPace), 1)}
	first, lines, err := live.Recent(ctx, last, checkedEntries, s.knownCards)
	if err != nil {
		return nil, err
	}
	report, err := audit.Check{
		Key: own.keys[0], Bot: s.Web.Identity().User, First: first, Last: last, Head: head,
	}.Verify(lines)
	found := map[string]audit.Finding{}
	for _, f := range report.Problems {
		found[problem(f)] = f
	}
	return found, err
}

// knownCards are the cards in the audit channel that Redis knows, for entries
// that stand below one much older than they are.
func (s *shift) knownCards(ctx context.Context) ([]string, error) {
	open, err := s.Book.Open(ctx)
	if err != nil {
		return nil, err
	}
	all, err := s.Book.All(ctx, checkedEntries)
	var cards []string
	for _, r := range append(open, all...) {
		if r.Card.TS != "" && r.Card.Channel == s.AuditChannel {
			cards = append(cards, r.Card.TS)
		}
	}
	return cards, err
}

// problem names a finding. What is missing keeps its name while the trail grows, and
// what is missing from #1 on while more of it goes: channels have a retention.
func problem(f audit.Finding) string {
	switch {
	case f.Until > 0 && f.Seq == 1:
		return "the beginning is missing"
	case f.Until > 0:
		return fmt.Sprintf("#%d to #%d are missing", f.Seq, f.Until)
	}
	return f.String()
}

// alarm writes an entry about what was not told before, and a line of the log
// about each finding.
func (s *shift) alarm(ctx context.Context, found map[string]audit.Finding) error {
	var news []string
	var first audit.Finding
	for name, f := range found {
		s.Log.ErrorContext(ctx, "the trail is not as it was posted", "seq", f.Seq, "finding", f.String())
		told, err := s.Book.Seen(ctx, alarmKey(name))
		if err != nil {
			return err
		}
		if told {
			continue
		}
		if news = append(news, name); len(news) == 1 || f.Seq < first.Seq {
			first = f
		}
	}
	if len(news) == 0 {
		return nil
	}
	detail := first.String()
	if more := len(news) - 1; more > 0 {
		detail += fmt.Sprintf("; %d more", more)
	}
	e := approvals.Event{Kind: approvals.Alarm, Facts: approvals.Facts{Why: audit.WhyTrail, Detail: detail}}
	if err := s.Book.Note(ctx, "note of "+alarmKey(detail), e); err != nil {
		return err
	}
	s.Stir()
	for _, name := range news { // twice is better than never
		if _, err := s.Book.Once(ctx, alarmKey(name), alarmOnce); err != nil {
			return err
		}
	}
	return nil
}

// alarmKey is what Redis remembers of a finding.
func alarmKey(name string) string {
	sum := sha256.Sum256([]byte(name))
	return "alarm " + hex.EncodeToString(sum[:12])
}

// Problems is how many problems the last check found that this replica made while it
// posted.
func (p *Poster) Problems() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.problems
}

func (p *Poster) noteProblems(n int) {
	p.mu.Lock()
	p.problems = n
	p.mu.Unlock()
	if p.Checked != nil {
		p.Checked(n)
	}
}
