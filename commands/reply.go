package commands

import (
	"context"
	"io"
)

// A Reply is what one person sees.
//
// Text and Hint are Slack's mrkdwn, to be shown with verbatim set: mentions and
// dates in it are ours, and every foreign text went through package words. The
// strings of forms and files are plain text.
type Reply struct {
	Text string // carries the whole meaning, also for a screen reader
	Hint string // what to type or press next, or empty
	Form *Form  // a form to fill, or nil
	File *File  // a CSV for the channel, or nil

	Stored bool // a decision was stored, however late it is by now

	// Errors answers a form that cannot be taken as it is: a sentence for each
	// field, by FormField.ID. The form stays open.
	Errors map[string]string

	// Then is slow work that follows the acknowledgement, or nil. Its reply
	// replaces this one. It may be lost: nothing in it changes a user.
	Then func(context.Context) Reply
}

// Silent reports whether there is nothing to say: the card says it.
func (r Reply) Silent() bool {
	return r.Text == "" && r.Hint == "" && r.Form == nil && r.File == nil && len(r.Errors) == 0 && r.Then == nil
}

// A File is a CSV for the channel of the command. Its name and title are plain
// text; Comment is mrkdwn like a Reply's text.
type File struct {
	Name    string // such as "users-platform-2500-2026-11-21.csv"
	Title   string
	Comment string // what is in it: the counts
	Size    int64  // bytes; never 0

	// Open reads the file from its start; it may be called again for a second
	// attempt, when the reader before is closed. Close lets go of the file,
	// which has no name on the disk any more.
	Open  func() (io.ReadCloser, error)
	Close func() error
}
