package qualys

import (
	"context"
	"io"
	"slices"
	"strings"
	"sync"

	"countersign/qualys/download"
	"countersign/qualys/wire"
)

// A Client calls Qualys. It is safe for concurrent use: two reads and one
// write run at once for each host, the others wait.
type Client struct {
	line      *wire.Line
	downloads *download.Downloader

	mu  sync.Mutex         // guards own
	own map[SAQUserID]bool // who turned out to be the account behind the credentials
}

// New checks the settings and reports all their problems at once. It calls
// nobody: the first call logs in.
func New(cfg Config) (*Client, error) {
	line, err := wire.Open(cfg)
	if err != nil {
		return nil, err
	}
	return &Client{line: line, downloads: download.New(line), own: map[SAQUserID]bool{}}, nil
}

// Account returns the login behind the credentials. No plan may touch it: a
// client that deletes its own account could not prove what it did. See
// [ErrOwnAccount].
func (c *Client) Account() string { return c.line.Account() }

// Logins returns every name by which Qualys may know this account: the
// username, and the subject of the gateway's token once there was one.
func (c *Client) Logins() []string { return c.line.Logins() }

// Refusal returns the refusal that made the client stop logging in, or nil.
func (c *Client) Refusal() error { return c.line.Refusal() }

// Close ends the connections that wait for a next call. Calls under way go on.
func (c *Client) Close() { c.line.Close() }

// recognise remembers a user that is the account behind the credentials.
func (c *Client) recognise(u SAQUser) {
	if !slices.ContainsFunc(c.Logins(), func(login string) bool { return strings.EqualFold(login, strings.TrimSpace(u.UserName)) }) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.own[u.ID] = true
}

// mayWrite refuses ids of whom one is our own account, as far as a search has
// shown its id.
func (c *Client) mayWrite(ids []SAQUserID) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if slices.ContainsFunc(ids, func(id SAQUserID) bool { return c.own[id] }) {
		return ErrOwnAccount
	}
	return nil
}

// Download writes the platform users to w as a clean CSV and counts them:
// RFC 4180, UTF-8, Qualys' own header first, one row a user, list cells as
// Qualys gave them, formulas neutralised (see [Neutralise]). Rows pass through;
// only a hash of 8 bytes is kept of each username, to find duplicates.
//
// Qualys gives at most 1000 rows a call, so it takes ⌈n/1000⌉ calls; where
// Qualys does not say how many match, one more. Page 1 tells the total, and the
// plan to whoever asked for [WithProgress]; from then on two pages are fetched
// at a time, and written in order. A server that ignores limit or offset, or
// reads a list of roles otherwise than "at least one of them", is noticed, and
// [Download].Complete tells whether the table is whole. After an error, what was
// written is no result.
//
// It is POST /adminui/user-management/v1/users/download with a token of the
// gateway. Errors: [ErrNotEnabled] (its Resolution says what to do),
// [ErrCredentials], [ErrRateLimited], [ErrUnreachable].
//
// Source: https://cdn2.qualys.com/docs/version/LCR/adminui-api/users/download_users_csv.htm
func (c *Client) Download(ctx context.Context, q DownloadQuery, w io.Writer) (Download, error) {
	return c.downloads.Run(ctx, q, w)
}

// WithProgress returns a context in which told hears how readings go on: of a
// download after each page but the last, beginning between page 1 and call 2,
// and of every reading before a wait. See [download.WithProgress].
func WithProgress(ctx context.Context, told func(Progress)) context.Context {
	return download.WithProgress(ctx, told)
}
