package audit

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Other tools write JSON in their own way, and what it says is the same.
func TestALineMayBeSpeltInAnotherWay(t *testing.T) {
	text := strings.TrimSuffix(export(t, history(t, 1)), "\n")
	ts := strings.TrimSuffix(text[strings.Index(text, `"ts":`):], "}")
	for name, c := range map[string]struct {
		file    string
		respelt bool
	}{
		"a blank in it":      {strings.ReplaceAll(text, `,"entry"`, `, "entry"`), true},
		"a CR at its end":    {text + "\r\n", false},
		"another order":      {`{` + ts + `,` + strings.Replace(text, `,`+ts, "", 1)[1:], true},
		"an escape too many": {strings.Replace(text, `U0ALICE asked`, `\u00550ALICE asked`, 1), true},
		"a byte order mark":  {"\ufeff" + text, false},
		"empty lines":        {"\n" + text + "\n\r\n\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			require.NotEqual(t, text, c.file)
			r, err := Verify(public, ReadJSONL(strings.NewReader(c.file)))
			require.NoError(t, err)
			assert.Equal(t, CodeSound, r.Code(), texts(r.Problems))
			assert.Equal(t, 1, r.Entries)
			var want []string
			if c.respelt {
				want = []string{"1 line is not spelt as an export spells them; what they say was checked"}
			}
			assert.Equal(t, want, texts(r.Notes))
		})
	}
}

func TestALineThatCouldSayTwoThingsIsNone(t *testing.T) {
	text := strings.TrimSuffix(export(t, history(t, 1)), "\n")
	for name, line := range map[string]string{
		"a name in capitals":  strings.Replace(text, `"text":`, `"Text":`, 1),
		"ts twice":            `{"ts":"1",` + text[1:],
		"a field twice":       strings.Replace(text, `"seq":1,`, `"seq":2,"seq":1,`, 1),
		"a field in brackets": strings.Replace(text, `"seq":1,`, `"seq":[1],`, 1),
		"text as a number":    strings.Replace(text, `"text":"`, `"text":1,"x":"`, 1),
		"a name twice":        strings.Replace(text, `"text":`, `"text":"harmless","text":`, 1),
		"one more member":     strings.Replace(text, `,"entry"`, `,"else":1,"entry"`, 1),
		"two entries":         text + text,
		"no entry":            `{"channel":"","text":"","ts":""}`,
		"a null":              `null`,
		"a list":              `[]`,
		"a number as a float": strings.Replace(text, `"seq":1,`, `"seq":1.0,`, 1),
	} {
		t.Run(name, func(t *testing.T) {
			require.NotEqual(t, text, line)
			var bad *LineError
			lines := 0
			for _, err := range ReadJSONL(strings.NewReader(line + "\n" + text + "\n")) {
				if lines++; lines == 1 {
					require.ErrorAs(t, err, &bad)
					assert.Equal(t, 1, bad.Number)
				} else {
					require.NoError(t, err, "the line behind it is read")
				}
			}
			assert.Equal(t, 2, lines)
			r, err := Verify(public, ReadJSONL(strings.NewReader(line+"\n"+text+"\n")))
			require.NoError(t, err)
			assert.Equal(t, CodeBroken, r.Code())
		})
	}
}

func TestALineWithoutAnEndIsReadAndAnEndlessOneIsNot(t *testing.T) {
	text := strings.TrimSuffix(export(t, history(t, 2)), "\n")
	r, err := Verify(public, ReadJSONL(strings.NewReader(text)))
	require.NoError(t, err)
	assert.Equal(t, CodeSound, r.Code())

	_, err = Verify(public, ReadJSONL(strings.NewReader(text+"\n"+strings.Repeat("x", maxLine+1))))
	require.ErrorContains(t, err, "read behind line 2")
}

func TestAnExportStopsAtTheFirstError(t *testing.T) {
	lost := errors.New("slack is away")
	err := WriteJSONL(&bytes.Buffer{}, func(yield func(Line, error) bool) { yield(Line{}, lost) })
	require.ErrorIs(t, err, lost)
	require.ErrorIs(t, WriteJSONL(full{lost}, each(history(t, 1))), lost)
}

type full struct{ err error }

func (f full) Write([]byte) (int, error) { return 0, f.err }

// flipFound reports whether Verify finds the bit that was flipped in an export.
// Only what no hash covers may go unseen: where the message was.
func flipFound(t testing.TB, text []byte, bit int) bool {
	flipped := bytes.Clone(text)
	flipped[bit/8] ^= 1 << (bit % 8)
	r, err := Verify(public, ReadJSONL(bytes.NewReader(flipped)))
	if err != nil || r.Code() != CodeSound {
		return true
	}
	var lines []Line
	for l, err := range ReadJSONL(bytes.NewReader(flipped)) {
		require.NoError(t, err)
		l.Channel, l.TS, l.Respelt = "", "", false
		lines = append(lines, l)
	}
	var want []Line
	for l, err := range ReadJSONL(bytes.NewReader(text)) {
		require.NoError(t, err)
		l.Channel, l.TS = "", ""
		want = append(want, l)
	}
	return assert.ObjectsAreEqual(want, lines)
}

// Every fifth bit: each byte is visited once or twice, each of its eight bits in
// turn. The fuzz target below goes for the others.
func TestAFlippedBitIsFound(t *testing.T) {
	text := []byte(export(t, history(t, 2)[:1]))
	for bit := 0; bit < 8*len(text); bit += 5 {
		if !flipFound(t, text, bit) {
			t.Fatalf("bit %d of byte %d (%q) was flipped and nobody noticed", bit%8, bit/8, text[bit/8])
		}
	}
}

func FuzzOneFlippedBit(f *testing.F) {
	text := []byte(export(f, history(f, 5)))
	for _, bit := range []uint{0, 5, 800, 8*uint(len(text)) - 1} {
		f.Add(bit)
	}
	f.Fuzz(func(t *testing.T, bit uint) {
		n := int(bit % (8 * uint(len(text))))
		if !flipFound(t, text, n) {
			t.Fatalf("bit %d of byte %d (%q) was flipped and nobody noticed", n%8, n/8, text[n/8])
		}
	})
}
