package socket

import (
	"errors"
	"fmt"

	"github.com/slack-go/slack"
)

// What can be wrong with an acknowledgement.
var (
	ErrAcked  = errors.New("the envelope is acknowledged already")
	ErrTooBig = errors.New("an acknowledgement of 20 KB is ignored by Slack: a plain ok was sent, the answer must go by Web API")
	ErrGone   = errors.New("the socket that delivered the envelope is closed")
)

// A PermanentError is a refusal by Slack that waiting does not mend.
type PermanentError struct {
	Code string // Slack's word, such as "missing_scope"
}

// permanent are the codes that end the program, and what mends them.
var permanent = map[string]string{
	"invalid_auth":             "Check SLACK_APP_TOKEN; a caller outside the app's IP allow-list gets the same answer.",
	"not_authed":               "Set SLACK_APP_TOKEN to the app-level token, which begins with xapp-.",
	"missing_args":             "Set SLACK_APP_TOKEN to the app-level token, which begins with xapp-.",
	"not_allowed_token_type":   "SLACK_APP_TOKEN has to be an app-level token, which begins with xapp-.",
	"missing_scope":            "Give the app-level token the scope connections:write.",
	"token_revoked":            "Make a new app-level token and set SLACK_APP_TOKEN to it.",
	"token_expired":            "Make a new app-level token and set SLACK_APP_TOKEN to it.",
	"account_inactive":         "The app was removed or its owner deactivated: install it again.",
	"forbidden_team":           "The app may not be used in this workspace: ask an admin of the workspace.",
	"team_access_not_granted":  "The app may not be used in this workspace: ask an admin of the workspace.",
	"no_permission":            "The app may not be used in this workspace: ask an admin of the workspace.",
	"access_denied":            "The app may not be used in this workspace: ask an admin of the workspace.",
	"ekm_access_denied":        "The organisation suspended access: ask an admin of the organisation.",
	"enterprise_is_restricted": "The organisation does not allow this call: ask an admin of the organisation.",
}

func (e *PermanentError) Error() string {
	return fmt.Sprintf("Slack refuses to open a socket: %s. %s", e.Code, permanent[e.Code])
}

// permanently makes a PermanentError of an error that is one, or returns nil.
func permanently(err error) error {
	refusal, ok := errors.AsType[slack.SlackErrorResponse](err)
	if !ok {
		return nil
	}
	if _, known := permanent[refusal.Err]; !known {
		return nil
	}
	return &PermanentError{Code: refusal.Err}
}
