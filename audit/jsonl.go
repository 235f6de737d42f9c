package audit

import (
	"bufio"
	"bytes"
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
}

// A LineError is a line that is none, and why. Reading goes on behind it.
type LineError struct {
	Number int // 1 is the first line of the file
	Err    error
}

func (e *LineError) Error() string { return fmt.Sprintf("line %d: %v", e.Number, e.Err) }

// Unwrap returns the cause.
func (e *LineError) Unwrap() error { return e.Err }

// maxLine is more than any line of a trail has.
const maxLine = 256 << 10

var errNotCanonical = errors.New("it is not the canonical JSON of an entry, text, channel and ts")

// ReadJSONL yields the lines of an export. What is no line comes as a
// [*LineError]; any other error means that the rest could not be read. A line
// must be canonical JSON byte for byte, so that nothing in it can say two things.
func ReadJSONL(r io.Reader) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		s := bufio.NewScanner(r)
		s.Buffer(make([]byte, 0, 4096), maxLine)
		s.Split(scanLines)
		number := 0
		for s.Scan() {
			number++
			line, err := parseLine(s.Bytes())
			if err != nil {
				err = &LineError{number, err}
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

// scanLines splits at \n alone: bufio.ScanLines would also drop a \r.
func scanLines(data []byte, atEOF bool) (int, []byte, error) {
	if i := bytes.IndexByte(data, '\n'); i >= 0 {
		return i + 1, data[:i], nil
	}
	if atEOF && len(data) > 0 {
		return len(data), data, nil
	}
	return 0, nil, nil
}

func parseLine(raw []byte) (Line, error) {
	var l Line
	if err := decode(raw, &l); err != nil {
		return Line{}, err
	}
	again, err := canonical(l)
	if err != nil {
		return Line{}, err
	}
	if !bytes.Equal(raw, again) {
		return Line{}, errNotCanonical
	}
	return l, nil
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
