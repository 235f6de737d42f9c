package audit

import (
	"bytes"
	"crypto/ed25519"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/approvals"
)

// chainOf are the lines of a chain, each sealed by the trail of its place.
func chainOf(t *testing.T, by func(i int) *Trail, kinds ...approvals.Kind) []Line {
	var out []Line
	prev := ""
	for i, k := range kinds {
		s, err := by(i).Seal(approvals.Event{Seq: int64(i + 1), At: time.Now(), Kind: k}, prev)
		require.NoError(t, err)
		prev = s.Entry.Hash
		out = append(out, Line{Entry: s.Entry, Text: s.Text, Channel: "C1", TS: "1.1"})
	}
	return out
}

var nextSigner = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{9}, 32))

// Events that waited while the key was changed are sealed with the new key, in front
// of the entry that announces it.
func TestEventsMayWaitForTheNextKey(t *testing.T) {
	old, fresh := NewTrail("d", signer), NewTrail("d", nextSigner)
	fresh.Former = signer
	l := chainOf(t, func(i int) *Trail {
		if i < 1 {
			return old
		}
		return fresh
	},
		approvals.Frozen, approvals.Unfrozen, approvals.Key, approvals.Frozen)
	for _, k := range []ed25519.PublicKey{public, nextSigner.Public().(ed25519.PublicKey)} {
		r := verify(t, k, l)
		assert.True(t, r.Sound(), "%q", texts(r.Problems))
	}
}

// A Redis that was set back behind a change of keys has it announced again.
func TestAKeyMayBeAnnouncedTwice(t *testing.T) {
	old, fresh := NewTrail("d", signer), NewTrail("d", nextSigner)
	fresh.Former = signer
	l := chainOf(t, func(i int) *Trail {
		if i < 1 {
			return old
		}
		return fresh
	},
		approvals.Frozen, approvals.Key, approvals.Frozen, approvals.Alarm, approvals.Key)
	for _, k := range []ed25519.PublicKey{public, nextSigner.Public().(ed25519.PublicKey)} {
		r := verify(t, k, l)
		assert.True(t, r.Sound(), "%q", texts(r.Problems))
	}
}

// Another bot may keep its trail in the same channel.
func TestAnotherBotsChainIsLeftAlone(t *testing.T) {
	ours, theirs := chainOf(t, func(int) *Trail { return NewTrail("prod", signer) }, "frozen", "unfrozen"),
		chainOf(t, func(int) *Trail { return NewTrail("staging", nextSigner) }, "frozen", "unfrozen")
	for i := range ours {
		ours[i].By, theirs[i].By = "UBOT", "USTAGING"
	}
	r, err := Check{Key: public, Bot: "UBOT", Last: 2}.Verify(each(slices.Concat(ours, theirs)))
	require.NoError(t, err)
	assert.True(t, r.Sound(), "%q", texts(r.Problems))
}
