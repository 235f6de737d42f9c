package trail

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/slack-go/slack"
	"golang.org/x/time/rate"

	"countersign/audit"
	"countersign/slack/web"
)

// A Live is the trail where it stands. Only Web and Channel are needed.
type Live struct {
	Web     *web.Client
	Channel string        // where the entries are
	Pace    *rate.Limiter // of the calls that read, or nil

	// Files are the channels in which the CSVs of the entries were posted. Without
	// any, no CSV is looked at.
	Files []string
}

// Lines reads all of the trail and yields it by number. When reading ends early, the
// error comes behind what was read until then.
func (l Live) Lines(ctx context.Context) iter.Seq2[audit.Line, error] {
	return func(yield func(audit.Line, error) bool) {
		r, err := l.reader(ctx)
		if err == nil {
			// What is posted meanwhile is read in parts only: in threads that come later.
			r.until = fmt.Sprintf("%010d.999999", time.Now().Unix())
			err = r.channel(ctx, l.Channel)
		}
		if err == nil && len(l.Files) > 0 {
			err = r.compare(ctx)
		}
		r.yield(yield, err)
	}
}

// A reader collects what stands in Slack.
type reader struct {
	Live
	seen  map[string]bool // channel and ts of what was read
	lines []audit.Line
	bad   []error
	files []file          // of the bot's own, wherever they were posted
	named map[string]bool // file_sha of all entries
	calls int
	until string // the last ts that counts, or ""
}

func (l Live) reader(ctx context.Context) (*reader, error) {
	return &reader{Live: l, seen: map[string]bool{}}, l.Web.Introduced(ctx)
}

// yield hands over what was collected, oldest number first, and how it ended.
func (r *reader) yield(yield func(audit.Line, error) bool, ended error) {
	slices.SortStableFunc(r.lines, func(a, b audit.Line) int {
		return cmp.Or(cmp.Compare(a.Entry.Seq, b.Entry.Seq), strings.Compare(a.TS, b.TS))
	})
	for _, line := range r.lines {
		if !yield(line, nil) {
			return
		}
	}
	for _, err := range r.bad {
		if !yield(audit.Line{}, err) {
			return
		}
	}
	if ended != nil {
		yield(audit.Line{}, ended)
	}
}

// channel reads a channel to its beginning, with the threads that matter.
func (r *reader) channel(ctx context.Context, channel string) error {
	return r.pages(ctx, channel, "", "", func(messages []slack.Message) (bool, error) {
		for _, m := range messages {
			if !r.hasThread(m) {
				continue
			}
			if err := r.thread(ctx, channel, m.Timestamp, ""); err != nil {
				return false, err
			}
		}
		return true, nil
	})
}

// thread reads the replies to a message. A thread that is gone is no error.
func (r *reader) thread(ctx context.Context, channel, ts, oldest string) error {
	err := r.pages(ctx, channel, ts, oldest, func([]slack.Message) (bool, error) { return true, nil })
	if web.Is(err, "thread_not_found") {
		return nil
	}
	return err
}

// pages reads a channel, newest first, or a thread of it, page by page for as
// long as more wants another one.
func (r *reader) pages(ctx context.Context, channel, thread, oldest string, more func([]slack.Message) (bool, error)) error {
	cursor := ""
	for {
		if r.Pace != nil {
			if err := r.Pace.Wait(ctx); err != nil {
				return err
			}
		}
		messages, next, err := r.Web.History(ctx, channel, thread, oldest, cursor)
		if err != nil {
			return fmt.Errorf("read %s: %w", channel, err)
		}
		if r.calls++; r.calls%50 == 0 {
			r.Web.Log.InfoContext(ctx, "reading the trail", "channel", channel, "messages", len(r.seen), "entries", len(r.lines))
		}
		for _, m := range messages {
			r.take(channel, m)
		}
		if on, err := more(messages); !on || err != nil || next == "" {
			return err
		}
		if next == cursor {
			return errors.New("read " + channel + ": Slack hands out the same page again and again")
		}
		cursor = next
	}
}

// take keeps what a message says of the trail.
func (r *reader) take(channel string, m slack.Message) {
	if r.until != "" && m.Timestamp > r.until || r.seen[channel+m.Timestamp] { // a thread begins with its parent
		return
	}
	r.seen[channel+m.Timestamp] = true
	own := m.User == r.Web.Identity().User
	if own {
		for _, f := range m.Files {
			r.files = append(r.files, file{File: f, ts: m.Timestamp})
		}
	}
	if channel != r.Channel {
		return
	}
	l, ok, err := line(channel, m)
	switch {
	case err != nil:
		if !own {
			err.By = l.By
		}
		r.bad = append(r.bad, err)
	case ok:
		if l.Visible != "" && own {
			l.Wrong = append(l.Wrong, "its metadata is gone")
		}
		r.lines = append(r.lines, l)
	}
}

// hasThread reports whether entries may stand below a message: it is a card, or
// something of the bot's own with replies, or what is left of one.
func (r *reader) hasThread(m slack.Message) bool {
	own := m.User == r.Web.Identity().User
	replies := m.ReplyCount > 0 || m.LatestReply != "" || m.ThreadTimestamp == m.Timestamp && m.ThreadTimestamp != ""
	return own && m.Metadata.EventType == web.CardType || replies && (own || m.SubType == "tombstone")
}
