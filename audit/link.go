package audit

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"regexp"
	"slices"
	"strconv"
)

// A link is what a check remembers of an entry: enough to check the chain.
type link struct {
	seq        int64
	chain      string
	prev, hash string
	visible    bool // prev and hash are six digits, and there is nothing else
	sum        [32]byte
	sig        []byte
	key        ed25519.PublicKey // of a key entry: the key from here on
	sumOld     [32]byte          // of a key entry: what sig_old is about
	sigOld     []byte

	by, channel, where string
	wrong, unsure      []string
}

// read makes a link of a line.
func read(l Line) link {
	e := l.Entry
	k := link{
		seq: e.Seq, chain: e.Chain, prev: e.Prev, hash: e.Hash,
		by: l.By, channel: l.Channel, where: l.where(), wrong: slices.Clone(l.Wrong), unsure: l.Unsure,
	}
	if l.Visible != "" {
		k.visible = true
		if k.seq, k.hash, k.prev = heads(l.Visible); k.seq == 0 {
			k.wrong = append(k.wrong, "the line of the chain cannot be read")
		}
		return k
	}
	if textSHA(l.Text) != e.TextSHA {
		k.wrong = append(k.wrong, "the sentence was edited: it is not the one that was sealed")
	}
	var err error
	if k.sum, err = e.sum("hash", "sig"); err != nil || hex.EncodeToString(k.sum[:]) != e.Hash {
		k.wrong = append(k.wrong, "the entry was edited: it does not fit its hash")
	}
	if k.sig, err = signature(e.Sig); err != nil {
		k.wrong = append(k.wrong, "the signature cannot be read")
	}
	if e.Key != "" || e.SigOld != "" {
		k.newKey(e)
	}
	return k
}

// newKey reads what a key entry adds.
func (k *link) newKey(e Entry) {
	key, err := base64.StdEncoding.Strict().DecodeString(e.Key)
	if err != nil || len(key) != ed25519.PublicKeySize {
		k.wrong = append(k.wrong, "the new key cannot be read")
		return
	}
	k.key = key
	if k.sumOld, err = e.sum("hash", "sig", "sig_old"); err == nil {
		k.sigOld, err = signature(e.SigOld)
	}
	if err != nil {
		k.wrong = append(k.wrong, "the signature with the former key cannot be read")
	}
}

// signature reads 64 bytes of base64 that can be written in one way only.
func signature(s string) ([]byte, error) {
	sig, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil || len(sig) != ed25519.SignatureSize || base64.StdEncoding.EncodeToString(sig) != s {
		return nil, errSignature
	}
	return sig, nil
}

var errSignature = errors.New("not a signature")

// where is how a person finds the line again.
func (l Line) where() string {
	if l.TS == "" {
		return ""
	}
	return l.Channel + "/" + l.TS
}

// shownDigits is how many digits of a hash people see.
const shownDigits = 6

// shown is what [Entry.Line] writes.
var shown = regexp.MustCompile(`^#([1-9][0-9]{0,15}) ([0-9a-f]{6}) ← ([0-9a-f]{6})$`)

// IsLine reports whether text is the small line of the chain, as [Entry.Line]
// writes it.
func IsLine(text string) bool { return shown.MatchString(text) }

// heads reads the small line of the chain. seq is 0 if it is none.
func heads(line string) (seq int64, hash, prev string) {
	found := shown.FindStringSubmatch(line)
	if found == nil {
		return 0, "", ""
	}
	seq, err := strconv.ParseInt(found[1], 10, 64)
	if err != nil || seq > maxInt {
		return 0, "", ""
	}
	return seq, found[2], found[3]
}
