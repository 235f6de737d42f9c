package wire

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"
)

// How much of an answer is read.
const (
	errorLimit = 64 << 10 // of an answer that is no success
	listLimit  = 32 << 20 // of a list of users
)

// ErrTooLarge means that an answer exceeds what is read of it.
var ErrTooLarge = errors.New("the answer is too large")

// A Call is one HTTP exchange.
type Call struct {
	Op      string // as in [Error.Op]
	Method  string
	Path    string // with the query, if any
	Accept  string
	Content string // the type of the body
	Body    []byte
	Write   bool   // never repeated, never kept waiting for a limit, and may have an open fate
	Ahead   bool   // a read that nobody waits for yet: it does not wait for a limit either
	Sent    func() // is called before each exchange, or nil

	base      string
	authorize func(*http.Request) // adds the credentials, or nil
}

// do makes one attempt: see [Line.Basic].
func (l *Line) do(ctx context.Context, k Call, use func(io.Reader) error) error {
	parsed, err := url.Parse(k.base)
	if err != nil {
		return fmt.Errorf("%s: %w", k.Op, err)
	}
	give, err := l.enter(ctx, k, parsed.Host)
	if err != nil {
		return err
	}
	defer give()

	if k.Sent != nil {
		k.Sent()
	}
	began := time.Now()
	err = l.exchange(ctx, k, use)
	if e, ok := errors.AsType[*Error](err); ok && e.Err != nil {
		e.Err = quiet{e.Err, l.scrub(e.Err.Error())}
	}
	l.log.DebugContext(ctx, "called Qualys", "op", k.Op, "took", time.Since(began).Round(time.Millisecond), "err", err)
	return err
}

func (l *Line) exchange(ctx context.Context, k Call, use func(io.Reader) error) error {
	limit := readTimeout
	if k.Write {
		limit = l.writeTimeout
	}
	attempt, cancel := context.WithTimeout(ctx, limit)
	defer cancel()

	var connected atomic.Bool
	attempt = httptrace.WithClientTrace(attempt, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	})
	req, err := http.NewRequestWithContext(attempt, k.Method, k.base+k.Path, bytes.NewReader(k.Body))
	if err != nil {
		return fmt.Errorf("%s: %w", k.Op, err)
	}
	k.dress(req)

	resp, err := l.http.Do(req)
	if err != nil {
		return k.broken(attempt, 0, err, connected.Load())
	}
	l.limits.heed(k.Op, resp.Header, time.Now())
	body := &watched{r: resp.Body}
	defer func() {
		_, _ = io.CopyN(io.Discard, body, errorLimit) // lets the connection serve again
		_ = resp.Body.Close()
	}()
	if resp.StatusCode/100 != 2 {
		return l.refusal(attempt, k, resp, body)
	}
	err = use(body)
	var mine ours
	switch {
	case err == nil:
		return nil
	case errors.As(err, &mine):
		return mine.error
	case body.err != nil:
		return k.broken(attempt, resp.StatusCode, body.err, true)
	}
	return k.unsettled(resp, err)
}

// dress adds the headers. X-Requested-With is what other Qualys APIs insist on.
func (k Call) dress(req *http.Request) {
	req.Header.Set("Accept", k.Accept)
	req.Header.Set("User-Agent", "countersign")
	req.Header.Set("X-Requested-With", "countersign")
	if k.Content != "" {
		req.Header.Set("Content-Type", k.Content)
	}
	if k.authorize != nil {
		k.authorize(req)
	}
}

// broken is a call without a whole answer. A write that had a connection may
// have been done.
func (k Call) broken(ctx context.Context, status int, cause error, sent bool) error {
	if u := (*url.Error)(nil); errors.As(cause, &u) {
		cause = u.Err // without the address
	}
	e := &Error{Op: k.Op, Status: status, Err: cause}
	if ctx.Err() != nil {
		e.Err = context.Cause(ctx)
	}
	switch {
	case !sent || !k.Write:
	case ctx.Err() != nil, timedOut(cause):
		e.Fate = TimedOut
	default:
		e.Fate = Lost
	}
	e.sent = sent
	return e
}

func timedOut(err error) bool {
	t, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err)
	return ok && t.Timeout()
}

// refusal is a complete answer with a status that is no success.
func (l *Line) refusal(ctx context.Context, k Call, resp *http.Response, body *watched) error {
	text, _ := io.ReadAll(io.LimitReader(body, errorLimit))
	e := &Error{Op: k.Op, Status: resp.StatusCode, RetryAfter: readRates(resp.Header, time.Now()).wait}
	l.explain(e, text)
	e.Message = cmp.Or(e.Message, http.StatusText(resp.StatusCode))
	if e.Status/100 == 3 || e.Status == http.StatusNotFound && k.Op != OpDownload {
		e.Resolution = cmp.Or(e.Resolution, "there is no such service at this address: check the platform and its URLs")
	}
	if k.Write && !refuses(e.Status, e.Code) {
		e.Fate = Answered
		if body.err != nil {
			e.Fate = Lost
		}
		if ctx.Err() != nil {
			e.Fate = TimedOut
		}
	}
	return e
}

// unsettled is a success by its status whose body does not hold up.
func (k Call) unsettled(resp *http.Response, err error) error {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		e = &Error{Err: err}
	}
	e.Op = k.Op
	e.Status = cmp.Or(e.Status, resp.StatusCode)
	e.RetryAfter = max(e.RetryAfter, readRates(resp.Header, time.Now()).wait)
	if k.Write && !refuses(e.Status, e.Code) {
		e.Fate = Answered
	}
	return e
}

// Ours marks an error of our own side, such as a full disk: Qualys is not to
// blame, and asking again would not help.
func Ours(err error) error { return ours{err} }

type ours struct{ error }

func (o ours) Unwrap() error { return o.error }

// quiet is a cause without what its text must not tell: a decoder quotes what it
// cannot read.
type quiet struct {
	error
	text string
}

func (q quiet) Error() string { return q.text }
func (q quiet) Unwrap() error { return q.error }

// watched remembers how reading the body failed, to tell an answer that broke
// off from one that makes no sense.
type watched struct {
	r   io.Reader
	err error
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	if err != nil && err != io.EOF {
		w.err = err
	}
	return n, err
}

// Capped returns a reader that fails with [ErrTooLarge], rather than ends, after
// 32 MiB, which is as much as is ever read of a list.
func Capped(r io.Reader) io.Reader { return &capped{r: r, n: listLimit} }

// capped is a reader that fails, rather than ends, after n bytes.
type capped struct {
	r io.Reader
	n int64
}

func (c *capped) Read(p []byte) (int, error) {
	if c.n <= 0 {
		return 0, ErrTooLarge
	}
	if int64(len(p)) > c.n {
		p = p[:c.n]
	}
	n, err := c.r.Read(p)
	c.n -= int64(n)
	return n, err
}
