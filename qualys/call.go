package qualys

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

var errTooLarge = errors.New("the answer is too large")

// A call is one HTTP exchange.
type call struct {
	op      string // as in Error.Op
	method  string
	url     string
	accept  string
	content string // the type of the body
	body    []byte
	write   bool // a write is never repeated and may have an open fate

	authorize func(*http.Request) // adds the credentials, or nil
	success   int                 // the one status that counts; 0 means any 2xx
}

// do makes one attempt and hands the answer's body to use, which must read it
// to its end. Whatever goes wrong comes back as an *Error, except for what use
// says about its own side (see ours) and a context that ended before anything was sent.
func (c *Client) do(ctx context.Context, k call, use func(*http.Response, io.Reader) error) error {
	parsed, err := url.Parse(k.url)
	if err != nil {
		return fmt.Errorf("%s: %w", k.op, err)
	}
	give, err := c.hosts[parsed.Host].take(ctx, k.write)
	if err != nil {
		return fmt.Errorf("%s: waiting for a free slot: %w", k.op, err)
	}
	defer give()

	began := time.Now()
	err = c.exchange(ctx, k, use)
	c.log.DebugContext(ctx, "called Qualys", "op", k.op, "took", time.Since(began).Round(time.Millisecond), "err", err)
	return err
}

func (c *Client) exchange(ctx context.Context, k call, use func(*http.Response, io.Reader) error) error {
	limit := readTimeout
	if k.write {
		limit = c.writeTimeout
	}
	attempt, cancel := context.WithTimeout(ctx, limit)
	defer cancel()

	var connected atomic.Bool
	attempt = httptrace.WithClientTrace(attempt, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	})
	req, err := http.NewRequestWithContext(attempt, k.method, k.url, bytes.NewReader(k.body))
	if err != nil {
		return fmt.Errorf("%s: %w", k.op, err)
	}
	k.dress(req)

	resp, err := c.http.Do(req)
	if err != nil {
		return k.broken(attempt, 0, err, connected.Load())
	}
	body := &watched{r: resp.Body}
	defer func() {
		_, _ = io.CopyN(io.Discard, body, errorLimit) // lets the connection serve again
		_ = resp.Body.Close()
	}()
	if !k.succeeded(resp.StatusCode) {
		return c.refusal(attempt, k, resp, body)
	}
	err = use(resp, body)
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
func (k call) dress(req *http.Request) {
	req.Header.Set("Accept", k.accept)
	req.Header.Set("User-Agent", "countersign")
	req.Header.Set("X-Requested-With", "countersign")
	if k.content != "" {
		req.Header.Set("Content-Type", k.content)
	}
	if k.authorize != nil {
		k.authorize(req)
	}
}

func (k call) succeeded(status int) bool {
	if k.success != 0 {
		return status == k.success
	}
	return status/100 == 2
}

// broken is a call without a whole answer. A write that had a connection may
// have been done.
func (k call) broken(ctx context.Context, status int, cause error, sent bool) error {
	if u := (*url.Error)(nil); errors.As(cause, &u) {
		cause = u.Err // without the address
	}
	e := &Error{Op: k.op, Status: status, Err: cause}
	if ctx.Err() != nil {
		e.Err = context.Cause(ctx)
	}
	switch {
	case !sent || !k.write:
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
func (c *Client) refusal(ctx context.Context, k call, resp *http.Response, body *watched) error {
	text, _ := io.ReadAll(io.LimitReader(body, errorLimit))
	e := &Error{Op: k.op, Status: resp.StatusCode, RetryAfter: retryAfter(resp.Header, time.Now())}
	if answer, err := decodeAnswer(bytes.NewReader(text), nil); err == nil && answer.code != "" {
		e.Code, e.Message, e.Resolution = c.scrub(answer.code), c.scrub(answer.message), c.scrub(answer.resolution)
	} else {
		e.Message = cmp.Or(c.sentence(text), http.StatusText(resp.StatusCode))
	}
	if k.write && !refuses(e.Status, e.Code) {
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
func (k call) unsettled(resp *http.Response, err error) error {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		e = &Error{Err: err}
	}
	e.Op = k.op
	e.Status = cmp.Or(e.Status, resp.StatusCode)
	e.RetryAfter = max(e.RetryAfter, retryAfter(resp.Header, time.Now()))
	if k.write && !refuses(e.Status, e.Code) {
		e.Fate = Answered
	}
	return e
}

// ours marks an error of our own side, such as a full disk: Qualys is not to blame.
type ours struct{ error }

func (o ours) Unwrap() error { return o.error }

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

// capped is a reader that fails, rather than ends, after n bytes.
type capped struct {
	r io.Reader
	n int64
}

func (c *capped) Read(p []byte) (int, error) {
	if c.n <= 0 {
		return 0, errTooLarge
	}
	if int64(len(p)) > c.n {
		p = p[:c.n]
	}
	n, err := c.r.Read(p)
	c.n -= int64(n)
	return n, err
}
