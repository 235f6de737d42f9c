package web

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/slack-go/slack"
)

// biggestForm is the largest file of a form; 5,000 ids are far less.
const biggestForm = 1 << 20

// errBigFile means that a form came with more than anybody's list of ids.
var errBigFile = errors.New("the file is larger than 1 MB")

// Read fetches a file that came with a form.
func (c *Client) Read(ctx context.Context, id string) ([]byte, error) {
	var f *slack.File
	err := c.Call(ctx, "files.info", "", func(ctx context.Context) (err error) {
		f, _, _, err = c.API.GetFileInfoContext(ctx, id, 0, 0)
		return err
	})
	if err != nil {
		return nil, err
	}
	switch {
	case f.Size > biggestForm:
		return nil, errBigFile
	case f.IsExternal: // its address is whatever somebody wrote
		return nil, errors.New("the file is not in Slack")
	}
	var content limited
	err = c.Call(ctx, "download", "", func(ctx context.Context) error {
		content.bytes = []byte{}
		return c.fetch(ctx, cmp.Or(f.URLPrivateDownload, f.URLPrivate), &content)
	})
	return content.bytes, err
}

// limited keeps what is written to it, up to the size of a form's file.
type limited struct{ bytes []byte }

func (l *limited) Write(p []byte) (int, error) {
	if len(l.bytes)+len(p) > biggestForm {
		return 0, errBigFile
	}
	l.bytes = append(l.bytes, p...)
	return len(p), nil
}

// errSignIn means that Slack showed a page for people instead of a file.
var errSignIn = errors.New("a page came instead of the file: the token cannot read it")

// fetch reads a file that a person gave to Slack.
func (c *Client) fetch(ctx context.Context, address string, content io.Writer) error {
	from, err := encrypted(address)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from.String(), nil)
	if err != nil {
		return errors.New("an address of a file that cannot be used")
	}
	if c.mayHaveToken(from) {
		req.Header.Set("Authorization", "Bearer "+c.BotToken.Reveal())
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }() // it was only read
	if err := refusedBytes(resp); err != nil {
		return err
	}
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") {
		return errSignIn
	}
	_, err = io.Copy(content, resp.Body)
	return err
}
