package audit

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/approvals"
	"countersign/approvals/rules"
)

func each(lines []Line) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		for _, l := range lines {
			if !yield(l, nil) {
				return
			}
		}
	}
}

func export(t testing.TB, lines []Line) string {
	t.Helper()
	var b strings.Builder
	require.NoError(t, WriteJSONL(&b, each(lines)))
	return b.String()
}

// reseal signs an entry anew, as somebody could who has the key.
func reseal(e Entry, key ed25519.PrivateKey) Entry {
	sum, _ := e.sum("hash", "sig")
	e.Hash = hex.EncodeToString(sum[:])
	e.Sig = base64.StdEncoding.EncodeToString(ed25519.Sign(key, sum[:]))
	return e
}

func verify(t testing.TB, key ed25519.PublicKey, lines []Line) Report {
	t.Helper()
	r, err := Verify(key, each(lines))
	require.NoError(t, err)
	return r
}

func texts(found []Finding) []string {
	var all []string
	for _, f := range found {
		all = append(all, f.String())
	}
	return all
}

func TestAnUntouchedTrailIsSoundInAnyOrder(t *testing.T) {
	lines := history(t, 40)
	head := lines[39].Entry.Hash
	slices.Reverse(lines)
	lines[3], lines[30] = lines[30], lines[3]

	r := verify(t, public, lines)
	assert.Equal(t, Report{Chain: "default", Entries: 40, First: 1, Last: 40, Head: head}, r)
	assert.Equal(t, CodeSound, r.Code())
}

// P60: what an admin of the workspace can do to the channel, and more.
func TestWhatWasDoneToTheTrailIsNamed(t *testing.T) {
	stranger := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{8}, 32))
	for _, c := range []struct {
		name string
		do   func([]Line) []Line
		want []string
	}{
		{"a message was deleted", func(l []Line) []Line {
			return slices.Delete(l, 3, 4)
		}, []string{"#4: 1 entry is missing between #3 and #5"}},
		{"three were deleted", func(l []Line) []Line {
			return slices.Delete(l, 1, 4)
		}, []string{"#2: 3 entries are missing between #1 and #5"}},
		{"a sentence was edited", func(l []Line) []Line {
			l[1].Text = strings.Replace(l[1].Text, "U0BOB", "U0MALLORY", 1)
			return l
		}, []string{"#2: the sentence was edited: it is not the one that was sealed (C0AUDIT/1795269786.123000)"}},
		{"a sentence was removed", func(l []Line) []Line {
			l[1].Text = ""
			return l
		}, []string{"#2: the sentence was edited: it is not the one that was sealed (C0AUDIT/1795269786.123000)"}},
		{"a field was edited", func(l []Line) []Line {
			l[1].Entry.By = "T012AB3CD/U0MALLORY"
			return l
		}, []string{
			"#2: the entry was edited: it does not fit its hash (C0AUDIT/1795269786.123000)",
			"#2: the signature does not fit the key (C0AUDIT/1795269786.123000)",
		}},
		{"a field was added", func(l []Line) []Line {
			l[1].Entry.more = map[string]any{"note": "fine"}
			return l
		}, []string{
			"#2: the entry was edited: it does not fit its hash (C0AUDIT/1795269786.123000)",
			"#2: the signature does not fit the key (C0AUDIT/1795269786.123000)",
		}},
		{"an edited entry was hashed anew", func(l []Line) []Line {
			l[1].Entry.By = "T012AB3CD/U0MALLORY"
			sig := l[1].Entry.Sig
			l[1].Entry = reseal(l[1].Entry, stranger)
			l[1].Entry.Sig = sig
			return l
		}, []string{
			"#2: the signature does not fit the key (C0AUDIT/1795269786.123000)",
			"#3: does not follow #2: its prev is 575b76, the hash there is 363d92 (C0AUDIT/1795269787.123000)",
		}},
		{"an entry was sealed anew with the stolen key", func(l []Line) []Line {
			l[1].Entry.By = "T012AB3CD/U0MALLORY"
			l[1].Entry = reseal(l[1].Entry, signer)
			return l
		}, []string{"#3: does not follow #2: its prev is 575b76, the hash there is 363d92 (C0AUDIT/1795269787.123000)"}},
		{"the last entry was signed with another key", func(l []Line) []Line {
			l[5].Entry = reseal(l[5].Entry, stranger)
			return l
		}, []string{"#6: the signature does not fit the key (C0AUDIT/1795269790.123000)"}},
		{"a signature is gone", func(l []Line) []Line {
			l[5].Entry.Sig = ""
			return l
		}, []string{"#6: the signature cannot be read (C0AUDIT/1795269790.123000)"}},
		{"the first entry follows something", func(l []Line) []Line {
			l[0].Entry.Prev = strings.Repeat("1", 64)
			l[0].Entry = reseal(l[0].Entry, signer)
			return l[:1]
		}, []string{"#1: is the first entry, but follows another one (C0AUDIT/1795269785.123000)"}},
		{"a number is there with two meanings", func(l []Line) []Line {
			other := l[5]
			other.Entry.By = "T012AB3CD/U0MALLORY"
			other.Entry = reseal(other.Entry, signer)
			other.TS = "1795269999.000100"
			return append(l, other)
		}, []string{"#6: is there twice and says different things; the other is C0AUDIT/1795269790.123000 (C0AUDIT/1795269999.000100)"}},
		{"a line of another installation", func(l []Line) []Line {
			l[5].Entry.Chain = "other"
			l[5].Entry = reseal(l[5].Entry, signer)
			return l
		}, []string{`#6: belongs to another chain, "other" (C0AUDIT/1795269790.123000)`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := verify(t, public, c.do(history(t, 6)))
			assert.Equal(t, c.want, texts(r.Problems))
			assert.Equal(t, CodeBroken, r.Code())
		})
	}
}

func TestTheSamePostTwiceIsOnlyANote(t *testing.T) {
	lines := history(t, 3)
	again := lines[1]
	again.TS = "1795269999.000100"
	r := verify(t, public, append(lines, again))
	assert.Equal(t, []string{"#2: was posted twice, the same both times (C0AUDIT/1795269999.000100)"}, texts(r.Notes))
	assert.Empty(t, r.Problems)
	assert.Equal(t, 3, r.Entries)
	assert.Equal(t, CodeSound, r.Code())
}

func TestFieldsOfALaterVersionAreCoveredByTheHash(t *testing.T) {
	lines := history(t, 1)
	lines[0].Entry.more = map[string]any{"region": "eu", "shard": int64(3)}
	lines[0].Entry = reseal(lines[0].Entry, signer)
	text := export(t, lines)
	require.Contains(t, text, `"region":"eu"`)

	r, err := Verify(public, ReadJSONL(strings.NewReader(text)))
	require.NoError(t, err)
	assert.Equal(t, CodeSound, r.Code())

	r, err = Verify(public, ReadJSONL(strings.NewReader(strings.Replace(text, `"eu"`, `"us"`, 1))))
	require.NoError(t, err)
	assert.Equal(t, CodeBroken, r.Code())
}

func TestWhatCannotBeCheckedIsNoPass(t *testing.T) {
	t.Run("nothing at all", func(t *testing.T) {
		r := verify(t, public, nil)
		assert.Equal(t, CodePartial, r.Code())
		assert.Equal(t, "There is no entry to check.", r.Partial())
	})
	t.Run("the beginning is missing", func(t *testing.T) {
		r := verify(t, public, history(t, 9)[5:])
		assert.Equal(t, CodeBroken, r.Code())
		assert.Equal(t, []string{"#1: entries #1 to #5 are missing"}, texts(r.Problems))
		assert.Equal(t, int64(6), r.First)
	})
	t.Run("the first entry is missing", func(t *testing.T) {
		r := verify(t, public, history(t, 3)[1:])
		assert.Equal(t, CodeBroken, r.Code())
		assert.Equal(t, []string{"#1: the first entry is missing"}, texts(r.Problems))
	})
	t.Run("the beginning was not read", func(t *testing.T) {
		cut := errors.New("connection lost")
		text := export(t, history(t, 9)[5:])
		r, err := Verify(public, ReadJSONL(io.MultiReader(strings.NewReader(text), broken{cut})))
		require.ErrorIs(t, err, cut)
		assert.Equal(t, CodePartial, r.Code())
		assert.Equal(t, "Reading ended early: read behind line 4: connection lost. What stands before #6 was not read.", r.Partial())
	})
	t.Run("reading ended early", func(t *testing.T) {
		text := export(t, history(t, 2))
		cut := errors.New("connection lost")
		r, err := Verify(public, ReadJSONL(io.MultiReader(strings.NewReader(text), broken{cut})))
		require.ErrorIs(t, err, cut)
		assert.Equal(t, CodePartial, r.Code())
		assert.Equal(t, 2, r.Entries)
		assert.Equal(t, "Reading ended early: read behind line 2: connection lost.", r.Partial())
	})
}

type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }

func TestAnotherBotsKeyIsGuessed(t *testing.T) {
	other := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{8}, 32)).Public().(ed25519.PublicKey)
	r := verify(t, other, history(t, 60))
	var b strings.Builder
	require.NoError(t, r.Print(&b))
	assert.Contains(t, b.String(), "Not one signature fits the key. Is it the public key of this bot?\n")
	assert.Contains(t, b.String(), "BROKEN and 10 more\nNot one")
	assert.Contains(t, b.String(), "Broken: 60 problems.\n")
}

func TestTheReportReads(t *testing.T) {
	for _, c := range []struct {
		name  string
		lines []Line
		want  string
	}{
		{"sound", history(t, 2), "2 entries of chain default, #1 to #2.\n" +
			"Sound. The head is #2 575b76bea235f76b4f4eef5921aa6e4ebb5cb155fa3d9d75c6f599ddb0d1e6b7; the bot's log must show the same.\n"},
		{"broken", slices.Delete(history(t, 3), 1, 2), "2 entries of chain default, #1 to #3.\n" +
			"BROKEN #2: 1 entry is missing between #1 and #3\nBroken: 1 problem.\n"},
		{"beheaded", history(t, 2)[1:], "1 entry of chain default, #2 to #2.\n" +
			"BROKEN #1: the first entry is missing\nBroken: 1 problem.\n"},
		{"partial", nil, "There is no entry to check.\nWhat could be checked is sound. Not everything could be checked.\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var b strings.Builder
			require.NoError(t, verify(t, public, c.lines).Print(&b))
			assert.Equal(t, c.want, b.String())
		})
	}
}

// rekeyed is a trail whose key changed at #3, from signer to newer.
func rekeyed(t *testing.T, newer ed25519.PrivateKey) []Line {
	lines := history(t, 2)
	prev := lines[1].Entry.Hash
	for n := range 2 {
		e := event(approvals.Key, rules.Person{}, approvals.Facts{})
		if n == 1 {
			e = asks()
		}
		e.Seq = int64(3 + n)
		s, err := NewTrail("default", newer).Seal(e, prev)
		require.NoError(t, err)
		if n == 0 {
			s.Entry.Key = base64.StdEncoding.EncodeToString(newer.Public().(ed25519.PublicKey))
			sum, err := s.Entry.sum("hash", "sig", "sig_old")
			require.NoError(t, err)
			s.Entry.SigOld = base64.StdEncoding.EncodeToString(ed25519.Sign(signer, sum[:]))
			s.Entry = reseal(s.Entry, newer)
		}
		prev = s.Entry.Hash
		lines = append(lines, Line{Entry: s.Entry, Text: s.Text})
	}
	return lines
}

func TestAKeyMayChangeWhenTheFormerOneAgrees(t *testing.T) {
	newer := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{9}, 32))
	newPublic := newer.Public().(ed25519.PublicKey)

	t.Run("checked with the first key", func(t *testing.T) {
		r := verify(t, public, rekeyed(t, newer))
		assert.Empty(t, r.Problems)
		assert.Equal(t, CodeSound, r.Code())
	})
	t.Run("checked with the newest key", func(t *testing.T) {
		r := verify(t, newPublic, rekeyed(t, newer))
		assert.Empty(t, r.Problems)
		assert.Equal(t, CodePartial, r.Code())
		assert.Contains(t, r.Partial(), "were not checked (2 entries)")
	})
	t.Run("the former key never agreed", func(t *testing.T) {
		lines := rekeyed(t, newer)
		lines[2].Entry.SigOld = lines[2].Entry.Sig
		lines[2].Entry = reseal(lines[2].Entry, newer)
		lines[3].Entry.Prev = lines[2].Entry.Hash
		lines[3].Entry = reseal(lines[3].Entry, newer)
		r := verify(t, public, lines)
		assert.Equal(t, []string{"#3: the former key did not sign this change of keys"}, texts(r.Problems))
	})
	t.Run("the former key is not even asked", func(t *testing.T) {
		lines := rekeyed(t, newer)[:3]
		lines[2].Entry.SigOld = ""
		lines[2].Entry = reseal(lines[2].Entry, newer)
		r := verify(t, public, lines)
		assert.Equal(t, []string{"#3: the signature with the former key cannot be read"}, texts(r.Problems))
	})
}
