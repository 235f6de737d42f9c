package audit

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
)

// A Line is an entry where it was found: with the visible sentence, and the
// channel and timestamp of its message. Channel and TS are how to find it
// again; the hash cannot cover them.
type Line struct {
	Entry   Entry  `json:"entry"`
	Text    string `json:"text"`
	Channel string `json:"channel"`
	TS      string `json:"ts"`

	// Respelt says that the line was not written as an export writes it: other
	// blanks, another order. What it says is the same.
	Respelt bool `json:"-"`

	// What only who reads Slack, or an export of Slack's, can tell of the message.
	By      string   `json:"-"` // who posted it
	Visible string   `json:"-"` // without metadata this is all there is: "#128 9f3ac1 ← 77b0de"
	Wrong   []string `json:"-"` // what is wrong with it, or with its CSV
	Unsure  []string `json:"-"` // what could not be checked
}

// A LineError is a line that is none, and why. Reading goes on behind it.
type LineError struct {
	Number int    // 1 is the first line of the file; 0 if it is a message
	Where  string // channel and timestamp of the message, or ""
	By     string // who posted the message, if that was not the bot
	Err    error
}

func (e *LineError) Error() string {
	switch {
	case e.By != "":
		return fmt.Sprintf("message %s of %s: %v", e.Where, e.By, e.Err)
	case e.Where != "":
		return fmt.Sprintf("message %s: %v", e.Where, e.Err)
	}
	return fmt.Sprintf("line %d: %v", e.Number, e.Err)
}

// Unwrap returns the cause.
func (e *LineError) Unwrap() error { return e.Err }

// maxLine is more than any line of a trail has.
const maxLine = 256 << 10

// ReadJSONL yields the lines of an export, without the empty ones. What is no
// line comes as a [*LineError]; any other error means that the rest could not
// be read.
//
// Other tools space, order and escape JSON in their own way: such a line is
// read, and marked as [Line.Respelt]. A line in which a name stands twice, in
// other letters, or that nobody knows is none, so that nothing in it can say two
// things.
func ReadJSONL(r io.Reader) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		s := bufio.NewScanner(r)
		s.Buffer(make([]byte, 0, 4096), maxLine)
		number := 0
		for s.Scan() {
			number++
			raw := s.Bytes()
			if number == 1 {
				raw = bytes.TrimPrefix(raw, []byte("\ufeff"))
			}
			if len(bytes.TrimSpace(raw)) == 0 {
				continue
			}
			line, err := parseLine(raw)
			if err != nil {
				err = &LineError{Number: number, Err: err}
			}
			if !yield(line, err) {
				return
			}
		}
		if err := s.Err(); err != nil {
			yield(Line{}, fmt.Errorf("read behind line %d: %w", number, err))
		}
	}
}

func parseLine(raw []byte) (Line, error) {
	if err := oneMeaning(raw); err != nil {
		return Line{}, err
	}
	var l Line
	if err := decode(raw, &l); err != nil {
		return Line{}, err
	}
	again, err := canonical(l)
	if err != nil {
		return Line{}, err
	}
	l.Respelt = !bytes.Equal(raw, again)
	return l, nil
}

// oneMeaning is an error unless the line is an object of an entry, text, channel
// and ts in which no name stands twice: readers of JSON differ in which of the
// two they believe.
func oneMeaning(raw []byte) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return cmp.Or(err, errNoLine)
	}
	line := map[string]bool{}
	for d.More() {
		name, err := nameOnce(d, line)
		if err != nil {
			return err
		}
		switch name {
		case "entry":
			err = flatOnce(d)
		case "text", "channel", "ts":
			err = aString(d)
		default:
			err = fmt.Errorf("%w: it has a %s", errNoLine, quote(name, 40))
		}
		if err != nil {
			return err
		}
	}
	if !line["entry"] {
		return fmt.Errorf("%w: it has no entry", errNoLine)
	}
	return nil
}

var errNoLine = errors.New("it is not the JSON of an entry, text, channel and ts")

// nameOnce reads the name of the next member, which must be a new one.
func nameOnce(d *json.Decoder, seen map[string]bool) (string, error) {
	t, err := d.Token()
	if err != nil {
		return "", err
	}
	name, _ := t.(string)
	if seen[name] {
		return "", fmt.Errorf("%w: %s stands twice", errNoLine, quote(name, 40))
	}
	seen[name] = true
	return name, nil
}

// flatOnce reads an object of strings and numbers.
func flatOnce(d *json.Decoder) error {
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return cmp.Or(err, errNoLine)
	}
	seen := map[string]bool{}
	for d.More() {
		if _, err := nameOnce(d, seen); err != nil {
			return err
		}
		if t, err := d.Token(); err != nil || t == json.Delim('{') || t == json.Delim('[') {
			return cmp.Or(err, errNoLine)
		}
	}
	_, err := d.Token()
	return err
}

func aString(d *json.Decoder) error {
	t, err := d.Token()
	if _, ok := t.(string); !ok && err == nil {
		err = errNoLine
	}
	return err
}

// WriteJSONL writes the lines as an export, one a line, and stops at the first
// error that they yield.
func WriteJSONL(w io.Writer, lines iter.Seq2[Line, error]) error {
	for line, err := range lines {
		if err != nil {
			return err
		}
		raw, err := canonical(line)
		if err != nil {
			return fmt.Errorf("write #%d: %w", line.Entry.Seq, err)
		}
		if _, err := w.Write(append(raw, '\n')); err != nil {
			return err
		}
	}
	return nil
}
