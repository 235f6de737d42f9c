package post

import (
	"crypto/ed25519"
	"encoding/base64"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// While replicas with two keys run, the newest key seals: its change of keys would
// otherwise be signed, and named, by the former one.
func TestOnlyTheNewestKeySeals(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.bot()
		w.hold("one", 3)
		w.pass(5 * time.Second)
		require.Equal(t, []string{"requested"}, w.trail())
		require.NoError(t, w.book.Record(t.Context(), Signer, "somebody else's"))
		require.NoError(t, w.book.Freeze(t.Context(), bob, "freeze"))
		w.pass(time.Minute)
		assert.Equal(t, []string{"requested"}, w.trail(), "another replica has the newest key")
		own := base64.StdEncoding.EncodeToString(w.keys.Sign.Public().(ed25519.PublicKey))
		require.NoError(t, w.book.Record(t.Context(), Signer, own))
		w.pass(time.Minute)
		assert.Equal(t, []string{"requested", "frozen"}, w.trail())
	})
}
