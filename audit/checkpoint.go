package audit

import (
	"cmp"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// A Checkpoint is a signed head of the trail where somebody else keeps it.
type Checkpoint struct {
	Text  string
	Where string // channel and timestamp of its message, or ""
}

// Origin names a chain in its checkpoints.
func Origin(chain string) string { return "countersign/" + url.QueryEscape(chain) }

// Checkpoint writes the head of the trail as a signed note (c2sp.org/signed-note):
// the origin, the number and the hash in base64, a line each, an empty line, and a
// line with the signature. Only that the hash is the head of a chain, and not the
// root of a tree, sets it apart from c2sp.org/tlog-checkpoint.
func (t *Trail) Checkpoint(seq int64, hash string) (string, error) {
	raw, err := hex.DecodeString(hash)
	if err != nil || len(raw) != 32 {
		return "", fmt.Errorf("sign the head #%d: %q is no hash", seq, hash)
	}
	by, err := newNoteSigner(Origin(t.chain), t.sign)
	if err != nil {
		return "", fmt.Errorf("sign the head #%d: %w", seq, err)
	}
	signed, err := note.Sign(&note.Note{
		Text: fmt.Sprintf("%s\n%d\n%s\n", Origin(t.chain), seq, base64.StdEncoding.EncodeToString(raw)),
	}, by)
	return string(signed), err
}

// A noteSigner signs notes with the key of the trail.
type noteSigner struct {
	note.Verifier
	key ed25519.PrivateKey
}

func newNoteSigner(name string, key ed25519.PrivateKey) (noteSigner, error) {
	v, err := noteVerifier(name, key.Public().(ed25519.PublicKey))
	return noteSigner{v, key}, err
}

// Sign signs the text of a note, which is longer than the 32 bytes that an entry's
// signature is about.
func (s noteSigner) Sign(msg []byte) ([]byte, error) { return ed25519.Sign(s.key, msg), nil }

func noteVerifier(name string, key ed25519.PublicKey) (note.Verifier, error) {
	written, err := note.NewEd25519VerifierKey(name, key)
	if err != nil {
		return nil, err
	}
	return note.NewVerifier(written)
}

// errCheckpoint means that a note is signed, and says something else.
var errCheckpoint = errors.New("it is no checkpoint")

// open checks the signature and returns number and hash.
func (c Checkpoint) open(origin string, keys []ed25519.PublicKey) (seq int64, hash string, err error) {
	var known []note.Verifier
	for _, key := range keys {
		v, err := noteVerifier(origin, key)
		if err != nil {
			return 0, "", err
		}
		known = append(known, v)
	}
	signed, err := note.Open([]byte(strings.TrimSpace(c.Text)+"\n"), note.VerifierList(known...)) // messages lose their last line break
	if err != nil {
		return 0, "", err
	}
	lines := strings.Split(signed.Text, "\n")
	if len(lines) != 4 || lines[0] != origin {
		return 0, "", errCheckpoint
	}
	seq, err = strconv.ParseInt(lines[1], 10, 64)
	raw, bad := base64.StdEncoding.Strict().DecodeString(lines[2])
	if err != nil || bad != nil || seq <= 0 || len(raw) != 32 {
		return 0, "", errCheckpoint
	}
	return seq, hex.EncodeToString(raw), nil
}

// checkpoints compares the heads that stand elsewhere with the chain.
func (v *verifier) checkpoints() {
	if len(v.Checkpoints) == 0 || v.report.Chain == "" && len(v.links) > 0 {
		return // without metadata nobody knows whose chain it is
	}
	there := map[int64]string{}
	keys := []ed25519.PublicKey{v.Key}
	for _, k := range v.links {
		there[k.seq] = cmp.Or(there[k.seq], k.hash)
		if k.key != nil && !slices.ContainsFunc(keys, func(known ed25519.PublicKey) bool { return known.Equal(k.key) }) {
			keys = append(keys, k.key)
		}
	}
	for _, c := range v.Checkpoints {
		seq, hash, err := c.open(Origin(v.report.Chain), keys)
		_, unknown := errors.AsType[*note.UnverifiedNoteError](err)
		switch is, known := there[seq]; {
		case unknown && v.report.Unsigned > 0:
			v.note(0, c.Where, "a checkpoint was not checked: it is signed with a key that is not known")
		case err != nil:
			v.broken(0, c.Where, "a checkpoint is not one of this trail: %v", err)
		case known && agree(is, hash):
			v.report.Anchored++
		case known:
			v.broken(seq, c.Where, "is not on the chain of a checkpoint: its hash is %.6s, and was %.6s", is, hash)
		case v.report.Ended != nil: // perhaps it was not read
		default:
			v.broken(seq, c.Where, "is not there, and a checkpoint says that it was: its hash is %.6s", hash)
		}
	}
}
