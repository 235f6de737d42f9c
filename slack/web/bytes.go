package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/slack-go/slack"
)

// deliver sends the bytes of a file to the address that Slack gave for them. The
// address is the permission: it may belong to anybody whom Slack pays for
// storage, so no token goes there, and storage wants to know the length before.
func (c *Client) deliver(ctx context.Context, address string, u Upload) error {
	to, err := encrypted(address)
	if err != nil {
		return err
	}
	content, err := u.Open()
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to.String(), content) // the client closes content
	if err != nil {
		return errors.Join(errors.New("an address for an upload that cannot be used"), content.Close())
	}
	req.ContentLength, req.GetBody = u.Size, u.Open
	req.Header.Set("Content-Type", "application/octet-stream")
	resp, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }() // its status is the answer
	return refusedBytes(resp)
}

// encrypted accepts https, and http on this machine. The address may be a
// ticket, so no error quotes more of it than where it leads.
func encrypted(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return nil, errors.New("what stands for an address is none")
	}
	if u.Scheme == "https" || u.Scheme == "http" && loopback(u.Hostname()) {
		return u, nil
	}
	return nil, fmt.Errorf("a %s address on %s: only https is taken", u.Scheme, u.Host)
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
