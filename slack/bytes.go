package slack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/slack-go/slack"
)

// deliver sends the bytes of a file to the address that Slack gave for them. The
// address is the permission: it may belong to anybody whom Slack pays for
// storage, so no token goes there, and storage wants to know the length before.
func (s *Slack) deliver(ctx context.Context, address string, u upload) error {
	to, err := encrypted(address)
	if err != nil {
		return err
	}
	content, err := u.open()
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to.String(), content) // the client closes content
	if err != nil {
		return errors.Join(errors.New("an address for an upload that cannot be used"), content.Close())
	}
	req.ContentLength, req.GetBody = u.size, u.open
	req.Header.Set("Content-Type", "application/octet-stream")
	resp, err := s.http.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }() // its status is the answer
	return refusedBytes(resp)
}

// errSignIn means that Slack showed a page for people instead of a file.
var errSignIn = errors.New("a page came instead of the file: the token cannot read it")

// fetch reads a file that a person gave to Slack.
func (s *Slack) fetch(ctx context.Context, address string, content io.Writer) error {
	from, err := encrypted(address)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from.String(), nil)
	if err != nil {
		return errors.New("an address of a file that cannot be used")
	}
	if s.mayHaveToken(from) {
		req.Header.Set("Authorization", "Bearer "+s.BotToken.Reveal())
	}
	resp, err := s.http.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }() // it was only read
	if err := refusedBytes(resp); err != nil {
		return err
	}
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") {
		return errSignIn
	}
	_, err = io.Copy(content, resp.Body)
	return err
}

// mayHaveToken reports whether the bot token may go to an address: to Slack
// itself, and to wherever the Web API is. Loopback counts as one place, because a
// Slack on this machine may keep its files on another port.
func (s *Slack) mayHaveToken(to *url.URL) bool {
	api, err := url.Parse(s.APIURL)
	if err != nil {
		return false
	}
	host := strings.ToLower(to.Hostname())
	for _, domain := range []string{"slack.com", "slack-gov.com"} {
		if to.Scheme == "https" && (host == domain || strings.HasSuffix(host, "."+domain)) {
			return true
		}
	}
	return to.Scheme == api.Scheme && strings.EqualFold(to.Host, api.Host) ||
		loopback(host) && loopback(api.Hostname())
}

// encrypted accepts https, and http on this machine. The address may be a
// ticket, so no error quotes more of it than where it leads.
func encrypted(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return nil, errors.New("Slack gave something for an address that is none")
	}
	if u.Scheme == "https" || u.Scheme == "http" && loopback(u.Hostname()) {
		return u, nil
	}
	return nil, fmt.Errorf("Slack gave a %s address on %s: only https is taken", u.Scheme, u.Host)
}

// refusedBytes is what was wrong with an upload or a download, or nil.
func refusedBytes(resp *http.Response) error {
	switch {
	case resp.StatusCode/100 == 2:
		return nil
	case resp.StatusCode == http.StatusTooManyRequests:
		seconds, _ := strconv.Atoi(resp.Header.Get("Retry-After")) // without a number it is a second
		return &slack.RateLimitedError{RetryAfter: time.Duration(max(1, seconds)) * time.Second}
	}
	return slack.StatusCodeError{Code: resp.StatusCode, Status: resp.Status}
}
