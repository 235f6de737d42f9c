package web

import (
	"errors"
	"net/http"
	"time"

	"github.com/slack-go/slack"
)

// ErrNotPrivate means that a file would have gone to a channel where the policy
// allows none.
var ErrNotPrivate = errors.New("files go to private channels only, and this channel is public or shared")

// ErrNotShown means that Slack took a file and does not say where it stands.
// It may appear later.
var ErrNotShown = errors.New("the file is not in the channel")

// Code is Slack's word for a refusal, or empty when it was none.
func Code(err error) string {
	if refusal, ok := errors.AsType[slack.SlackErrorResponse](err); ok {
		return refusal.Err
	}
	return ""
}

// Is reports whether Slack refused with one of these words.
func Is(err error, words ...string) bool {
	said := Code(err)
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
	if Is(err, "ratelimited", "rate_limited") {
		return 5 * time.Second, true
	}
	return 0, false
}

// Ambiguous reports whether a call may have done its work although it failed:
// its answer was lost, or Slack broke over it.
func Ambiguous(err error) bool {
	switch {
	case err == nil:
		return false
	case Is(err, "internal_error", "fatal_error", "request_timeout", "service_unavailable"):
		return true
	case Code(err) != "":
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

// Passing reports whether a call that failed may succeed, or turn out to have
// succeeded, later.
func Passing(err error) bool {
	_, limited := tooFast(err)
	return limited || Ambiguous(err)
}

// The words with which Slack says that something is not possible where it was tried.
var (
	// NotInThread: the thread is gone or closed, the channel is not.
	NotInThread = []string{
		"cannot_reply_to_message", "thread_not_found", "message_not_found", "invalid_thread_ts",
		"restricted_action_thread_locked", "restricted_action_non_threadable_channel",
	}
	// notHere: the person is not where the message would appear, or the bot is not.
	notHere = []string{"user_not_in_channel", "not_in_channel", "channel_not_found", "is_archived"}
	// NoCard: the message cannot be changed any more.
	NoCard = []string{"message_not_found", "cant_update_message", "edit_window_closed", "is_inactive"}
)
