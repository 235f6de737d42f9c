package download

import (
	"bytes"
	"context"
	"io"
	"sync"
	"sync/atomic"

	"countersign/qualys/wire"
)

// How many pages of a download are under way together: as many as reads may run
// at once on a host, and the line sees to it. One more is kept, so that the
// next call need not wait until a page is written.
const (
	atOnce = 2
	kept   = 1
)

// A counter counts calls, which may be made by several goroutines.
type counter struct{ n atomic.Int64 }

func (c *counter) add()       { c.n.Add(1) }
func (c *counter) value() int { return int(c.n.Load()) }

// ahead fetches pages before they are needed. They are asked for in order, so
// that the one needed next never stands behind a later one in the line. It makes
// one attempt for each: a page that fails is asked for again by whoever needs it,
// who also hears why. A nil *ahead has nothing.
type ahead struct {
	fetch func(limit, offset int, sent func()) ([]byte, error)
	next  int // where the page to fetch next begins
	end   int // where the last one ends
	queue []*fetched
	left  chan struct{} // closed once the last of the queue has been asked for; nil at first
	wg    sync.WaitGroup
}

// fetched is a page that is on its way, or has come.
type fetched struct {
	offset int
	done   chan struct{}
	body   []byte // nil if it failed
}

// fetchAhead begins to fetch the pages from the one that is needed next up to
// the last, as far as it is known. They are asked for with limits that do not
// overlap, so that none comes twice and the last is no larger than wanted.
func (d *download) fetchAhead(ctx context.Context) *ahead {
	a := &ahead{next: d.query.Offset + d.read, end: d.end()}
	a.fetch = func(limit, offset int, sent func()) ([]byte, error) {
		k, err := d.query.call(limit, offset)
		if err != nil {
			return nil, err
		}
		k.Ahead, k.Sent = true, func() {
			d.calls.add()
			sent()
		}
		var b bytes.Buffer
		err = d.line.Bearer(ctx, k, func(body io.Reader) error {
			b.Reset()
			_, err := b.ReadFrom(wire.Capped(body))
			return err
		})
		return b.Bytes(), err
	}
	a.fill()
	return a
}

// fill sees to it that enough pages are under way.
func (a *ahead) fill() {
	for len(a.queue) < atOnce+kept && a.next < a.end {
		limit := min(pageSize, a.end-a.next)
		f := &fetched{offset: a.next, done: make(chan struct{})}
		a.next += limit
		a.queue = append(a.queue, f)
		before, left := a.left, make(chan struct{})
		a.left = left
		a.wg.Go(func() {
			defer close(f.done)
			sent := sync.OnceFunc(func() { close(left) })
			defer sent() // also when it was never asked for
			if before != nil {
				<-before
			}
			if body, err := a.fetch(limit, f.offset, sent); err == nil {
				f.body = body
			}
		})
	}
}

// take waits for the page that begins at the offset and returns it; nil if it
// was not fetched or failed. A page before it that came short ends all
// fetching: nothing fits any more.
func (a *ahead) take(ctx context.Context, offset int) []byte {
	if a == nil || len(a.queue) == 0 {
		return nil
	}
	f := a.queue[0]
	if f.offset != offset {
		a.next = a.end
		return nil
	}
	select {
	case <-f.done:
	case <-ctx.Done():
		return nil
	}
	a.queue = a.queue[1:]
	a.fill()
	return f.body
}

// wait returns when no page is under way any more.
func (a *ahead) wait() {
	if a != nil {
		a.wg.Wait()
	}
}
