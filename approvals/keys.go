package approvals

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// KeySize is the length of COUNTERSIGN_KEY in bytes.
const KeySize = 32

// Keys are what one secret becomes: a key that seals records, one that
// encrypts plans, and the pair that signs the trail.
type Keys struct {
	Sign ed25519.PrivateKey

	mac  []byte
	aead cipher.AEAD
}

// DeriveKeys makes the keys from COUNTERSIGN_KEY by HKDF-SHA256.
func DeriveKeys(secret []byte) (Keys, error) {
	if len(secret) != KeySize {
		return Keys{}, fmt.Errorf("the key has %d bytes, want %d", len(secret), KeySize)
	}
	derive := func(purpose string) ([]byte, error) {
		return hkdf.Key(sha256.New, secret, nil, "countersign "+purpose+" 1", 32)
	}
	mac, err1 := derive("mac")
	enc, err2 := derive("payload")
	seed, err3 := derive("sign")
	if err := errors.Join(err1, err2, err3); err != nil {
		return Keys{}, err
	}
	block, err := aes.NewCipher(enc)
	if err != nil {
		return Keys{}, err
	}
	aead, err := cipher.NewGCM(block)
	return Keys{Sign: ed25519.NewKeyFromSeed(seed), mac: mac, aead: aead}, err
}

// seal returns the hex MAC over parts, each with its length before it, so that
// no two lists of parts look alike.
func (k Keys) seal(parts ...string) string {
	all := make([]byte, 0, 512)
	for _, p := range parts {
		all = binary.BigEndian.AppendUint64(all, uint64(len(p)))
		all = append(all, p...)
	}
	m := hmac.New(sha256.New, k.mac)
	m.Write(all)
	return hex.EncodeToString(m.Sum(nil))
}

// encrypt hides plain; label must be given again to open it.
func (k Keys) encrypt(plain []byte, label string) []byte {
	nonce := make([]byte, k.aead.NonceSize())
	_, _ = rand.Read(nonce) // never fails (Go 1.24)
	return k.aead.Seal(nonce, nonce, plain, []byte(label))
}

func (k Keys) decrypt(box []byte, label string) ([]byte, error) {
	n := k.aead.NonceSize()
	if len(box) < n {
		return nil, errors.New("too short to be encrypted")
	}
	return k.aead.Open(nil, box[:n], box[n:], []byte(label))
}

// base32 without letters that people confuse in speech would be nicer; the
// standard alphabet is what everybody's tools know.
var ids = base32.StdEncoding.WithPadding(base32.NoPadding)

// id derives a request's id from the operation that asked for it, so that a
// command that arrives twice is one request.
func (k Keys) id(tenant, op string, length int) string {
	sum, _ := hex.DecodeString(k.seal("id", tenant, op))
	return strings.ToUpper(ids.EncodeToString(sum))[:length]
}
