package audit

import (
	"bytes"
	"crypto/ed25519"
	"iter"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/approvals"
)

// After a change of key the new public key alone verifies the whole chain: the
// former key vouched for it.
func TestAKeyIsHandedOver(t *testing.T) {
	former := ed25519.NewKeyFromSeed(bytes.Repeat([]byte("a"), 32))
	now := ed25519.NewKeyFromSeed(bytes.Repeat([]byte("b"), 32))
	before, after := NewTrail("default", former), NewTrail("default", now)
	after.Former = former
	var lines []Line
	prev := ""
	for i, tr := range []*Trail{before, before, after, after} {
		e := approvals.Event{Seq: int64(i + 1), At: time.Unix(1e9, 0), Kind: approvals.Start, Facts: approvals.Facts{Detail: "v1"}}
		if i == 2 {
			e.Kind = approvals.Key
		}
		s, err := tr.Seal(e, prev)
		require.NoError(t, err)
		prev = s.Entry.Hash
		lines = append(lines, Line{Entry: s.Entry, Text: s.Text, Channel: "C1", TS: "1.1"})
	}
	all := func() iter.Seq2[Line, error] {
		return func(yield func(Line, error) bool) {
			for _, l := range lines {
				if !yield(l, nil) {
					return
				}
			}
		}
	}
	for name, key := range map[string]ed25519.PrivateKey{"former": former, "new": now} {
		r, err := Verify(key.Public().(ed25519.PublicKey), all())
		require.NoError(t, err)
		assert.True(t, r.Sound(), "with the %s key: %v", name, r.Problems)
	}
	lines[2].Entry.SigOld = lines[3].Entry.Sig
	r, err := Verify(now.Public().(ed25519.PublicKey), all())
	require.NoError(t, err)
	assert.False(t, r.Sound(), "a former key that does not vouch")
}
