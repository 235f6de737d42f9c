package slack

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/slack-go/slack"
)

// scopes are what the bot token needs; manifest.yaml says of each why.
var scopes = []string{
	"commands", "chat:write", "files:write", "files:read", "usergroups:read", "users:read", "users:read.email",
	"channels:read", "groups:read", "channels:history", "groups:history", "im:write",
}

// ErrNoScopes means that Slack does not say which scopes a token has.
var ErrNoScopes = errors.New("no scopes of the bot token in the answer of auth.test")

// Scopes compares the scopes of the bot token with those it needs. Slack
// names them with every answer.
func (s *Slack) Scopes(ctx context.Context) (missing, extra []string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.APIURL+"auth.test", nil)
	if err != nil {
		return nil, nil, err
	}
	req.Header.Set("Authorization", "Bearer "+s.BotToken.Reveal())
	resp, err := s.http.Do(req)
	if err != nil {
		return nil, nil, fmt.Errorf("auth.test: %w", err)
	}
	defer func() { _ = resp.Body.Close() }() // only its headers matter
	granted := strings.FieldsFunc(resp.Header.Get("X-OAuth-Scopes"), func(r rune) bool { return r == ',' || r == ' ' })
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
	return s.call(ctx, "apps.connections.open", "", func(ctx context.Context) error {
		_, _, err := s.api.StartSocketModeContext(ctx)
		return err
	})
}

// A ChannelState is what the bot sees of a channel.
type ChannelState struct {
	Name    string
	Private bool // and shared with nobody outside
	Member  bool // the bot is in it
}

// Channel looks at a channel.
func (s *Slack) Channel(ctx context.Context, id string) (ChannelState, error) {
	c, err := s.channel(ctx, id)
	if err != nil {
		return ChannelState{}, err
	}
	return ChannelState{Name: c.Name, Private: private(c), Member: c.IsMember}, nil
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
	err = s.call(ctx, "users.list", "", func(ctx context.Context) (err error) {
		people, err = s.api.GetUsersContext(ctx)
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
	err = s.call(ctx, "usergroups.list", "", func(ctx context.Context) (err error) {
		groups, err = s.api.GetUserGroupsContext(ctx)
		return err
	})
	for _, g := range groups {
		if strings.EqualFold(g.Handle, handle) {
			return g.ID, nil
		}
	}
	if is(err, "plan_upgrade_required") { // groups need a paid plan; people do not
		err = nil
	}
	return "", err
}

func (s *Slack) channelNamed(ctx context.Context, name string) (string, error) {
	params := &slack.GetConversationsParameters{Types: []string{"public_channel", "private_channel"}, Limit: historyPage}
	for {
		var page []slack.Channel
		var next string
		err := s.call(ctx, "conversations.list", "", func(ctx context.Context) (err error) {
			page, next, err = s.api.GetConversationsContext(ctx, params)
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
