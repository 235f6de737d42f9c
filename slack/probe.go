package slack

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"countersign/slack/web"
)

// scopes are what the bot token needs; manifest.yaml says of each why.
var scopes = []string{
	"commands", "chat:write", "files:write", "files:read", "usergroups:read", "users:read", "users:read.email",
	"channels:read", "groups:read", "channels:history", "groups:history", "im:write",
}

// ErrNoScopes means that Slack does not say which scopes a token has.
var ErrNoScopes = errors.New("no scopes of the bot token in the answer of auth.test")

// Scopes compares the scopes of the bot token with those it needs.
func (s *Slack) Scopes(ctx context.Context) (missing, extra []string, err error) {
	granted, err := s.web.Granted(ctx)
	if err != nil {
		return nil, nil, err
	}
	if len(granted) == 0 {
		return nil, nil, ErrNoScopes
	}
	for _, scope := range scopes {
		if !slices.Contains(granted, scope) {
			missing = append(missing, scope)
		}
	}
	for _, scope := range granted {
		if !slices.Contains(scopes, scope) {
			extra = append(extra, scope)
		}
	}
	return missing, extra, nil
}

// Socket asks Slack for the address of a socket, which shows that the app
// token works and that Socket Mode is on. It opens none.
func (s *Slack) Socket(ctx context.Context) error {
	return s.web.Call(ctx, "apps.connections.open", "", func(ctx context.Context) error {
		_, _, err := s.web.API.StartSocketModeContext(ctx)
		return err
	})
}

// A ChannelState is what the bot sees of a channel.
type ChannelState = web.ChannelState

// Channel looks at a channel.
func (s *Slack) Channel(ctx context.Context, id string) (ChannelState, error) {
	return s.web.Channel(ctx, id)
}

// Private reports whether a channel is private and shared with nobody outside,
// at this moment.
func (s *Slack) Private(ctx context.Context, channel string) (bool, error) {
	return s.web.Private(ctx, channel)
}

// Find resolves what people write instead of an id: "@handle" of a person or
// a user group, "#name" of a channel the bot can see. An empty id means that
// there is nobody by that name.
func (s *Slack) Find(ctx context.Context, name string) (id string, err error) {
	if channel, ok := strings.CutPrefix(name, "#"); ok {
		return s.channelNamed(ctx, channel)
	}
	handle := strings.TrimPrefix(name, "@")
	var people []slack.User
	err = s.web.Call(ctx, "users.list", "", func(ctx context.Context) (err error) {
		people, err = s.web.API.GetUsersContext(ctx)
		return err
	})
	if err != nil {
		return "", err
	}
	for _, u := range people {
		if strings.EqualFold(u.Name, handle) || strings.EqualFold(u.Profile.DisplayName, handle) {
			return u.ID, nil
		}
	}
	var groups []slack.UserGroup
	err = s.web.Call(ctx, "usergroups.list", "", func(ctx context.Context) (err error) {
		groups, err = s.web.API.GetUserGroupsContext(ctx)
		return err
	})
	for _, g := range groups {
		if strings.EqualFold(g.Handle, handle) {
			return g.ID, nil
		}
	}
	if web.Is(err, "plan_upgrade_required") { // groups need a paid plan; people do not
		err = nil
	}
	return "", err
}

func (s *Slack) channelNamed(ctx context.Context, name string) (string, error) {
	params := &slack.GetConversationsParameters{Types: []string{"public_channel", "private_channel"}, Limit: web.HistoryPage}
	for {
		var page []slack.Channel
		var next string
		err := s.web.Call(ctx, "conversations.list", "", func(ctx context.Context) (err error) {
			page, next, err = s.web.API.GetConversationsContext(ctx, params)
			return err
		})
		if err != nil {
			return "", err
		}
		for _, c := range page {
			if strings.EqualFold(c.Name, name) {
				return c.ID, nil
			}
		}
		if next == "" {
			return "", nil
		}
		params.Cursor = next
	}
}
