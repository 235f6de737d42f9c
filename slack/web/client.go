package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	"github.com/slack-go/slack"

	"countersign/qualys"
)

// A Config says which Slack to call, and as whom. Only Dial and Called may be left out.
type Config struct {
	BotToken qualys.Secret
	AppToken qualys.Secret
	APIURL   string // ends with a slash

	// Dial replaces the network, for tests; nil means the network, by way of
	// HTTPS_PROXY if that is set.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	AnyFiles  bool          // files may go to channels that are not private
	CallTime  time.Duration // the longest call
	ShareWait time.Duration // the longest wait for an upload to appear
	Log       *slog.Logger
	Called    func(method, problem string) // a call, with Slack's word when it was refused
	Point     func(name string)            // a place where a test may strike
}

// A Client calls Slack for one bot.
type Client struct {
	Config
	API  *slack.Client // for use inside [Client.Call]
	http *http.Client  // adds no token to anything
	pace *pacer

	mu  sync.Mutex
	who Identity
	dms map[string]string // the direct conversation with a person
}

// An Identity is who the bot token belongs to.
type Identity struct {
	Team       string // the workspace
	Enterprise string // its organisation, or empty
	User       string // the bot's user
}

// New prepares to call Slack.
func New(c Config) (*Client, error) {
	client, err := newHTTPClient(c)
	if err != nil {
		return nil, err
	}
	calls := *client
	calls.Transport = bearer{c.BotToken, client.Transport}
	return &Client{
		Config: c, http: client, pace: newPacer(), dms: map[string]string{},
		API: slack.New(c.BotToken.Reveal(),
			slack.OptionAppLevelToken(c.AppToken.Reveal()), slack.OptionAPIURL(c.APIURL), slack.OptionHTTPClient(&calls)),
	}, nil
}

// Close lets go of idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Dialer reaches Slack's sockets on the way that calls take.
func (c *Client) Dialer() *websocket.Dialer {
	same := c.http.Transport.(*http.Transport)
	return &websocket.Dialer{NetDialContext: same.DialContext, Proxy: same.Proxy}
}

// Hello checks the bot token and learns whose it is. A [TokenError] will not
// mend by itself.
func (c *Client) Hello(ctx context.Context) error {
	var is *slack.AuthTestResponse
	err := c.Call(ctx, "auth.test", "", func(ctx context.Context) (err error) {
		is, err = c.API.AuthTestContext(ctx)
		return err
	})
	if refused := tokenError(err); refused != nil {
		return refused
	}
	if err != nil {
		return fmt.Errorf("say hello to Slack: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.who = Identity{Team: is.TeamID, Enterprise: is.EnterpriseID, User: is.UserID}
	return nil
}

// Identity is what Hello learned.
func (c *Client) Identity() Identity {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.who
}

// Introduced says hello if nobody did yet.
func (c *Client) Introduced(ctx context.Context) error {
	if c.Identity().Team != "" {
		return nil
	}
	return c.Hello(ctx)
}

// Call makes one call of the Web API. Turned away for being too fast it waits
// as long as Slack says, for as long as ctx allows, and calls again: that
// proves nothing was done. Any other error is returned.
func (c *Client) Call(ctx context.Context, method, channel string, do func(context.Context) error) error {
	for {
		if err := c.pace.wait(ctx, method+" "+channel); err != nil {
			return fmt.Errorf("%s: %w", method, err)
		}
		once, cancel := context.WithTimeout(ctx, c.CallTime)
		err := do(once)
		cancel()
		if address, ok := errors.AsType[*url.Error](err); ok {
			err = address.Err // the address may be a ticket for uploads
		}
		if c.Called != nil {
			c.Called(method, problem(err))
		}
		wait, limited := tooFast(err)
		if !limited {
			if err != nil {
				return fmt.Errorf("%s: %w", method, err)
			}
			return nil
		}
		c.Log.InfoContext(ctx, "Slack wants us to wait", "method", method, "channel", channel, "wait", wait)
		c.pace.bar(method+" "+channel, wait)
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
	case Code(err) != "":
		return Code(err)
	}
	return "unanswered"
}
