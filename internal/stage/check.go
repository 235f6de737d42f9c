package stage

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"

	"countersign/approvals"
	"countersign/audit"
	"countersign/internal/minislack"
)

// Check looks for what no conversation may leave behind, whatever it is about:
// a user who was written twice without need, a write that named nobody, a text
// that called the whole channel, a trail that does not verify.
func (h *House) Check() error {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if !h.again { // whoever asks for the same users again means to write to them again
		if again := h.qualys.RepeatedDeletes(); len(again) > 0 {
			wrong("deleted more than once: %d", again)
		}
		if again := h.qualys.RepeatedUpdates(); len(again) > 0 {
			wrong("updated more than once: %d", again)
		}
	}
	if n := h.qualys.Wild(); n > 0 {
		wrong("%d writes without criteria", n)
	}
	for _, p := range h.slack.Pings() {
		wrong("@%s called the whole channel: %s", p.Word, p.Text)
	}
	keys, err := approvals.DeriveKeys([]byte(secret))
	if err != nil {
		return err
	}
	report, err := audit.Verify(keys.Sign.Public().(ed25519.PublicKey), h.entries())
	if err != nil {
		return fmt.Errorf("the trail: %w", err)
	}
	for _, f := range report.Problems {
		wrong("the trail: %s", f)
	}
	return errors.Join(errs...)
}

// entries are the entries of the trail that stand in the channel.
func (h *House) entries() iter.Seq2[audit.Line, error] {
	return func(yield func(audit.Line, error) bool) {
		for _, m := range h.slack.Messages(homeID) {
			if m.Metadata == nil || m.Metadata.Type != "countersign_entry" {
				continue
			}
			if l, err := entryOf(m); !yield(l, err) {
				return
			}
		}
	}
}

// entryOf reads an entry as everybody can who sees the channel.
func entryOf(m minislack.Message) (audit.Line, error) {
	l := audit.Line{Channel: m.Channel, TS: m.TS}
	if err := json.Unmarshal(m.Metadata.Payload, &l.Entry); err != nil {
		return l, err
	}
	var blocks []struct {
		Text struct{ Text string } `json:"text"`
	}
	if err := json.Unmarshal(m.Blocks, &blocks); err != nil || len(blocks) == 0 {
		return l, fmt.Errorf("entry #%d has no sentence: %w", l.Entry.Seq, err)
	}
	l.Text = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(blocks[0].Text.Text)
	return l, nil
}
