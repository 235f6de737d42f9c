package wire

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// How long calls may take, and how many run at once.
const (
	readTimeout  = 2 * time.Minute  // one attempt; slow searches are known to succeed when repeated
	writeTimeout = 90 * time.Second // if Config says nothing

	readsPerHost  = 2
	writesPerHost = 1
)

// A Config says which Qualys to talk to, and as whom. The URLs have no default,
// so that no test reaches the real Qualys by accident.
type Config struct {
	APIURL     string // serves /qps, such as "https://qualysapi.qg2.apps.qualys.com"
	GatewayURL string // serves /auth and /adminui
	AdminURL   string // serves /adminui, if GatewayURL does not
	Username   string
	Password   Secret

	HTTP *http.Client // nil means one with timeouts that respects HTTPS_PROXY; redirects and cookies are off either way
	Log  *slog.Logger // nil means none

	// Dial connects; nil means by the network. Tests connect in memory. It is
	// not asked when HTTP is set.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)

	// Login lets replicas share what became of attempts to log in; nil means
	// that this process is alone.
	Login Login

	WriteTimeout time.Duration // how long a write may take; 0 means 90 s
}

// A Line leads to one Qualys, for one account. It is safe for concurrent use.
type Line struct {
	api, gateway, admin string
	username            string
	password            Secret
	http                *http.Client
	log                 *slog.Logger
	writeTimeout        time.Duration

	hosts  map[string]*slots
	limits *limits
	basic  *door // the credentials at the API server
	bearer *door // the credentials at the gateway
	tokens *tokens
	hide   *strings.Replacer // the secrets, in every spelling they may come back in
}

// Open checks the settings and reports all their problems at once. It calls
// nobody: the first call logs in.
func Open(cfg Config) (*Line, error) {
	if cfg.AdminURL == "" {
		cfg.AdminURL = cfg.GatewayURL
	}
	l := &Line{
		username:     cfg.Username,
		password:     cfg.Password,
		http:         httpClient(cfg),
		log:          cfg.Log,
		writeTimeout: cfg.WriteTimeout,
		hosts:        map[string]*slots{},
		limits:       newLimits(),
		tokens:       newTokens(),
		hide:         hider(cfg.Username, cfg.Password),
	}
	var problems []error
	for _, u := range []struct {
		name, text string
		to         *string
	}{
		{"APIURL", cfg.APIURL, &l.api},
		{"GatewayURL", cfg.GatewayURL, &l.gateway},
		{"AdminURL", cfg.AdminURL, &l.admin},
	} {
		base, host, err := baseURL(u.text)
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", u.name, err))
			continue
		}
		*u.to = base
		if l.hosts[host] == nil {
			l.hosts[host] = newSlots()
		}
	}
	if cfg.Username == "" {
		problems = append(problems, errors.New("no Username"))
	}
	if cfg.Password == "" {
		problems = append(problems, errors.New("no Password"))
	}
	if cfg.WriteTimeout < 0 {
		problems = append(problems, errors.New("WriteTimeout: must not be negative"))
	}
	if len(problems) > 0 {
		return nil, fmt.Errorf("qualys settings: %w", errors.Join(problems...))
	}
	if l.log == nil {
		l.log = slog.New(slog.DiscardHandler)
	}
	if l.writeTimeout == 0 {
		l.writeTimeout = writeTimeout
	}
	l.basic = newDoor(cfg, l.api, l.log)
	l.bearer = newDoor(cfg, l.gateway, l.log)
	return l, nil
}

// Account returns the login behind the credentials.
func (l *Line) Account() string { return l.username }

// Logins returns every name by which Qualys may know this account: the
// username, and the subject of the gateway's token once there was one.
func (l *Line) Logins() []string {
	if s := l.tokens.current().subject; s != "" && !strings.EqualFold(s, l.username) {
		return []string{l.username, s}
	}
	return []string{l.username}
}

// Refusal returns the refusal that keeps the line from logging in, or nil.
func (l *Line) Refusal() error { return errors.Join(l.basic.refusal(), l.bearer.refusal()) }

// Log is where the line writes, for what stands on it.
func (l *Line) Log() *slog.Logger { return l.log }

// Close ends the connections that wait for a next call. Calls under way go on.
func (l *Line) Close() { l.http.CloseIdleConnections() }

// baseURL checks a base URL and returns it without a trailing slash, and its host.
func baseURL(text string) (base, host string, err error) {
	if text == "" {
		return "", "", errors.New("missing")
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return "", "", errors.New("is no URL") // the cause would repeat a password inside
	case u.User != nil:
		return "", "", errors.New("must not hold credentials")
	case u.Host == "" || u.RawQuery != "" || u.Fragment != "":
		return "", "", errors.New("must look like https://host")
	case u.Scheme == "https", u.Scheme == "http" && loopback(u.Hostname()):
		return strings.TrimRight(u.String(), "/"), u.Host, nil
	}
	return "", "", errors.New("must begin with https://")
}

// loopback reports whether a host is this machine; plain http is for tests only.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// httpClient returns the client to use: never a redirect, never a cookie.
func httpClient(cfg Config) *http.Client {
	h := http.Client{}
	if cfg.HTTP != nil {
		h = *cfg.HTTP
	} else {
		h.Transport = transport(cfg.Dial)
	}
	h.Jar = nil
	h.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &h
}

// transport speaks HTTP/1.1 only: when one connection of HTTP/2 breaks, the
// answers of all its calls are lost, and a lost answer is what costs us most.
func transport(dial func(context.Context, string, string) (net.Conn, error)) *http.Transport {
	t := &http.Transport{
		DialContext:           dial,
		TLSHandshakeTimeout:   10 * time.Second,
		MaxIdleConnsPerHost:   readsPerHost + writesPerHost,
		IdleConnTimeout:       30 * time.Second, // a write on a connection that Qualys has just closed counts as lost
		ResponseHeaderTimeout: readTimeout,
	}
	if dial == nil {
		t.Proxy = http.ProxyFromEnvironment
		t.DialContext = (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext
	}
	return t
}

// hider replaces the secrets in texts that come back from outside.
func hider(username string, password Secret) *strings.Replacer {
	p := password.Reveal()
	if p == "" {
		return strings.NewReplacer()
	}
	basic := base64.StdEncoding.EncodeToString([]byte(username + ":" + p))
	return strings.NewReplacer(basic, "***", p, "***", url.QueryEscape(p), "***", url.PathEscape(p), "***")
}
