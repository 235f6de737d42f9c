package audit

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/approvals"
	"countersign/approvals/rules"
)

var (
	alice = rules.Person{Team: "T012AB3CD", ID: "U0ALICE"}
	bob   = rules.Person{Team: "T012AB3CD", ID: "U0BOB"}
	noon  = time.Date(2026, 11, 21, 14, 3, 5, 123e6, time.UTC)

	print64  = "3fa9c1d2ab07" + strings.Repeat("0", 52)
	policy64 = "1a2b3c4d5e6f" + strings.Repeat("0", 52)
	signer   = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32))
	public   = signer.Public().(ed25519.PublicKey)
)

// event returns an event about request K7F3Q.
func event(kind approvals.Kind, by rules.Person, f approvals.Facts) approvals.Event {
	return approvals.Event{
		Seq: 1, At: noon, Kind: kind, Request: "K7F3Q", By: by,
		Fingerprint: print64, Policy: policy64, Facts: f,
	}
}

// asks is the event of Alice's request.
func asks() approvals.Event {
	e := event(approvals.Requested, alice, approvals.Facts{
		Verb: "delete", Users: 49, Filter: "firstName=NewVendor", Reason: "SEC-124",
		Need: 1, Deadline: noon.Add(4 * time.Hour),
	})
	e.FileSHA = strings.Repeat("c5", 32)
	return e
}

// history seals the events of one delete, numbered from 1.
func history(t testing.TB, n int) []Line {
	t.Helper()
	kinds := []approvals.Event{
		asks(),
		event(approvals.Approved, bob, approvals.Facts{Have: 1, Need: 1, Starts: noon.Add(30 * time.Second)}),
		event(approvals.Started, rules.Person{}, approvals.Facts{Verb: "delete", Users: 49, Asked: alice}),
		event(approvals.Finished, rules.Person{}, approvals.Facts{Verb: "delete", Users: 49, State: approvals.DONE}),
	}
	kinds[3].Counts = approvals.Counts{"done": 47, "already": 1, "skipped": 1}
	trail := NewTrail("default", signer)
	var lines []Line
	prev := ""
	for i := range n {
		e := kinds[i%len(kinds)]
		e.Seq = int64(i + 1)
		e.At = noon.Add(time.Duration(i) * time.Second)
		s, err := trail.Seal(e, prev)
		require.NoError(t, err)
		prev = s.Entry.Hash
		lines = append(lines, Line{Entry: s.Entry, Text: s.Text, Channel: "C0AUDIT", TS: fmt.Sprintf("%d.%06d", e.At.Unix(), e.At.Nanosecond()/1000)})
	}
	return lines
}

func TestTheSameEventIsSealedToTheSameBytes(t *testing.T) {
	trail := NewTrail("default", signer)
	var sealed [2][]byte
	for i := range sealed {
		s, err := trail.Seal(asks(), genesis)
		require.NoError(t, err)
		sealed[i], err = s.Marshal()
		require.NoError(t, err)
	}
	assert.Equal(t, string(sealed[0]), string(sealed[1]))

	again, err := ParseSealed(sealed[0])
	require.NoError(t, err)
	first, err := trail.Seal(asks(), "")
	require.NoError(t, err)
	assert.Equal(t, first, again, "an empty prev means 64 zeros")
}

func TestASealedEntryThatWasTouchedIsNotRead(t *testing.T) {
	s, err := NewTrail("default", signer).Seal(asks(), "")
	require.NoError(t, err)
	raw, err := s.Marshal()
	require.NoError(t, err)
	for name, change := range map[string]struct {
		old, new string
		want     string
	}{
		"the sentence":     {"asked to delete 49", "asked to delete 48", errText.Error()},
		"a field":          {`"by":"T012AB3CD/U0ALICE"`, `"by":"T012AB3CD/U0BOB"`, errHash.Error()},
		"an extra field":   {`"by":`, `"also":"1","by":`, errHash.Error()},
		"a missing number": {`"seq":1,`, ``, "it has no number"},
		"half of it":       {`"text":`, `"text"`, "invalid character"},
	} {
		t.Run(name, func(t *testing.T) {
			touched := strings.Replace(string(raw), change.old, change.new, 1)
			require.NotEqual(t, string(raw), touched)
			_, err := ParseSealed([]byte(touched))
			require.ErrorContains(t, err, change.want)
		})
	}
}

func TestAnEventWithoutANumberIsNotSealed(t *testing.T) {
	e := asks()
	e.Seq = 0
	_, err := NewTrail("default", signer).Seal(e, "")
	require.EqualError(t, err, "seal requested: the event has no number")
}

func TestAnEntrySurvivesEveryWayThroughJSON(t *testing.T) {
	want := history(t, 4)[3].Entry
	raw, err := json.Marshal(want)
	require.NoError(t, err)

	var fromJSON Entry
	require.NoError(t, json.Unmarshal(raw, &fromJSON))
	assert.Equal(t, want, fromJSON)

	var floats map[string]any // as a Slack library decodes metadata
	require.NoError(t, json.Unmarshal(raw, &floats))
	fromFloats, err := ParsePayload(floats)
	require.NoError(t, err)
	assert.Equal(t, want, fromFloats)

	fromPayload, err := ParsePayload(want.Payload())
	require.NoError(t, err)
	assert.Equal(t, want, fromPayload)
	assert.NotContains(t, want.Payload(), "by", "an absent value is left out")
	assert.Equal(t, "already=1 done=47 skipped=1", want.Payload()["counts"])
	assert.Equal(t, int64(4), want.Payload()["seq"])
}

func TestWhatIsNoEntryIsRefused(t *testing.T) {
	for name, payload := range map[string]map[string]any{
		"nothing":           nil,
		"no number":         {"v": 1.0, "chain": "default"},
		"a number as text":  {"seq": "1"},
		"text as a number":  {"seq": 1.0, "by": 2.0},
		"half a number":     {"seq": 1.5},
		"too large":         {"seq": 1e300},
		"below one":         {"seq": -1.0},
		"zero":              {"seq": 1.0, "v": 0.0},
		"empty text":        {"seq": 1.0, "by": ""},
		"an object":         {"seq": 1.0, "by": map[string]any{"id": "U0ALICE"}},
		"an unknown object": {"seq": 1.0, "later": []any{"x"}},
		"a truth":           {"seq": 1.0, "later": true},
		"null":              {"seq": 1.0, "later": nil},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParsePayload(payload)
			require.ErrorIs(t, err, errEntry)
		})
	}
}

func TestPeopleSeeTheChain(t *testing.T) {
	e := Entry{Seq: 128, Hash: "9f3ac1" + strings.Repeat("0", 58), Prev: "77b0de" + strings.Repeat("1", 58)}
	assert.Equal(t, "#128 9f3ac1 ← 77b0de", e.Line())
}

func TestTimesHaveMilliseconds(t *testing.T) {
	e := asks()
	e.At = time.Date(2026, 11, 21, 19, 33, 5, 0, time.FixedZone("IST", 19800))
	s, err := NewTrail("default", signer).Seal(e, "")
	require.NoError(t, err)
	assert.Equal(t, "2026-11-21T14:03:05.000Z", s.Entry.At)
	at, err := s.Entry.Time()
	require.NoError(t, err)
	assert.True(t, at.Equal(e.At), "%s is not %s", at, e.At)
}
