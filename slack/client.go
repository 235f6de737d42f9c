package slack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"

	"countersign/qualys"
)

// newHTTPClient makes the client for everything that goes to Slack: with
// timeouts, with the proxy of the environment, and without redirects to another
// host, so that no token travels further than it should.
func newHTTPClient(c Config) (*http.Client, error) {
	api, err := url.Parse(c.APIURL)
	if err != nil || api.Host == "" || !strings.HasSuffix(api.Path, "/") {
		return nil, fmt.Errorf("slack: the API URL %q is none, or does not end with a slash", c.APIURL)
	}
	if api.Scheme != "https" && !loopback(api.Hostname()) {
		return nil, fmt.Errorf("slack: the API URL %q is not https", c.APIURL)
	}
	transport := &http.Transport{
		DialContext:           c.Dial,
		ForceAttemptHTTP2:     true,
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: c.CallTime,
		MaxIdleConnsPerHost:   8,
		IdleConnTimeout:       30 * time.Second,
	}
	if c.Dial == nil {
		transport.Proxy = http.ProxyFromEnvironment
		transport.DialContext = dialer(api).DialContext
	}
	return &http.Client{
		Transport: transport,
		CheckRedirect: func(next *http.Request, via []*http.Request) error {
			if next.URL.Host != via[0].URL.Host || next.URL.Scheme != via[0].URL.Scheme || len(via) > 5 {
				return errors.New("slack: a redirect to another host is not followed")
			}
			return nil
		},
	}, nil
}

// dialer reaches public addresses only, whatever a name or an answer says,
// unless a simulator or a proxy is configured, which live inside.
func dialer(api *url.URL) *net.Dialer {
	d := &net.Dialer{Timeout: 10 * time.Second}
	proxy, err := http.ProxyFromEnvironment(&http.Request{URL: api})
	if err == nil && proxy == nil && !loopback(api.Hostname()) {
		d.Control = publicOnly
	}
	return d
}

func publicOnly(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("slack: dial %s: %w", address, err)
	}
	if ip := at.Addr().Unmap(); !ip.IsGlobalUnicast() || ip.IsPrivate() {
		return fmt.Errorf("slack: %s is not a public address", address)
	}
	return nil
}

// A bearer puts the bot token into the header of every call of the Web API that
// has none there: slack-go writes it into the form, and not every Slack looks at
// both. Uploads and downloads do not pass here.
type bearer struct {
	token qualys.Secret
	next  http.RoundTripper
}

func (b bearer) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Header.Get("Authorization") == "" {
		req = req.Clone(req.Context()) // a RoundTripper leaves the request as it is
		req.Header.Set("Authorization", "Bearer "+b.token.Reveal())
	}
	return b.next.RoundTrip(req)
}

func loopback(host string) bool {
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}

// call makes one call of the Web API. Turned away for being too fast it waits
// as long as Slack says, for as long as ctx allows, and calls again: that
// proves nothing was done. Any other error is returned.
func (s *Slack) call(ctx context.Context, method, channel string, do func(context.Context) error) error {
	for {
		if err := s.pace.wait(ctx, method+" "+channel); err != nil {
			return fmt.Errorf("%s: %w", method, err)
		}
		once, cancel := context.WithTimeout(ctx, s.CallTime)
		err := do(once)
		cancel()
		if address, ok := errors.AsType[*url.Error](err); ok {
			err = address.Err // the address may be a ticket for uploads
		}
		if s.Meter.Call != nil {
			s.Meter.Call(method, problem(err))
		}
		wait, limited := tooFast(err)
		if !limited {
			if err != nil {
				return fmt.Errorf("%s: %w", method, err)
			}
			return nil
		}
		s.Log.InfoContext(ctx, "Slack wants us to wait", "method", method, "channel", channel, "wait", wait)
		s.pace.bar(method+" "+channel, wait)
	}
}

// problem is one word for what was wrong with a call, for a counter.
func problem(err error) string {
	_, limited := tooFast(err)
	switch {
	case err == nil:
		return ""
	case limited:
		return "ratelimited"
	case code(err) != "":
		return code(err)
	}
	return "unanswered"
}

// outliving is a context that ends CallTime after ctx does: for work that takes
// its time while there is time, and then comes to its end.
func (s *Slack) outliving(ctx context.Context) (context.Context, context.CancelFunc) {
	last, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		if sleep(last, s.CallTime) {
			giveUp()
		}
	})
	return last, func() {
		stop()
		giveUp()
	}
}

// finishing is a context for what must be done to its end although ctx may
// end: a post that has begun, and the note that it was made.
func (s *Slack) finishing(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), s.CallTime)
}
