package audit

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"countersign/approvals"
	"countersign/approvals/rules"
)

// A Trail turns events into entries. It keeps no state: who posts them knows
// the hash of the entry before.
type Trail struct {
	Former ed25519.PrivateKey // the key before this one, which vouches for it, or nil

	chain string
	sign  ed25519.PrivateKey
}

// NewTrail returns the trail of a chain, which is named after its tenant.
func NewTrail(chain string, sign ed25519.PrivateKey) *Trail {
	return &Trail{chain: chain, sign: sign}
}

// A Sealed is an entry and the sentence that people read. It is stored before
// it is posted, and never sealed again.
type Sealed struct {
	Entry Entry  `json:"entry"`
	Text  string `json:"text"`
}

// Seal makes the entry of an event. prev is the hash of the entry before, or
// "" for the first. The same event and prev give the same bytes.
func (t *Trail) Seal(e approvals.Event, prev string) (Sealed, error) {
	if e.Seq <= 0 {
		return Sealed{}, fmt.Errorf("seal %s: the event has no number", e.Kind)
	}
	if prev == "" {
		prev = genesis
	}
	text := Sentence(e)
	entry := Entry{
		V: Version, Chain: t.chain, Seq: e.Seq, At: e.At.UTC().Format(atLayout), Kind: e.Kind,
		Request: e.Request, By: by(e.By), Fingerprint: e.Fingerprint, Policy: e.Policy,
		Counts: e.Counts.String(), FileSHA: e.FileSHA, TextSHA: textSHA(text), Prev: prev,
	}
	if e.Kind == approvals.Key {
		if err := t.handOver(&entry); err != nil {
			return Sealed{}, fmt.Errorf("seal #%d: %w", e.Seq, err)
		}
	}
	sum, err := entry.sum()
	if err != nil {
		return Sealed{}, fmt.Errorf("seal #%d: %w", e.Seq, err)
	}
	entry.Hash = hex.EncodeToString(sum[:])
	entry.Sig = base64.StdEncoding.EncodeToString(ed25519.Sign(t.sign, sum[:]))
	return Sealed{Entry: entry, Text: text}, nil
}

// handOver lets an entry name the key that signs from now on, and the former
// key vouch for it.
func (t *Trail) handOver(entry *Entry) error {
	entry.Key = base64.StdEncoding.EncodeToString(t.sign.Public().(ed25519.PublicKey))
	if t.Former == nil {
		return nil
	}
	sum, err := entry.sum()
	entry.SigOld = base64.StdEncoding.EncodeToString(ed25519.Sign(t.Former, sum[:]))
	return err
}

// atLayout is RFC 3339 with exactly three digits of a second, in UTC.
const atLayout = "2006-01-02T15:04:05.000Z"

// Time is when it happened, by Redis' clock.
func (e Entry) Time() (time.Time, error) { return time.Parse(atLayout, e.At) }

func by(p rules.Person) string {
	if p.ID == "" {
		return ""
	}
	return p.Team + "/" + p.ID
}

// Marshal returns the bytes that the outbox keeps: canonical JSON.
func (s Sealed) Marshal() ([]byte, error) { return canonical(s) }

// ParseSealed reads what Marshal wrote. An entry that fits neither its hash
// nor its sentence is an error: it was not sealed here.
func ParseSealed(raw []byte) (Sealed, error) {
	var s Sealed
	if err := decode(raw, &s); err != nil {
		return Sealed{}, fmt.Errorf("read a sealed entry: %w", err)
	}
	sum, err := s.Entry.sum("hash", "sig")
	switch {
	case err != nil:
		return Sealed{}, fmt.Errorf("read sealed #%d: %w", s.Entry.Seq, err)
	case hex.EncodeToString(sum[:]) != s.Entry.Hash:
		return Sealed{}, fmt.Errorf("read sealed #%d: %w", s.Entry.Seq, errHash)
	case textSHA(s.Text) != s.Entry.TextSHA:
		return Sealed{}, fmt.Errorf("read sealed #%d: %w", s.Entry.Seq, errText)
	}
	return s, nil
}

var (
	errHash = errors.New("the entry does not fit its hash")
	errText = errors.New("the sentence is not the one that was sealed")
)
