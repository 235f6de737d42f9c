package web

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/slack-go/slack"
)

// An Upload is a file on its way into a channel.
type Upload struct {
	Name, Title, Comment string
	Size                 int64
	Open                 func() (io.ReadCloser, error)
	Channel, Thread      string

	ID   string                // of an upload that was begun before, or empty
	Note func(id string) error // keeps the id before the upload is completed, or nil
}

// uploadTime is the longest sending of a file's bytes.
const uploadTime = 5 * time.Minute

// shareEvery is how often files.info is asked whether a file is in the channel.
const shareEvery = 500 * time.Millisecond

// Upload brings a file into a channel, once, and returns the ts of its
// message. Slack shares files some time after the upload is completed, and only
// files.info says so; a completion whose answer was lost is settled the same
// way. An upload that was begun before is taken up where it was left.
func (c *Client) Upload(ctx context.Context, u Upload) (ts string, err error) {
	if err := c.mayPost(ctx, u.Channel); err != nil {
		return "", err
	}
	if u.ID != "" {
		ts, known, err := c.shared(ctx, u.ID, u.Channel)
		if err != nil || ts != "" {
			return ts, err
		}
		if known {
			if ts, err = c.awaitShare(ctx, u, c.ShareWait/3); ts != "" || err != nil {
				return ts, err
			}
		}
		switch err := c.complete(ctx, u); {
		case Is(err, "file_not_found") && !known:
			u.ID = "" // its bytes never arrived, or Slack has thrown them away
		case err != nil && !Ambiguous(err) && !known:
			return "", err
		}
	}
	if u.ID == "" {
		if u.ID, err = c.send(ctx, u); err != nil {
			return "", err
		}
		if err := c.complete(ctx, u); err != nil && !Ambiguous(err) {
			return "", err
		}
	}
	ts, err = c.awaitShare(ctx, u, c.ShareWait)
	if err == nil && ts == "" {
		err = fmt.Errorf("%w: %s, %s after the upload", ErrNotShown, u.ID, c.ShareWait)
	}
	return ts, err
}

// mayPost refuses a file where the policy allows none.
func (c *Client) mayPost(ctx context.Context, channel string) error {
	if c.AnyFiles {
		return nil
	}
	private, err := c.Private(ctx, channel)
	if err == nil && !private {
		err = ErrNotPrivate
	}
	return err
}

// send begins an upload and hands over the bytes.
func (c *Client) send(ctx context.Context, u Upload) (id string, err error) {
	var to *slack.GetUploadURLExternalResponse
	err = c.Call(ctx, "files.getUploadURLExternal", "", func(ctx context.Context) (err error) {
		to, err = c.API.GetUploadURLExternalContext(ctx, slack.GetUploadURLExternalParameters{
			FileName: u.Name, FileSize: int(u.Size),
		})
		return err
	})
	if err != nil {
		return "", err
	}
	if u.Note != nil {
		if err := u.Note(to.FileID); err != nil {
			return "", err
		}
	}
	c.Point("attach.before")
	err = c.Call(ctx, "upload", "", func(context.Context) error { // it may take longer than a call
		ctx, cancel := context.WithTimeout(ctx, uploadTime)
		defer cancel()
		return c.deliver(ctx, to.UploadURL, u)
	})
	c.Point("attach.after")
	return to.FileID, err
}

// complete lets Slack share an upload. It works once.
func (c *Client) complete(ctx context.Context, u Upload) error {
	c.Point("upload.before")
	err := c.Call(ctx, "files.completeUploadExternal", u.Channel, func(ctx context.Context) error {
		ctx, cancel := c.Finishing(ctx)
		defer cancel()
		_, err := c.API.CompleteUploadExternalContext(ctx, slack.CompleteUploadExternalParameters{
			Files:   []slack.FileSummary{{ID: u.ID, Title: u.Title}},
			Channel: u.Channel, ThreadTimestamp: u.Thread, InitialComment: u.Comment,
		})
		return err
	})
	c.Point("upload.after")
	return err
}

// shared says where the file is in the channel, and whether Slack knows it at all.
func (c *Client) shared(ctx context.Context, id, channel string) (ts string, known bool, err error) {
	var f *slack.File
	err = c.Call(ctx, "files.info", "", func(ctx context.Context) (err error) {
		f, _, _, err = c.API.GetFileInfoContext(ctx, id, 0, 0)
		return err
	})
	switch {
	case Is(err, "file_not_found", "file_deleted"):
		return "", false, nil
	case err != nil:
		return "", false, err
	}
	for _, places := range []map[string][]slack.ShareFileInfo{f.Shares.Private, f.Shares.Public} {
		for _, share := range places[channel] {
			return share.Ts, true, nil
		}
	}
	return "", true, nil
}

// awaitShare asks until the file is in the channel. When it is not there after
// a while, it returns neither ts nor error.
func (c *Client) awaitShare(ctx context.Context, u Upload, longest time.Duration) (ts string, err error) {
	until := time.Now().Add(longest)
	for {
		ts, _, err := c.shared(ctx, u.ID, u.Channel)
		switch {
		case ts != "":
			return ts, nil
		case err != nil && !Ambiguous(err):
			return "", err
		case time.Now().After(until):
			return "", nil
		}
		if !Sleep(ctx, shareEvery) {
			return "", ctx.Err()
		}
	}
}
