package audit

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// testdata/vector.jsonl is data that outlives the code: two lines as an early
// version wrote them. Their hashes and signatures were computed a second time
// by another program (Python: json, hashlib, cryptography), from the package
// comment alone. The file is never rewritten: if this test fails, the format
// changed, and no trail in the world can be verified any more.
func TestTheFormatNeverChanges(t *testing.T) {
	const (
		key    = "ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c"
		first  = "b4c2f8c6b941f6949788fc6cfb71d101ed0b27a1ed7379d9d64f18fa0cf68cc6"
		second = "575b76bea235f76b4f4eef5921aa6e4ebb5cb155fa3d9d75c6f599ddb0d1e6b7"
		sig    = "vqoZHJh1FMVpdm6Gqb04Lw7gjP1zsg2MeK3WQajUYHLFenSUvyG4ZMKDNZbr5l+O7TX+JU9xJgDxI8lkGSRtCA=="
	)
	public, err := hex.DecodeString(key)
	require.NoError(t, err)
	raw, err := os.ReadFile("testdata/vector.jsonl")
	require.NoError(t, err)

	var lines []Line
	for l, err := range ReadJSONL(bytes.NewReader(raw)) {
		require.NoError(t, err)
		lines = append(lines, l)
	}
	require.Len(t, lines, 2)
	assert.Equal(t, first, lines[0].Entry.Hash)
	assert.Equal(t, second, lines[1].Entry.Hash)
	assert.Equal(t, sig, lines[1].Entry.Sig)
	assert.Equal(t, "#2 575b76 ← b4c2f8", lines[1].Entry.Line())

	report, err := Verify(public, ReadJSONL(bytes.NewReader(raw)))
	require.NoError(t, err)
	assert.Equal(t, Report{Chain: "default", Entries: 2, First: 1, Last: 2, Head: second}, report)

	var again bytes.Buffer
	require.NoError(t, WriteJSONL(&again, each(lines)))
	assert.Equal(t, string(raw), again.String())
}

// The hash by hand: the bytes that are hashed stand here as they are.
func TestTheHashIsOverTheseBytes(t *testing.T) {
	bytesOfEntry := `{"at":"2026-11-21T14:03:06.123Z","by":"T012AB3CD/U0BOB","chain":"default",` +
		`"fingerprint":"3fa9c1d2ab070000000000000000000000000000000000000000000000000000",` +
		`"kind":"approved","policy":"1a2b3c4d5e6f0000000000000000000000000000000000000000000000000000",` +
		`"prev":"b4c2f8c6b941f6949788fc6cfb71d101ed0b27a1ed7379d9d64f18fa0cf68cc6","request":"K7F3Q","seq":2,` +
		`"text_sha":"45318c5696164302de64fce62a2ed9023173206bab53f7e0181cf52fc7a87925","v":1}`
	want := sha256.Sum256([]byte(bytesOfEntry))

	var e Entry
	require.NoError(t, json.Unmarshal([]byte(bytesOfEntry), &e))
	got, err := e.sum("hash", "sig")
	require.NoError(t, err)
	assert.Equal(t, "575b76bea235f76b4f4eef5921aa6e4ebb5cb155fa3d9d75c6f599ddb0d1e6b7", hex.EncodeToString(want[:]))
	assert.Equal(t, want, got)
}

// A stranger's verifier, from the package comment: nothing of this package is
// used in it.
func stranger(t *testing.T, export string, key ed25519.PublicKey) {
	t.Helper()
	prev := strings.Repeat("0", 64)
	for n, raw := range slices.Collect(strings.Lines(export)) {
		var line struct {
			Entry             map[string]any
			Text, Channel, TS string
		}
		require.NoError(t, json.Unmarshal([]byte(raw), &line))
		hash, sig := line.Entry["hash"], line.Entry["sig"]
		delete(line.Entry, "hash")
		delete(line.Entry, "sig")

		var members []string // all names are ASCII, so sorting bytes is sorting UTF-16
		for name, value := range line.Entry {
			switch v := value.(type) {
			case string: // and so are all values
				members = append(members, fmt.Sprintf(`"%s":"%s"`, name, v))
			case float64:
				members = append(members, fmt.Sprintf(`"%s":%d`, name, int64(v)))
			}
		}
		slices.Sort(members)
		sum := sha256.Sum256([]byte("{" + strings.Join(members, ",") + "}"))
		signature, err := base64.StdEncoding.DecodeString(sig.(string))
		require.NoError(t, err)
		text := sha256.Sum256([]byte(line.Text))

		assert.Equal(t, hex.EncodeToString(sum[:]), hash, "line %d", n+1)
		assert.Equal(t, hex.EncodeToString(text[:]), line.Entry["text_sha"], "line %d", n+1)
		assert.True(t, ed25519.Verify(key, sum[:], signature), "line %d: the signature does not fit", n+1)
		assert.Equal(t, prev, line.Entry["prev"], "line %d", n+1)
		assert.InDelta(t, n+1, line.Entry["seq"], 0, "line %d", n+1)
		prev, _ = hash.(string)
	}
}

func TestAStrangerCanVerifyAnExport(t *testing.T) {
	stranger(t, export(t, history(t, 9)), public)
}
