package slack

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/slack-go/slack"
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

// errNotPrivate means that a file would have gone to a channel where the policy
// allows none.
var errNotPrivate = errors.New("files go to private channels only, and this channel is public or shared")

// errNotShown means that Slack took a file and does not say where it stands.
// It may appear later.
var errNotShown = errors.New("the file is not in the channel")

// code is Slack's word for a refusal, or empty when it was none.
func code(err error) string {
	if refusal, ok := errors.AsType[slack.SlackErrorResponse](err); ok {
		return refusal.Err
	}
	return ""
}

// is reports whether Slack refused with one of these words.
func is(err error, words ...string) bool {
	said := code(err)
	for _, word := range words {
		if said != "" && said == word {
			return true
		}
	}
	return false
}

// tooFast reports whether Slack turned a call away for coming too soon, and how
// long to wait. Nothing was done then.
func tooFast(err error) (time.Duration, bool) {
	if limited, ok := errors.AsType[*slack.RateLimitedError](err); ok {
		return max(limited.RetryAfter, time.Second), true
	}
	if status, ok := errors.AsType[slack.StatusCodeError](err); ok && status.Code == http.StatusTooManyRequests {
		return 5 * time.Second, true
	}
	if is(err, "ratelimited", "rate_limited") {
		return 5 * time.Second, true
	}
	return 0, false
}

// ambiguous reports whether a call may have done its work although it failed:
// its answer was lost, or Slack broke over it.
func ambiguous(err error) bool {
	switch {
	case err == nil:
		return false
	case is(err, "internal_error", "fatal_error", "request_timeout", "service_unavailable"):
		return true
	case code(err) != "":
		return false
	}
	if _, limited := tooFast(err); limited {
		return false
	}
	if status, ok := errors.AsType[slack.StatusCodeError](err); ok {
		return status.Code >= 500 || status.Code == http.StatusRequestTimeout
	}
	return true
}

// The words with which Slack says that something is not possible where it was tried.
var (
	// notInThread: the thread is gone or closed, the channel is not.
	notInThread = []string{
		"cannot_reply_to_message", "thread_not_found", "message_not_found", "invalid_thread_ts",
		"restricted_action_thread_locked", "restricted_action_non_threadable_channel",
	}
	// notHere: the person is not where the message would appear, or the bot is not.
	notHere = []string{"user_not_in_channel", "not_in_channel", "channel_not_found", "is_archived"}
	// noCard: the message cannot be changed any more.
	noCard = []string{"message_not_found", "cant_update_message", "edit_window_closed", "is_inactive"}
)
