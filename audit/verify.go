package audit

import (
	"cmp"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"slices"
)

// A link is what Verify remembers of an entry: enough to check the chain.
type link struct {
	seq        int64
	prev, hash string
	sum        [32]byte
	sig        []byte
	key        ed25519.PublicKey // of a key entry: the key from here on
	sumOld     [32]byte          // of a key entry: what sig_old is about
	sigOld     []byte
	where      string
}

// Verify checks a trail with a public key alone, whatever the order of its
// lines: that each entry fits its hash and its sentence, that it is signed,
// that it follows the one before, and that no number from #1 on is missing or
// there twice with two meanings. The key may be any that the chain was ever signed with.
//
// The report is complete as far as the lines went. The error says that reading
// them ended early; a [*LineError] is a problem in the report instead.
func Verify(key ed25519.PublicKey, lines iter.Seq2[Line, error]) (Report, error) {
	v := verifier{key: key}
	var ended error
	for line, err := range lines {
		var bad *LineError
		switch {
		case errors.As(err, &bad):
			v.broken(0, "", "%v", bad)
		case err != nil:
			ended = err
		default:
			v.line(line)
		}
		if ended != nil {
			break
		}
	}
	if v.respelt > 0 {
		v.note(0, "", "%s not spelt as an export spells them; what they say was checked", areLines(v.respelt))
	}
	v.report.Ended = ended
	v.chain()
	v.signatures()
	slices.SortStableFunc(v.report.Problems, func(a, b Finding) int { return cmp.Compare(a.Seq, b.Seq) })
	return v.report, ended
}

type verifier struct {
	key    ed25519.PublicKey
	links  []link
	report Report

	respelt int // lines that say the same in another spelling
}

func (v *verifier) broken(seq int64, where, format string, args ...any) {
	v.report.Problems = append(v.report.Problems, Finding{seq, where, fmt.Sprintf(format, args...)})
}

func (v *verifier) note(seq int64, where, format string, args ...any) {
	v.report.Notes = append(v.report.Notes, Finding{seq, where, fmt.Sprintf(format, args...)})
}

// line checks what one line says of itself.
func (v *verifier) line(l Line) {
	e := l.Entry
	k := link{seq: e.Seq, prev: e.Prev, hash: e.Hash, where: l.where()}
	if l.Respelt {
		v.respelt++
	}
	if v.report.Chain == "" {
		v.report.Chain = e.Chain
	}
	if e.Chain != v.report.Chain {
		v.broken(e.Seq, k.where, "belongs to another chain, %s", quote(e.Chain, 60))
	}
	if textSHA(l.Text) != e.TextSHA {
		v.broken(e.Seq, k.where, "the sentence was edited: it is not the one that was sealed")
	}
	var err error
	if k.sum, err = e.sum("hash", "sig"); err != nil || hex.EncodeToString(k.sum[:]) != e.Hash {
		v.broken(e.Seq, k.where, "the entry was edited: it does not fit its hash")
	}
	if k.sig, err = signature(e.Sig); err != nil {
		v.broken(e.Seq, k.where, "the signature cannot be read")
	}
	if e.Key != "" || e.SigOld != "" {
		v.newKey(e, &k)
	}
	v.links = append(v.links, k)
}

// newKey reads what a key entry adds.
func (v *verifier) newKey(e Entry, k *link) {
	key, err := base64.StdEncoding.Strict().DecodeString(e.Key)
	if err != nil || len(key) != ed25519.PublicKeySize {
		v.broken(e.Seq, k.where, "the new key cannot be read")
		return
	}
	k.key = key
	if k.sumOld, err = e.sum("hash", "sig", "sig_old"); err == nil {
		k.sigOld, err = signature(e.SigOld)
	}
	if err != nil {
		v.broken(e.Seq, k.where, "the signature with the former key cannot be read")
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

// chain puts the entries in order and checks that each follows the one before.
func (v *verifier) chain() {
	slices.SortStableFunc(v.links, func(a, b link) int { return cmp.Compare(a.seq, b.seq) })
	var last link
	for i, k := range v.links {
		switch {
		case i == 0:
			v.report.First = k.seq
			switch {
			case v.report.Ended != nil && k.seq > 1: // perhaps it was not read yet
			case k.seq == 2:
				v.broken(1, "", "the first entry is missing")
			case k.seq > 2:
				v.broken(1, "", "entries #1 to #%d are missing", k.seq-1)
			case k.prev != genesis:
				v.broken(k.seq, k.where, "is the first entry, but follows another one")
			}
		case k.seq == last.seq && k.hash == last.hash:
			v.note(k.seq, k.where, "was posted twice, the same both times")
			continue
		case k.seq == last.seq:
			v.broken(k.seq, k.where, "is there twice and says different things; the other is %s", last.where)
			continue
		case k.seq > last.seq+1:
			v.broken(last.seq+1, "", "%s missing between #%d and #%d",
				are(k.seq-last.seq-1), last.seq, k.seq)
		case k.prev != last.hash:
			v.broken(k.seq, k.where, "does not follow #%d: its prev is %.6s, the hash there is %.6s", last.seq, k.prev, last.hash)
		}
		last = k
		v.report.Entries++
	}
	v.report.Last, v.report.Head = last.seq, last.hash
}

func are(n int64) string {
	if n == 1 {
		return "1 entry is"
	}
	return Number(int(n)) + " entries are"
}

func areLines(n int) string {
	if n == 1 {
		return "1 line is"
	}
	return Number(n) + " lines are"
}

// signatures checks every entry under the key of its time. Key entries divide
// the chain: each names the key from itself on. A key before the given one is
// believed because the chain, signed later, contains it; one after it, because
// sig_old vouches for it.
func (v *verifier) signatures() {
	changes := []int{} // where in links a new key begins
	for i, k := range v.links {
		if k.key != nil {
			changes = append(changes, i)
		}
	}
	given := slices.IndexFunc(changes, func(i int) bool { return v.links[i].key.Equal(v.key) })
	current := v.key
	if given >= 0 {
		current = nil // the key before the first change stands nowhere
	}
	unknown, bad := 0, 0
	for _, k := range v.links {
		if k.key != nil {
			if current != nil && k.sigOld != nil && !ed25519.Verify(current, k.sumOld[:], k.sigOld) {
				v.broken(k.seq, k.where, "the former key did not sign this change of keys")
			}
			current = k.key
		}
		switch {
		case k.sig == nil:
		case current == nil:
			unknown++
		case !ed25519.Verify(current, k.sum[:], k.sig):
			bad++
			v.broken(k.seq, k.where, "the signature does not fit the key")
		}
	}
	v.report.Unsigned = unknown
	v.report.WrongKey = bad > 0 && bad == len(v.links)
}

// where is how a person finds the line again.
func (l Line) where() string {
	if l.TS == "" {
		return ""
	}
	return l.Channel + "/" + l.TS
}
