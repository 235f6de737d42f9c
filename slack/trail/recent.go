package trail

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/slack-go/slack"

	"countersign/audit"
)

// recentPages is how far back [Live.Recent] reads.
const recentPages = 50

// Recent reads the end of the trail, up to #last and at least n entries of it, and
// says where this end begins: with an entry that is there, if there is one.
//
// Entries stand in their order, but for those in threads, whose cards may be much
// older. So it reads back until there is an older entry; cards, asked for only
// then, lists where what is still missing may stand.
func (l Live) Recent(ctx context.Context, last int64, n int, cards func(context.Context) ([]string, error)) (first int64, lines iter.Seq2[audit.Line, error], err error) {
	r, err := l.reader(ctx)
	if err != nil {
		return 0, nil, err
	}
	e := &end{reader: r, first: max(1, last-int64(n)+1), last: last}
	if err := e.read(ctx); err != nil {
		return 0, nil, err
	}
	if e.missing() {
		threads, err := cards(ctx)
		if err != nil {
			return 0, nil, err
		}
		for _, ts := range threads {
			if err := e.below(ctx, ts); err != nil {
				return 0, nil, err
			}
		}
	}
	return e.begins(), func(yield func(audit.Line, error) bool) { r.yield(yield, nil) }, nil
}

// An end is the end of a trail that is being read.
type end struct {
	*reader
	first, last int64
	threads     map[string]bool // that were read
}

// read reads back until everything is there, or what is missing cannot come any more.
func (e *end) read(ctx context.Context) error {
	e.threads = map[string]bool{}
	pages := 0
	return e.pages(ctx, e.Channel, "", "", func(messages []slack.Message) (bool, error) {
		pages++
		for _, m := range messages {
			if !e.hasThread(m) || m.LatestReply != "" && m.LatestReply < e.older() {
				continue
			}
			if err := e.below(ctx, m.Timestamp); err != nil {
				return false, err
			}
		}
		if !e.missing() || pages < recentPages {
			return e.missing(), nil // a card may be much older than what stands below it
		}
		if e.older() == "" { // people talk more than the bot: what was read is checked
			lowest := int64(0)
			for _, l := range e.ours() {
				if n := l.Entry.Seq; n > 0 && (lowest == 0 || n < lowest) {
					lowest = n
				}
			}
			if lowest == 0 || lowest > e.last {
				return false, fmt.Errorf("no entry in %d pages of %s", pages, e.Channel)
			}
			e.first = lowest
		}
		return false, nil
	})
}

// below reads a thread, once.
func (e *end) below(ctx context.Context, ts string) error {
	if e.threads[ts] {
		return nil
	}
	e.threads[ts] = true
	return e.thread(ctx, e.Channel, ts, e.older())
}

// older is the ts of the newest entry that is older than all that are wanted, or "".
func (e *end) older() (ts string) {
	newest := int64(0)
	for _, l := range e.ours() {
		if n := l.Entry.Seq; n < e.first && n > newest || n == newest && l.TS < ts { // one may stand there twice
			newest, ts = n, l.TS
		}
	}
	return ts
}

// missing reports whether something wanted was not read yet.
func (e *end) missing() bool {
	there := map[int64]bool{}
	for _, l := range e.ours() {
		if e.first <= l.Entry.Seq && l.Entry.Seq <= e.last {
			there[l.Entry.Seq] = true
		}
	}
	return int64(len(there)) < e.last-e.first+1
}

// begins is the number that the end begins with: the first one wanted or, where
// that is missing, the last one before it that is there.
func (e *end) begins() int64 {
	all := e.ours()
	slices.SortFunc(all, func(a, b audit.Line) int { return cmp.Compare(a.Entry.Seq, b.Entry.Seq) })
	begins := int64(1)
	for _, l := range all {
		if l.Entry.Seq <= e.first {
			begins = l.Entry.Seq
		}
	}
	return begins
}

// ours are the lines that the bot posted.
func (e *end) ours() []audit.Line {
	return slices.DeleteFunc(slices.Clone(e.lines), func(l audit.Line) bool { return l.By != e.Web.Identity().User })
}
