package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"strconv"
	"strings"

	"github.com/gowebpki/jcs"

	"countersign/approvals"
)

// EventType is the event_type of the Slack metadata that carries an entry.
const EventType = "countersign_entry"

// Version is the v of the entries that this program writes.
const Version = 1

// genesis is the prev of the first entry.
var genesis = strings.Repeat("0", 64)

// maxInt is the largest integer that canonical JSON can hold exactly.
const maxInt = 1<<53 - 1

// An Entry is one numbered, chained and signed line of the trail: the metadata
// of one message. It holds strings and integers only, and no name or e-mail
// address of anybody, because every app of the workspace may read it. The
// package comment says what each field means.
type Entry struct {
	V           int64          `json:"v"`
	Chain       string         `json:"chain"`
	Seq         int64          `json:"seq"`
	At          string         `json:"at"`
	Kind        approvals.Kind `json:"kind"`
	Request     string         `json:"request"`
	By          string         `json:"by"`
	Fingerprint string         `json:"fingerprint"`
	Policy      string         `json:"policy"`
	Counts      string         `json:"counts"`
	FileSHA     string         `json:"file_sha"`
	TextSHA     string         `json:"text_sha"`
	Prev        string         `json:"prev"`
	Hash        string         `json:"hash"`
	Sig         string         `json:"sig"`
	Key         string         `json:"key"`
	SigOld      string         `json:"sig_old"`

	// more holds the fields of a later version. The hash covers them too.
	more map[string]any
}

// errEntry is what everything begins with that is no entry.
var errEntry = errors.New("not an entry")

// fields pairs the names of the metadata with the places of their values,
// which are strings or integers.
func (e *Entry) fields() map[string]any {
	return map[string]any{
		"v": &e.V, "chain": &e.Chain, "seq": &e.Seq, "at": &e.At, "kind": (*string)(&e.Kind),
		"request": &e.Request, "by": &e.By, "fingerprint": &e.Fingerprint,
		"policy": &e.Policy, "counts": &e.Counts, "file_sha": &e.FileSHA,
		"text_sha": &e.TextSHA, "prev": &e.Prev, "hash": &e.Hash, "sig": &e.Sig,
		"key": &e.Key, "sig_old": &e.SigOld,
	}
}

// Payload returns the event_payload of the message metadata: strings and
// integers by name, without those that are absent.
func (e Entry) Payload() map[string]any {
	m := maps.Clone(e.more)
	if m == nil {
		m = make(map[string]any)
	}
	for name, place := range e.fields() {
		switch p := place.(type) {
		case *string:
			if *p != "" {
				m[name] = *p
			}
		case *int64:
			if *p != 0 {
				m[name] = *p
			}
		}
	}
	return m
}

// ParsePayload reads what Payload returned, or what became of it on its way
// through JSON. Fields it does not know are kept, and the hash covers them. A
// value that is neither a string nor an integer, or that should be absent, is
// an error.
func ParsePayload(payload map[string]any) (Entry, error) {
	var e Entry
	fields := e.fields()
	for name, value := range payload {
		value, err := flat(value)
		if err != nil {
			return Entry{}, fmt.Errorf("%w: %s %w", errEntry, name, err)
		}
		fits := true
		switch place := fields[name].(type) {
		case *string:
			*place, fits = value.(string)
			fits = fits && *place != ""
		case *int64:
			*place, fits = value.(int64)
			fits = fits && *place != 0
		default:
			if e.more == nil {
				e.more = make(map[string]any)
			}
			e.more[name] = value
		}
		if !fits {
			return Entry{}, fmt.Errorf("%w: %s is %v", errEntry, name, value)
		}
	}
	if e.Seq <= 0 {
		return Entry{}, fmt.Errorf("%w: it has no number", errEntry)
	}
	return e, nil
}

// flat returns the value as a string or an int64. Slack's metadata arrives
// with float64, our own files with json.Number.
func flat(value any) (any, error) {
	switch v := value.(type) {
	case string:
		return v, nil
	case int64:
		return v, nil
	case json.Number:
		n, err := strconv.ParseInt(string(v), 10, 64)
		if err != nil || n > maxInt || n < -maxInt {
			return nil, fmt.Errorf("is %.40s, want an integer", v)
		}
		return n, nil
	case float64:
		if v != math.Trunc(v) || math.Abs(v) > maxInt {
			return nil, fmt.Errorf("is %v, want an integer", v)
		}
		return int64(v), nil
	}
	return nil, fmt.Errorf("is a %T, want a string or an integer", value)
}

// MarshalJSON returns the metadata as JSON.
func (e Entry) MarshalJSON() ([]byte, error) { return json.Marshal(e.Payload()) }

// UnmarshalJSON reads the metadata as MarshalJSON wrote it, or as others
// spaced and ordered it.
func (e *Entry) UnmarshalJSON(raw []byte) error {
	var payload map[string]any
	if err := decode(raw, &payload); err != nil {
		return fmt.Errorf("%w: %w", errEntry, err)
	}
	parsed, err := ParsePayload(payload)
	if err != nil {
		return err
	}
	*e = parsed
	return nil
}

// Line is what people see of the chain: the number, and the first six digits
// of this hash and of the one before, such as "#128 9f3ac1 ← 77b0de".
func (e Entry) Line() string {
	return fmt.Sprintf("#%d %.6s ← %.6s", e.Seq, e.Hash, e.Prev)
}

// sum is the SHA-256 that hash and sig are about: over the canonical JSON of
// the entry without the named fields.
func (e Entry) sum(without ...string) ([32]byte, error) {
	payload := e.Payload()
	for _, name := range without {
		delete(payload, name)
	}
	raw, err := canonical(payload)
	if err != nil {
		return [32]byte{}, err
	}
	return sha256.Sum256(raw), nil
}

// canonical is JSON as in RFC 8785.
func canonical(v any) ([]byte, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return jcs.Transform(raw)
}

// decode reads exactly one JSON value, with its numbers as they stand.
func decode(raw []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("something follows the value")
	}
	return nil
}

// textSHA is the text_sha of a sentence.
func textSHA(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
