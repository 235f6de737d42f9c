package web

import (
	"cmp"
	"context"
	"errors"
	"io"

	"github.com/slack-go/slack"
)

// Fetch reads a file that was posted. Slack may turn the call away and be asked
// again: into is called for each attempt, and takes what comes.
func (c *Client) Fetch(ctx context.Context, f slack.File, into func() io.Writer) error {
	address := cmp.Or(f.URLPrivateDownload, f.URLPrivate)
	switch {
	case f.IsExternal: // its address is whatever somebody wrote
		return errors.New("the file is not in Slack")
	case address == "":
		return errors.New("no address for the file came from Slack")
	}
	return c.Call(ctx, "download", "", func(context.Context) error { // it may take longer than a call
		ctx, cancel := context.WithTimeout(ctx, uploadTime)
		defer cancel()
		return c.fetch(ctx, address, into())
	})
}
