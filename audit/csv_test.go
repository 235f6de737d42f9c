package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/approvals"
	"countersign/qualys"
)

// hostile are users whose values try to be something else: formulas, mentions,
// other columns, other rows.
var hostile = []qualys.SAQUser{
	{ID: 7, UserName: "=cmd|' /C calc'!A0", FirstName: "+1", LastName: "-", EmailAddress: "@SUM(1+9)", Company: "\tTab", Title: "\rCR"},
	{ID: 2, UserName: "quote\"comma,", FirstName: "two\nlines", LastName: "'quoted", Company: "<!channel>", Title: "naïve 日本 \u202eevil",
		Tags: []qualys.Tag{{ID: 1, Name: "Vendors"}, {ID: 2, Name: "=2+5"}}},
	{ID: 5, UserName: "plain", FirstName: "Ann", LastName: "Other", EmailAddress: "ann@example.com", Company: "Acme", Title: "CISO",
		Tags: []qualys.Tag{{ID: 9, Name: "=1;2"}}},
	{ID: 9},
}

func plan(t testing.TB, verb approvals.Verb, change qualys.Change, users ...qualys.SAQUser) approvals.Plan {
	t.Helper()
	p, err := approvals.NewPlan(approvals.Draft{Tenant: "default", Verb: verb, Change: change, Users: users, Scope: 1200})
	require.NoError(t, err)
	return p
}

// undo is a plan that gives each user values of its own.
func undo(t testing.TB, users ...qualys.SAQUser) approvals.Plan {
	t.Helper()
	restore := map[qualys.SAQUserID]qualys.Change{}
	for _, u := range users {
		restore[u.ID] = qualys.NewChange(qualys.Set{Field: qualys.LastName, Value: "=was " + u.ID.String()}, qualys.Set{Field: qualys.Title, Value: u.FirstName})
	}
	p, err := approvals.NewPlan(approvals.Draft{Tenant: "default", Verb: approvals.Update, Restore: restore, Users: users, Scope: 1200})
	require.NoError(t, err)
	return p
}

var change = qualys.NewChange(qualys.Set{Field: qualys.LastName, Value: "=Left"}, qualys.Set{Field: qualys.Title, Value: ""})

func TestPlanFiles(t *testing.T) {
	for name, p := range map[string]approvals.Plan{
		"plan-delete.csv": plan(t, approvals.Delete, nil, hostile...),
		"plan-update.csv": plan(t, approvals.Update, change, hostile...),
		"plan-undo.csv":   undo(t, hostile...),
	} {
		t.Run(name, func(t *testing.T) {
			var b, again bytes.Buffer
			require.NoError(t, PlanCSV(&b, p))
			golden(t, name, b.String())
			require.NoError(t, PlanCSV(&again, p))
			assert.Equal(t, b.String(), again.String(), "the same plan gives the same bytes")
		})
	}
}

func TestResultFiles(t *testing.T) {
	deleted := map[qualys.SAQUserID]approvals.Outcome{
		2: {Result: approvals.ResultDone, Sent: true, Answer: "named", Observed: "gone"},
		5: {Result: approvals.ResultSkipped, Observed: "changed", Why: approvals.WhyDrifted},
		7: {Result: approvals.ResultFailed, Sent: true, Answer: "INVALID_REQUEST", Observed: "there"},
	}
	updated := map[qualys.SAQUserID]approvals.Outcome{
		2: {Result: approvals.ResultDone, Sent: true, Answer: "named", Observed: "lastName==Left; title="},
		5: {Result: approvals.ResultAlready, Observed: "lastName==Left; title=", Why: approvals.WhyAlreadySo},
		7: {Result: approvals.ResultUnknown, Sent: true},
	}
	for name, c := range map[string]struct {
		plan     approvals.Plan
		outcomes map[qualys.SAQUserID]approvals.Outcome
	}{
		"result-delete.csv": {plan(t, approvals.Delete, nil, hostile...), deleted},
		"result-update.csv": {plan(t, approvals.Update, change, hostile...), updated},
		"result-undo.csv":   {undo(t, hostile...), updated},
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			require.NoError(t, ResultCSV(&b, c.plan, c.outcomes))
			golden(t, name, b.String())
		})
	}
}

// P61: no cell is a formula, and whoever reads the file gets the values back.
func readBack(t testing.TB, file string) [][]string {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(file)).ReadAll()
	require.NoError(t, err)
	for _, row := range rows {
		for i, cell := range row {
			if cell != "-" && cell != "" {
				assert.NotContains(t, "=+-@\t\r", cell[:1], "%q starts a formula", cell)
			}
			row[i] = qualys.Restore(cell)
		}
	}
	return rows
}

func TestRowsOutAreUsersIn(t *testing.T) {
	var b bytes.Buffer
	w := UsersCSV(&b)
	for _, u := range hostile {
		require.NoError(t, w.Write(u))
	}
	require.NoError(t, w.Close())
	assert.Equal(t, 4, w.Users())

	rows := readBack(t, b.String())
	require.Len(t, rows, 1+len(hostile))
	assert.Equal(t, columns, rows[0])
	for i, u := range hostile {
		assert.Equal(t, cells(u), rows[i+1])
	}
}

func TestAFileOfNobodyHasAHeader(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, UsersCSV(&b).Close())
	assert.Equal(t, "id,userName,firstName,lastName,emailAddress,company,title,tags\n", b.String())
}

func TestAFullDiskIsNoticed(t *testing.T) {
	gone := errors.New("no space left")
	p := plan(t, approvals.Delete, nil, hostile...)
	require.ErrorIs(t, PlanCSV(full{gone}, p), gone)
	require.ErrorIs(t, ResultCSV(full{gone}, p, nil), gone)
	require.ErrorIs(t, UsersCSV(full{gone}).Close(), gone)
}

func TestAFileIsHashedWhileItIsWritten(t *testing.T) {
	var b bytes.Buffer
	h := SHA(&b)
	require.NoError(t, PlanCSV(h, plan(t, approvals.Delete, nil, hostile...)))
	sum := sha256.Sum256(b.Bytes())
	assert.Equal(t, hex.EncodeToString(sum[:]), h.Sum())
	assert.Equal(t, int64(b.Len()), h.Size())

	none := SHA(full{io.ErrShortWrite})
	_, err := none.Write([]byte("lost"))
	require.ErrorIs(t, err, io.ErrShortWrite)
	assert.Zero(t, none.Size(), "what was not taken is not hashed")
}

func FuzzRowsOutAreUsersIn(f *testing.F) {
	f.Add("=1", "'", "-")
	f.Add("\n", " =x", "\"")
	f.Fuzz(func(t *testing.T, name, company, title string) {
		u := qualys.SAQUser{ID: 1, UserName: name, Company: company, Title: title}
		var b bytes.Buffer
		w := UsersCSV(&b)
		require.NoError(t, w.Write(u))
		require.NoError(t, w.Close())
		rows := readBack(t, b.String())
		require.Len(t, rows, 2)
		want := cells(u)
		for i := range want { // encoding/csv reads \r\n inside quotes as \n
			want[i] = strings.ReplaceAll(want[i], "\r\n", "\n")
		}
		require.Equal(t, want, rows[1])
	})
}
