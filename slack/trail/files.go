package trail

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"countersign/approvals"
	"countersign/audit"
)

// A file is a CSV that the bot posted.
type file struct {
	slack.File
	ts  string // of its message
	sum string // its SHA-256, once it was read
	err error  // why it could not be read
}

// around is how far apart an entry and its CSV may stand: a result waits for a
// channel that is not private.
const (
	around = 24 * time.Hour
	atOnce = time.Hour // of a CSV that is posted when it was asked for
)

// compare looks whether the CSVs are those that the entries name, and says so on
// their lines. What cannot be read makes nobody guilty.
func (r *reader) compare(ctx context.Context) error {
	var unread error
	for _, channel := range r.Files {
		if channel == r.Channel {
			continue
		}
		if err := r.channel(ctx, channel); err != nil {
			unread = err
		}
	}
	var unfound []*audit.Line
	r.named = map[string]bool{}
	for i := range r.lines {
		l := &r.lines[i]
		r.named[l.Entry.FileSHA] = true
		if l.By == r.Web.Identity().User && l.Entry.FileSHA != "" && !r.find(ctx, l.Entry) {
			unfound = append(unfound, l)
		}
	}
	for _, l := range unfound {
		l.Wrong, l.Unsure = append(l.Wrong, r.otherFile(l.Entry)...), append(l.Unsure, r.unchecked(l.Entry, unread)...)
	}
	return cmp.Or(ctx.Err(), unread)
}

// find looks for the file that an entry names, among those that it can be.
func (r *reader) find(ctx context.Context, e audit.Entry) bool {
	for i := range r.files {
		f := &r.files[i]
		if !f.fits(e) {
			continue
		}
		if f.sum == "" && f.err == nil {
			f.sum, f.err = r.sum(ctx, f.File)
		}
		if f.sum == e.FileSHA {
			return true
		}
	}
	return false
}

func (r *reader) sum(ctx context.Context, f slack.File) (string, error) {
	var hashed *audit.Hashed
	err := r.Web.Fetch(ctx, f, func() io.Writer {
		hashed = audit.SHA(io.Discard)
		return hashed
	})
	if err != nil {
		return "", err
	}
	return hashed.Sum(), nil
}

// otherFile accuses a file that stands where the entry's should, and belongs to
// no entry.
func (r *reader) otherFile(e audit.Entry) []string {
	i := slices.IndexFunc(r.files, func(f file) bool { return f.sum != "" && !r.named[f.sum] && f.fits(e) })
	if i < 0 {
		return nil
	}
	return []string{fmt.Sprintf("its CSV, %s, is not the one that was sealed: file_sha is %.6s, the hash there is %.6s", r.files[i].Name, e.FileSHA, r.files[i].sum)}
}

// unchecked says why the file of an entry was not compared, if it was not.
func (r *reader) unchecked(e audit.Entry, unread error) []string {
	if len(r.otherFile(e)) > 0 {
		return nil
	}
	i := slices.IndexFunc(r.files, func(f file) bool { return f.err != nil && f.fits(e) })
	switch {
	case i >= 0:
		return []string{fmt.Sprintf("its CSV was not checked: %s: %v", r.files[i].Name, r.files[i].err)}
	case unread != nil:
		return []string{fmt.Sprintf("its CSV was not checked: %v", unread)}
	}
	return []string{"its CSV was not checked: it is in none of the channels any more"}
}

// fits reports whether a file may be the one of an entry, by its name and its time.
func (f file) fits(e audit.Entry) bool {
	at, err := e.Time()
	seconds, _, _ := strings.Cut(f.ts, ".")
	posted, bad := strconv.ParseInt(seconds, 10, 64)
	apart := around
	if e.Fingerprint == "" {
		apart = atOnce
	}
	if err != nil || bad != nil || time.Unix(posted, 0).Sub(at).Abs() > apart {
		return false
	}
	short := fmt.Sprintf("-%.12s.csv", e.Fingerprint)
	result := strings.HasPrefix(f.Name, "result-")
	switch e.Kind {
	case approvals.Downloaded:
		return strings.HasPrefix(f.Name, "users-platform-")
	case approvals.Found:
		return strings.HasPrefix(f.Name, "users-saq-")
	case approvals.Requested:
		return !result && strings.HasSuffix(f.Name, short)
	}
	return result && strings.HasSuffix(f.Name, short)
}
