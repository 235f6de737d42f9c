package approvals

import (
	"encoding/json"
	"fmt"
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
	return &Book{Config: Config{Tenant: "test", Keys: keys}}
}

// genuineRecord is a record whose seals fit.
func genuineRecord(b *Book) record {
	r := record{
		"state": "APPROVED", "op": "trigger", "fp": strings.Repeat("f", 64), "by": "T1/UALICE", "enterprise": "",
		"need": "1", "channel": "C1", "policy": "p", "deadline": "1700000000000", "round": "0", "have": "1", "n:done": "3",
		"version": "4", "users": "3", "created": "1690000000000", "cool_down": "30000", "chunks": "2", "chunk": "0",
		"epoch": "0", "lease": "0", "starts": "1690000030000", "approved_seq": "2",
	}
	r["mac"] = b.Keys.seal("record", b.Tenant, "ID", r["op"], r["fp"], r["by"], r["enterprise"], r["need"], r["channel"], r["policy"], r["deadline"])
	r["a:T1/UBOB"] = "0|1700000000000|" + b.Keys.seal("approval", b.Tenant, "ID", r["fp"], "T1/UBOB", "", "click", "0") + "||click"
	return r
}

// Whatever stands in a record, it is an error or it is genuine: nothing that
// the seals cover can be changed, no approval added, and no state made up; what
// is read of it is written as it was read.
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
	f.Add("starts", "")
	f.Add("approved_seq", "007")
	f.Add("lease", "-1")
	f.Add("counted", "done=3")
	f.Add("counted", "done=+3")
	f.Add("a:T1/UCAROL", "")
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
		all, err := r.approvals()
		require.NoError(t, err)
		for _, a := range all {
			require.Equal(t, r["a:"+a.by.String()], a.String())
		}
		for _, number := range append(numbers, laterNumbers...) {
			if r[number] != "" {
				require.Equal(t, r[number], fmt.Sprint(r.number(number)))
			}
		}
	})
}

// An approval is an error, or is written as it was read.
func FuzzApproval(f *testing.F) {
	f.Add("T1/UBOB", "0|1700000000000|beef||click")
	f.Add("T1/UBOB", "0|1|m|E1|a|b|c")
	f.Add("T1/UBOB", "00|1|m||")
	f.Add("T1/UCEROL", "|0|||0")
	f.Add("", "")
	f.Fuzz(func(t *testing.T, who, value string) {
		a, err := parseApproval("a:"+who, value)
		if err != nil {
			require.ErrorIs(t, err, ErrForged)
			return
		}
		require.Equal(t, who, a.by.String())
		require.Equal(t, value, a.String())
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
		once, err := same.payload()
		require.NoError(t, err)
		require.Equal(t, string(again), string(once))
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
	f.Add("sent|1|1|0")
	f.Add("done|1|1|1")
	f.Fuzz(func(t *testing.T, text string) {
		m, err := parseMark(text)
		if err != nil {
			require.ErrorIs(t, err, ErrForged)
			return
		}
		require.Equal(t, text, m.String())
		require.Equal(t, m.done, m.sent().IsZero(), "sent, and nobody knows when")
	})
}

// Any bytes in the place of a payload or of outcomes are forged, whoever
// encrypted what is in them.
func FuzzBox(f *testing.F) {
	b := sealedBook(f)
	f.Add([]byte("x"))
	f.Add([]byte(`{"1":{"result":"done"}}`))
	f.Add(b.Keys.encrypt([]byte(`{}`), "plan ID"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		p := Pending{ID: "ID", Fingerprint: strings.Repeat("f", 64)}
		for _, box := range [][]byte{raw, b.Keys.encrypt(raw, "plan ID")} {
			got, err := b.readPlan(p, box)
			require.ErrorIs(t, err, ErrForged)
			require.True(t, got.Plan.IsZero())
		}
		_, err := b.openOutcomes("outcome", "ID", "0", raw)
		require.ErrorIs(t, err, ErrForged)
		all, err := b.openOutcomes("outcome", "ID", "0", b.Keys.encrypt(raw, "outcome ID 0"))
		if err != nil {
			require.ErrorIs(t, err, ErrForged)
			return
		}
		again, err := json.Marshal(all)
		require.NoError(t, err)
		same, err := b.openOutcomes("outcome", "ID", "0", b.Keys.encrypt(again, "outcome ID 0"))
		require.NoError(t, err)
		require.Equal(t, all, same)
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
		if field == "counts" {
			require.Equal(t, value, e.Counts.String())
		}
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
