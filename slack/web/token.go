package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/slack-go/slack"

	"countersign/qualys"
)

// A TokenError is a refusal of the bot token that waiting does not mend.
type TokenError struct {
	Code   string // Slack's word, such as "invalid_auth"
	Needed string // the scopes that are missing, or empty
}

// tokens says what mends the refusals of a bot token.
var tokens = map[string]string{
	"invalid_auth":             "Check SLACK_BOT_TOKEN; a caller outside the app's IP allow-list gets the same answer.",
	"not_authed":               "Set SLACK_BOT_TOKEN to the bot token, which begins with xoxb-.",
	"not_allowed_token_type":   "SLACK_BOT_TOKEN has to be a bot token, which begins with xoxb-.",
	"token_revoked":            "Install the app again and set SLACK_BOT_TOKEN to its new token.",
	"token_expired":            "Install the app again, without token rotation, and set SLACK_BOT_TOKEN to its new token.",
	"account_inactive":         "The app was removed from the workspace: install it again.",
	"missing_scope":            "Add the scope to the app's manifest and install the app again.",
	"org_login_required":       "The workspace moves to an organisation: wait until that is done.",
	"team_access_not_granted":  "The app may not be used in this workspace: ask an admin of the workspace.",
	"access_denied":            "The app may not be used in this workspace: ask an admin of the workspace.",
	"ekm_access_denied":        "The organisation suspended access: ask an admin of the organisation.",
	"enterprise_is_restricted": "The organisation does not allow this call: ask an admin of the organisation.",
}

func (e *TokenError) Error() string {
	word := e.Code
	if e.Needed != "" {
		word += " (" + e.Needed + ")"
	}
	return fmt.Sprintf("Slack refuses the bot token: %s. %s", word, tokens[e.Code])
}

// tokenError makes a TokenError of an error that is one, or returns nil.
func tokenError(err error) error {
	if refusal, ok := errors.AsType[slack.SlackErrorResponse](err); ok && tokens[refusal.Err] != "" {
		return &TokenError{Code: refusal.Err, Needed: refusal.Needed}
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

// mayHaveToken reports whether the bot token may go to an address: to Slack
// itself, and to wherever the Web API is. Loopback counts as one place, because a
// Slack on this machine may keep its files on another port.
func (c *Client) mayHaveToken(to *url.URL) bool {
	api, err := url.Parse(c.APIURL)
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

// Granted lists the scopes of the bot token, which Slack names with every
// answer, or nothing where it does not say.
func (c *Client) Granted(ctx context.Context) ([]string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.APIURL+"auth.test", nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+c.BotToken.Reveal())
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("auth.test: %w", err)
	}
	defer func() { _ = resp.Body.Close() }() // only its headers matter
	return strings.FieldsFunc(resp.Header.Get("X-OAuth-Scopes"), func(r rune) bool { return r == ',' || r == ' ' }), nil
}
