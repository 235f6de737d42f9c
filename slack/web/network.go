package web

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"
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

func loopback(host string) bool {
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}
