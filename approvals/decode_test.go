package approvals

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/qualys"
)

// sealedBook is a book that nobody needs a Redis for.
func sealedBook(t testing.TB) *Book {
	keys, err := DeriveKeys([]byte(strings.Repeat("a", KeySize)))
	require.NoError(t, err)
	return &Book{Config{Tenant: "test", Keys: keys}}
}

// genuineRecord is a record whose seals fit.
func genuineRecord(b *Book) record {
	r := record{
		"state": "APPROVED", "op": "trigger", "fp": strings.Repeat("f", 64), "by": "T1/UALICE", "enterprise": "",
		"need": "1", "channel": "C1", "policy": "p", "deadline": "1700000000000", "round": "0", "have": "1", "n:done": "3",
	}
	r["mac"] = b.Keys.seal("record", b.Tenant, "ID", r["op"], r["fp"], r["by"], r["enterprise"], r["need"], r["channel"], r["policy"], r["deadline"])
	r["a:T1/UBOB"] = "0|1700000000000|" + b.Keys.seal("approval", b.Tenant, "ID", r["fp"], "T1/UBOB", "", "click", "0") + "||click"
	return r
}

// Whatever stands in a record, it is an error or it is genuine: nothing that
// the seals cover can be changed, no approval added, and no state made up.
func FuzzRecord(f *testing.F) {
	f.Add("state", "RUNNING")
	f.Add("state", "FOO")
	f.Add("need", "0")
	f.Add("by", "T1/UMALLORY")
	f.Add("deadline", "9999999999999")
	f.Add("floor", "-1")
	f.Add("a:T1/UCAROL", "0|1|x||y")
	f.Add("a:", "|")
	f.Add("a:T1/UBOB", "0|9999999999999999999|m||click")
	f.Add("n:done", "-9223372036854775808")
	f.Add("starts", "later")
	f.Fuzz(func(t *testing.T, field, value string) {
		b := sealedBook(t)
		r := genuineRecord(b)
		was := r[field]
		r[field] = value
		p := r.pending("ID")
		err := b.genuine("ID", r, &p)
		_ = r.over()
		if err != nil {
			require.ErrorIs(t, err, ErrForged)
			return
		}
		require.Contains(t, states, p.State)
		covered := strings.HasPrefix(field, "a:") || strings.Contains(" op fp by enterprise need channel policy deadline mac ", " "+field+" ")
		if covered && was != value && field != "a:T1/UBOB" { // its time is for people alone
			require.Fail(t, "a changed record is genuine", "%s: %q became %q", field, was, value)
		}
		for _, a := range p.Approvals {
			require.Equal(t, "T1/UBOB", a.By.String())
		}
	})
}

// Any bytes are an error, or a plan that is written as it was read.
func FuzzPlan(f *testing.F) {
	for _, d := range []Draft{
		{Tenant: "test", Verb: Delete, Users: users(1, 3)},
		{Tenant: "test", Verb: Update, Users: users(1, 2), Change: qualys.NewChange(qualys.Set{Field: qualys.Title, Value: "x"})},
	} {
		p, err := NewPlan(d)
		require.NoError(f, err)
		raw, err := p.payload()
		require.NoError(f, err)
		f.Add(raw)
	}
	f.Add([]byte(`{"v":1,"tenant":"t","verb":"delete","users":[{"ID":1},{"ID":1}]}`))
	f.Add([]byte(`{"v":1,"tenant":"t","verb":"delete","users":[{"ID":-1}]}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		p, err := parsePlan(raw)
		if err != nil {
			require.True(t, p.IsZero(), "no plan comes with an error")
			return
		}
		require.NotEmpty(t, p.Users())
		again, err := p.payload()
		require.NoError(t, err)
		same, err := openPlan(again, p.Fingerprint())
		require.NoError(t, err)
		require.Equal(t, p.Fingerprint(), same.Fingerprint())
		_, err = openPlan(again, "")
		require.Error(t, err, "without its fingerprint it is nothing")
		total := 0
		for _, c := range p.Chunks() {
			total += len(c)
		}
		require.Len(t, p.Users(), total)
	})
}

// Any mark of the ledger is an error, or says done, or when and how often it
// was sent.
func FuzzMark(f *testing.F) {
	f.Add("sent|1|2|1700000000000")
	f.Add("done|1|1700000000000")
	f.Add("sent|1|x|y")
	f.Add("done")
	f.Fuzz(func(t *testing.T, mark string) {
		sent, _, done, err := parseMark(mark)
		if err == nil && !done && !strings.HasSuffix(mark, "|0") {
			require.False(t, sent.IsZero() && !strings.Contains(mark, "|-"), "sent, and nobody knows when")
		}
	})
}

// Any fields of the stream are an error or an event, and its counts are written
// as they were read.
func FuzzEvent(f *testing.F) {
	f.Add("1-0", "counts", "done=47 skipped=2")
	f.Add("1-0", "facts", `{"verb":"download","asked":{"team":"T1"}}`)
	f.Add("x-0", "at", "soon")
	f.Add("1-0", "by", "nobody")
	f.Fuzz(func(t *testing.T, id, field, value string) {
		e, err := parseEvent(redis.XMessage{ID: id, Values: map[string]any{"kind": "found", "at": "1700000000000", field: value}})
		if err != nil {
			return
		}
		again, err := ParseCounts(e.Counts.String())
		require.NoError(t, err)
		require.Equal(t, e.Counts.String(), again.String())
	})
}

// Any bytes are an error or a command.
func FuzzAsked(f *testing.F) {
	f.Add([]byte(`{"op":"1","by":{"Team":"T1","ID":"U1"},"channel":"C1","text":"help"}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var a Asked
		if json.Unmarshal(raw, &a) != nil {
			return
		}
		again, err := json.Marshal(a)
		require.NoError(t, err)
		var b Asked
		require.NoError(t, json.Unmarshal(again, &b))
		assert.Equal(t, a, b)
	})
}
