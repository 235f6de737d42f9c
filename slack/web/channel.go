package web

import (
	"context"
	"fmt"

	"github.com/slack-go/slack"
)

// A ChannelState is what the bot sees of a channel.
type ChannelState struct {
	Name    string
	Private bool // and shared with nobody outside
	Member  bool // the bot is in it
}

// Channel looks at a channel.
func (c *Client) Channel(ctx context.Context, id string) (ChannelState, error) {
	var is *slack.Channel
	err := c.Call(ctx, "conversations.info", "", func(ctx context.Context) (err error) {
		is, err = c.API.GetConversationInfoContext(ctx, &slack.GetConversationInfoInput{ChannelID: id})
		return err
	})
	if err != nil {
		return ChannelState{}, err
	}
	shared := is.IsExtShared || is.IsPendingExtShared || is.IsOrgShared
	return ChannelState{
		Name: is.Name, Member: is.IsMember,
		Private: is.IsPrivate && !shared && !is.IsIM && !is.IsMpIM,
	}, nil
}

// Private reports whether a channel is private and shared with nobody outside.
// It is asked anew every time: a channel changes with one click.
func (c *Client) Private(ctx context.Context, channel string) (bool, error) {
	is, err := c.Channel(ctx, channel)
	if err != nil {
		return false, fmt.Errorf("is %s private: %w", channel, err)
	}
	return is.Private, nil
}
