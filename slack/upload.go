package slack

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/slack-go/slack"
)

// An upload is a file on its way into a channel.
type upload struct {
	name, title, comment string
	size                 int64
	open                 func() (io.ReadCloser, error)
	channel, thread      string

	id   string                // of an upload that was begun before, or empty
	note func(id string) error // keeps the id before the upload is completed, or nil
}

// uploadTime is the longest sending of a file's bytes.
const uploadTime = 5 * time.Minute

// shareEvery is how often files.info is asked whether a file is in the channel.
const shareEvery = 500 * time.Millisecond

// upload brings a file into a channel, once, and returns the ts of its
// message. Slack shares files some time after the upload is completed, and only
// files.info says so; a completion whose answer was lost is settled the same
// way. An upload that was begun before is taken up where it was left.
func (s *Slack) upload(ctx context.Context, u upload) (ts string, err error) {
	if err := s.mayPost(ctx, u.channel); err != nil {
		return "", err
	}
	if u.id != "" {
		ts, known, err := s.shared(ctx, u.id, u.channel)
		if err != nil || ts != "" {
			return ts, err
		}
		if known {
			if ts, err = s.awaitShare(ctx, u, s.ShareWait/3); ts != "" || err != nil {
				return ts, err
			}
		}
		switch err := s.complete(ctx, u); {
		case is(err, "file_not_found") && !known:
			u.id = "" // its bytes never arrived, or Slack has thrown them away
		case err != nil && !ambiguous(err) && !known:
			return "", err
		}
	}
	if u.id == "" {
		if u.id, err = s.send(ctx, u); err != nil {
			return "", err
		}
		if err := s.complete(ctx, u); err != nil && !ambiguous(err) {
			return "", err
		}
	}
	ts, err = s.awaitShare(ctx, u, s.ShareWait)
	if err == nil && ts == "" {
		err = fmt.Errorf("%w: %s, %s after the upload", errNotShown, u.id, s.ShareWait)
	}
	return ts, err
}

// mayPost refuses a file where the policy allows none.
func (s *Slack) mayPost(ctx context.Context, channel string) error {
	if s.AnyFiles {
		return nil
	}
	private, err := s.Private(ctx, channel)
	if err == nil && !private {
		err = errNotPrivate
	}
	return err
}

// send begins an upload and hands over the bytes.
func (s *Slack) send(ctx context.Context, u upload) (id string, err error) {
	var to *slack.GetUploadURLExternalResponse
	err = s.call(ctx, "files.getUploadURLExternal", "", func(ctx context.Context) (err error) {
		to, err = s.api.GetUploadURLExternalContext(ctx, slack.GetUploadURLExternalParameters{
			FileName: u.name, FileSize: int(u.size),
		})
		return err
	})
	if err != nil {
		return "", err
	}
	if u.note != nil {
		if err := u.note(to.FileID); err != nil {
			return "", err
		}
	}
	s.Point("attach.before")
	err = s.call(ctx, "upload", "", func(context.Context) error { // it may take longer than a call
		ctx, cancel := context.WithTimeout(ctx, uploadTime)
		defer cancel()
		return s.deliver(ctx, to.UploadURL, u)
	})
	s.Point("attach.after")
	return to.FileID, err
}

// complete lets Slack share an upload. It works once.
func (s *Slack) complete(ctx context.Context, u upload) error {
	s.Point("upload.before")
	err := s.call(ctx, "files.completeUploadExternal", u.channel, func(ctx context.Context) error {
		ctx, cancel := s.finishing(ctx)
		defer cancel()
		_, err := s.api.CompleteUploadExternalContext(ctx, slack.CompleteUploadExternalParameters{
			Files:   []slack.FileSummary{{ID: u.id, Title: u.title}},
			Channel: u.channel, ThreadTimestamp: u.thread, InitialComment: u.comment,
		})
		return err
	})
	s.Point("upload.after")
	return err
}

// shared says where the file is in the channel, and whether Slack knows it at all.
func (s *Slack) shared(ctx context.Context, id, channel string) (ts string, known bool, err error) {
	var f *slack.File
	err = s.call(ctx, "files.info", "", func(ctx context.Context) (err error) {
		f, _, _, err = s.api.GetFileInfoContext(ctx, id, 0, 0)
		return err
	})
	switch {
	case is(err, "file_not_found", "file_deleted"):
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
func (s *Slack) awaitShare(ctx context.Context, u upload, longest time.Duration) (ts string, err error) {
	until := time.Now().Add(longest)
	for {
		ts, _, err := s.shared(ctx, u.id, u.channel)
		switch {
		case ts != "":
			return ts, nil
		case err != nil && !ambiguous(err):
			return "", err
		case time.Now().After(until):
			return "", nil
		}
		if !sleep(ctx, shareEvery) {
			return "", ctx.Err()
		}
	}
}
