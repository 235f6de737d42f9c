package audit

import (
	"bytes"
	"crypto/ed25519"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"
)

// signed is a checkpoint of one of the lines.
func signed(t *testing.T, key ed25519.PrivateKey, chain string, l Line) Checkpoint {
	t.Helper()
	text, err := NewTrail(chain, key).Checkpoint(l.Entry.Seq, l.Entry.Hash)
	require.NoError(t, err)
	return Checkpoint{Text: text, Where: "C9/1.1"}
}

// The form outlives the code: other tools read it.
func TestACheckpointIsASignedNote(t *testing.T) {
	c := signed(t, signer, "default", history(t, 2)[1])
	assert.Equal(t, "countersign/default\n"+
		"2\n"+
		"V1t2vqI192tPTu9ZIapuTrtcsVX6PZ11xvWZ3bDR5rc=\n"+
		"\n"+
		"— countersign/default ", c.Text[:strings.LastIndex(c.Text, " ")+1])
	vkey, err := note.NewEd25519VerifierKey("countersign/default", public)
	require.NoError(t, err)
	v, err := note.NewVerifier(vkey)
	require.NoError(t, err)
	_, err = note.Open([]byte(c.Text), note.VerifierList(v))
	require.NoError(t, err)

	assert.Equal(t, "countersign/a%2Bb", Origin("a+b"), "the name of a key has neither blanks nor a plus")
	_, err = NewTrail("default", signer).Checkpoint(1, "abc")
	require.ErrorContains(t, err, `"abc" is no hash`)
}

// An anchor is what finds a trail that was cut off, or written anew with the key.
func TestACheckpointHoldsTheChain(t *testing.T) {
	stranger := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{8}, 32))
	all := history(t, 6)
	fits := signed(t, signer, "default", all[3])
	anew := history(t, 6)
	anew[3].Entry.Policy = strings.Repeat("1", 64)
	anew[3].Entry = reseal(anew[3].Entry, signer)
	for _, c := range []struct {
		name   string
		lines  []Line
		points []Checkpoint
		want   []string
	}{
		{"it fits", all, []Checkpoint{fits, {Text: strings.TrimSpace(fits.Text)}}, nil},
		{"the end is cut off", all[:2], []Checkpoint{fits}, []string{"#4: is not there, and a checkpoint says that it was: its hash is " + all[3].Entry.Hash[:6] + " (C9/1.1)"}},
		{"written anew", anew[:4], []Checkpoint{fits}, []string{
			"#4: is not on the chain of a checkpoint: its hash is " + anew[3].Entry.Hash[:6] + ", and was " + all[3].Entry.Hash[:6] + " (C9/1.1)"}},
		{"of another key", all, []Checkpoint{signed(t, stranger, "default", all[3])}, []string{"a checkpoint is not one of this trail: note has no verifiable signatures (C9/1.1)"}},
		{"of another chain", all, []Checkpoint{signed(t, signer, "prod", all[3])}, []string{"a checkpoint is not one of this trail: note has no verifiable signatures (C9/1.1)"}},
		{"edited", all, []Checkpoint{{Text: strings.Replace(fits.Text, "\n4\n", "\n5\n", 1)}}, []string{"a checkpoint is not one of this trail: invalid signature for key countersign/default+"}},
		{"nonsense", all, []Checkpoint{{Text: "hello"}}, []string{"a checkpoint is not one of this trail: malformed note"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := Check{Key: public, Checkpoints: c.points}.Verify(each(c.lines))
			require.NoError(t, err)
			got := texts(r.Problems)
			require.Len(t, got, len(c.want), "%q", got)
			for i := range got {
				assert.Contains(t, got[i], c.want[i])
			}
			if c.want == nil {
				assert.Equal(t, 2, r.Anchored)
				assert.Contains(t, print(t, r), "On the chain: 2 checkpoints.\nSound.")
			}
		})
	}
}

// After a change of keys, each checkpoint is signed with the key of its day.
func TestCheckpointsOutliveAKey(t *testing.T) {
	newer := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{9}, 32))
	lines := rekeyed(t, newer)
	points := []Checkpoint{signed(t, signer, "default", lines[1]), signed(t, newer, "default", lines[3])}
	r, err := Check{Key: public, Checkpoints: points}.Verify(each(lines))
	require.NoError(t, err)
	assert.Equal(t, CodeSound, r.Code(), texts(r.Problems))
	assert.Equal(t, 2, r.Anchored)
	r, err = Check{Key: newer.Public().(ed25519.PublicKey), Checkpoints: points}.Verify(each(lines))
	require.NoError(t, err)
	assert.Equal(t, 1, r.Anchored)
	assert.Equal(t, []string{"a checkpoint was not checked: it is signed with a key that is not known (C9/1.1)"}, texts(r.Notes))
}
