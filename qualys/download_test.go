package qualys_test

import (
	"encoding/csv"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/internal/miniqualys"
	"countersign/qualys"
)

// table reads a CSV that we wrote, with the neutralised cells restored.
func table(t testing.TB, text string) (header []string, rows [][]string) {
	t.Helper()
	all, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	require.NoError(t, err)
	require.NotEmpty(t, all)
	for _, row := range all {
		for i := range row {
			row[i] = qualys.Restore(row[i])
		}
	}
	return all[0], all[1:]
}

func names(rows [][]string) []string {
	var n []string
	for _, r := range rows {
		n = append(n, r[0])
	}
	return n
}

// P45: a CSV with a preamble and a limit of 1000 records.
func TestDownloadIsCompleteInTheFewestCalls(t *testing.T) {
	for _, n := range []int{0, 1, 999, 1000, 1001, 2000, 2500} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			api, c := setup(t)
			api.AddPlatformUsers(n)
			var out strings.Builder
			d, err := c.Download(t.Context(), qualys.DownloadQuery{}, &out)
			require.NoError(t, err)
			assert.Equal(t, n, d.Rows)
			assert.Equal(t, n, d.Total)
			assert.True(t, d.Complete, "complete")
			assert.Zero(t, d.Duplicates)
			calls := max(1, (n+999)/1000)
			assert.Equal(t, calls, d.Calls)
			assert.Equal(t, calls, api.Calls(miniqualys.Download))

			header, rows := table(t, out.String())
			assert.Equal(t, []string{"USERNAME", "First Name", "Last Name", "Email Address", "MODULE", "Roles", "Tags", "STATUS", "External ID", "Super User", "SAML Status"}, header)
			assert.Equal(t, header, d.Columns)
			assert.Len(t, rows, n)
			assert.NotContains(t, strings.ReplaceAll(out.String(), "\r\n", ""), "\n", "RFC 4180 ends lines with CRLF")
		})
	}
}

func TestDownloadCountsWhatIsThere(t *testing.T) {
	api, c := setup(t)
	api.AddPlatformUsers(300)
	api.AddNastyUsers()
	var out strings.Builder
	d, err := c.Download(t.Context(), qualys.DownloadQuery{}, &out)
	require.NoError(t, err)

	status, role := map[string]int{}, map[string]int{}
	supers, saml := 0, 0
	want := map[string]miniqualys.PlatformUser{}
	for u := range api.PlatformUsers() {
		want[u.Username] = u
		status[u.Status]++
		for _, r := range slices.Compact(slices.Sorted(slices.Values(u.Roles))) {
			role[r]++
		}
		if u.SuperUser {
			supers++
		}
		if u.SAML {
			saml++
		}
	}
	assert.Equal(t, status, counts(d.ByStatus))
	assert.Equal(t, role, counts(d.ByRole))
	assert.Equal(t, supers, d.SuperUsers)
	assert.Equal(t, saml, d.SAML)
	assert.True(t, slices.IsSortedFunc(d.ByRole, func(a, b qualys.Tally) int { return b.Count - a.Count }), "the largest first")

	_, rows := table(t, out.String())
	for _, r := range rows {
		u := want[r[0]]
		assert.Equal(t, "["+strings.Join(u.Roles, ", ")+"]", r[5], "list cells as Qualys gave them")
		assert.Equal(t, strings.ReplaceAll(u.FirstName, "\r\n", "\n"), r[1])
	}
}

func counts(ts []qualys.Tally) map[string]int {
	m := map[string]int{}
	for _, t := range ts {
		m[t.Name] = t.Count
	}
	return m
}

// P61: formula injection in a CSV opened by a spreadsheet.
func TestDownloadCellsAreNoFormulas(t *testing.T) {
	api, c := setup(t)
	api.AddNastyUsers()
	for i, name := range []string{`=HYPERLINK("x")`, "+1", "-2+3", "@SUM(A1)", "\t=1", "  =1", "＝1+1", "-", "'quoted"} {
		api.AddPlatformUser(miniqualys.PlatformUser{Username: fmt.Sprintf("formula%d", i), FirstName: name})
	}
	var out strings.Builder
	_, err := c.Download(t.Context(), qualys.DownloadQuery{}, &out)
	require.NoError(t, err)
	all, err := csv.NewReader(strings.NewReader(out.String())).ReadAll()
	require.NoError(t, err)
	for _, row := range all {
		for _, cell := range row {
			assert.NotRegexp(t, `^[\s"]*[=+@＝]|^[\s"]*-.`, cell)
		}
	}
}

func TestDownloadAsksForWhatWasAsked(t *testing.T) {
	api, c := setup(t)
	api.AddPlatformUsers(2500)
	var all strings.Builder
	_, err := c.Download(t.Context(), qualys.DownloadQuery{}, &all)
	require.NoError(t, err)
	_, rows := table(t, all.String())
	every := names(rows)

	for _, tt := range []struct {
		name  string
		query qualys.DownloadQuery
		want  []string
		calls int
	}{
		{"a few", qualys.DownloadQuery{Limit: 5}, every[:5], 1},
		{"a limit over two pages", qualys.DownloadQuery{Limit: 1500}, every[:1500], 2},
		{"a limit above all", qualys.DownloadQuery{Limit: 9000}, every, 3},
		{"an offset", qualys.DownloadQuery{Offset: 2000}, every[2000:], 1},
		{"an offset and a limit", qualys.DownloadQuery{Offset: 10, Limit: 7}, every[10:17], 1},
		{"an offset behind the end", qualys.DownloadQuery{Offset: 4000}, nil, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := api.Calls(miniqualys.Download)
			var out strings.Builder
			d, err := c.Download(t.Context(), tt.query, &out)
			require.NoError(t, err)
			_, rows := table(t, out.String())
			assert.Equal(t, tt.want, names(rows))
			assert.True(t, d.Complete, "complete")
			assert.Equal(t, 2500, d.Total)
			assert.Equal(t, tt.calls, api.Calls(miniqualys.Download)-before)
		})
	}

	var down strings.Builder
	_, err = c.Download(t.Context(), qualys.DownloadQuery{Descending: true}, &down)
	require.NoError(t, err)
	_, rows = table(t, down.String())
	slices.Reverse(every)
	assert.Equal(t, every, names(rows))
}

func TestDownloadChecksRoles(t *testing.T) {
	api, c := setup(t)
	api.AddPlatformUser(miniqualys.PlatformUser{Username: "a", Roles: []string{"READER", "PC User", "READER"}})
	api.AddPlatformUser(miniqualys.PlatformUser{Username: "b", Roles: []string{"Reader, Senior"}})
	api.AddPlatformUser(miniqualys.PlatformUser{Username: "c", Roles: []string{"Scanner"}})
	api.AddPlatformUser(miniqualys.PlatformUser{Username: "d", Roles: []string{"Reporting Reader"}})

	for _, tt := range []struct {
		name  string
		roles []string
		want  []string
	}{
		{"one", []string{"scanner"}, []string{"c"}},
		{"either", []string{"READER", "SCANNER"}, []string{"a", "b", "c"}},
		{"a whole word", []string{"Reporting Reader"}, []string{"d"}},
		{"with a comma", []string{"Reader, Senior"}, []string{"b"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out strings.Builder
			q := qualys.DownloadQuery{Roles: tt.roles}
			// A server that does not know our roles sends everybody.
			_, c := script(t, says(200, sheet(t, api)))
			d, err := c.Download(t.Context(), q, &out)
			require.NoError(t, err)
			_, rows := table(t, out.String())
			assert.Equal(t, tt.want, names(rows))
			assert.Equal(t, 4-len(tt.want), d.Strangers)
			assert.True(t, d.Complete, "complete")
		})
	}
	var out strings.Builder
	d, err := c.Download(t.Context(), qualys.DownloadQuery{Roles: []string{"READER", "Scanner"}}, &out)
	require.NoError(t, err)
	assert.Zero(t, d.Strangers, "a server that does know them sends only these")
}

// sheet is what the server sends for everybody.
func sheet(t testing.TB, api *miniqualys.Server) string {
	var b strings.Builder
	var rows []string
	for u := range api.PlatformUsers() {
		rows = append(rows, fmt.Sprintf(`"%s","","","","[]","[%s]","[]","ACTIVE","","false","false"`, u.Username, strings.Join(u.Roles, ", ")))
	}
	fmt.Fprintf(&b, "\"User Data\",\"now\",\"%d\"\n%s\n%s", len(rows), header, strings.Join(rows, "\n"))
	return b.String()
}

const header = `"USERNAME","First Name","Last Name","Email Address","MODULE","Roles","Tags","STATUS","External ID","Super User","SAML Status"`

func TestDownloadIsHonestAboutOddServers(t *testing.T) {
	for _, tt := range []struct {
		name     string
		quirks   miniqualys.Quirks
		users    int
		query    qualys.DownloadQuery
		rows     int
		total    int
		complete bool
		err      error
	}{
		{"ignores limit", miniqualys.Quirks{IgnoreLimit: true}, 2500, qualys.DownloadQuery{}, 2500, 2500, true, nil},
		{"ignores limit, and few are wanted", miniqualys.Quirks{IgnoreLimit: true}, 2500, qualys.DownloadQuery{Limit: 5}, 5, 2500, true, nil},
		{"sends all at once", miniqualys.Quirks{IgnoreLimit: true, Cap: 9999}, 2500, qualys.DownloadQuery{}, 2500, 2500, true, nil},
		{"ignores offset", miniqualys.Quirks{IgnoreOffset: true}, 2500, qualys.DownloadQuery{}, 1000, 2500, false, nil},
		{"ignores an offset that was asked for", miniqualys.Quirks{IgnoreOffset: true}, 20, qualys.DownloadQuery{Offset: 5}, 20, 20, false, qualys.ErrIgnoredCriteria},
		{"caps the total", miniqualys.Quirks{CapTotal: true}, 2500, qualys.DownloadQuery{}, 1000, 2500, false, nil},
		{"sends short pages", miniqualys.Quirks{Cap: 400}, 2500, qualys.DownloadQuery{}, 2500, 2500, true, nil},
		{"drops the note", miniqualys.Quirks{NoNote: true}, 7, qualys.DownloadQuery{}, 7, 7, true, nil},
		{"sends a BOM and CRLF", miniqualys.Quirks{BOM: true, CRLF: true}, 1200, qualys.DownloadQuery{}, 1200, 1200, true, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			api, c := setup(t)
			api.AddPlatformUsers(tt.users)
			api.SetQuirks(tt.quirks)
			var out strings.Builder
			d, err := c.Download(t.Context(), tt.query, &out)
			require.ErrorIs(t, err, tt.err)
			assert.Equal(t, tt.rows, d.Rows)
			assert.Equal(t, tt.total, d.Total)
			assert.Equal(t, tt.complete, d.Complete)
			_, rows := table(t, out.String())
			assert.Len(t, slices.Compact(slices.Sorted(slices.Values(names(rows)))), tt.rows, "each user once")
		})
	}
}

func TestDownloadFindsColumnsByName(t *testing.T) {
	api, c := setup(t)
	api.AddPlatformUsers(50)
	plain, err := c.Download(t.Context(), qualys.DownloadQuery{}, new(strings.Builder))
	require.NoError(t, err)
	api.SetQuirks(miniqualys.Quirks{ExtraColumns: true, ReorderColumns: true})
	var out strings.Builder
	odd, err := c.Download(t.Context(), qualys.DownloadQuery{}, &out)
	require.NoError(t, err)
	assert.Equal(t, plain.ByRole, odd.ByRole)
	assert.Equal(t, plain.ByStatus, odd.ByStatus)
	assert.Len(t, odd.Columns, 13, "unknown columns are kept")
	_, rows := table(t, out.String())
	assert.Len(t, rows, 50)
}

func TestDownloadJoinsPagesByTheNamesOfTheirColumns(t *testing.T) {
	first := "\"User Data\",\"now\",\"2\"\nUSERNAME,STATUS,Other\na,ACTIVE,1"
	for _, tt := range []struct {
		name, second, err string
	}{
		{"in another order", "USERNAME,Other,STATUS\nb,2,INACTIVE", ""},
		{"with another column", "USERNAME,STATUS,More\nb,INACTIVE,2", "the columns changed"},
		{"with fewer", "USERNAME,STATUS\nb,INACTIVE", "the columns changed"},
		{"with a short row", "USERNAME,STATUS,Other\nb,INACTIVE", "line 2 has 2 cells, the header 3"},
		{"with a broken quote", "USERNAME,STATUS,Other\n\"b,INACTIVE,2", "quote"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, c := memoryScript(t, says(200, first), says(200, tt.second))
				var out strings.Builder
				_, err := c.Download(t.Context(), qualys.DownloadQuery{}, &out)
				if tt.err != "" {
					require.ErrorContains(t, err, tt.err)
					return
				}
				require.NoError(t, err)
				assert.Equal(t, "USERNAME,STATUS,Other\r\na,ACTIVE,1\r\nb,INACTIVE,2\r\n", out.String())
			})
		})
	}
}

func TestDownloadWithoutATotalAsksUntilNothingComes(t *testing.T) {
	_, c := script(t, says(200, "USERNAME\na\nb"), says(200, "USERNAME\nc"), says(200, ""))
	var out strings.Builder
	d, err := c.Download(t.Context(), qualys.DownloadQuery{}, &out)
	require.NoError(t, err)
	assert.Equal(t, "USERNAME\r\na\r\nb\r\nc\r\n", out.String())
	assert.True(t, d.Complete, "complete")
	assert.Zero(t, d.Total)

	_, c = script(t, says(200, "USERNAME\na\nb"))
	d, err = c.Download(t.Context(), qualys.DownloadQuery{}, new(strings.Builder))
	require.NoError(t, err)
	assert.False(t, d.Complete, "the same page twice proves nothing")
}

func TestDownloadCountsDuplicates(t *testing.T) {
	_, c := script(t, says(200, "User Data,now,3\nUSERNAME,x\na,1\nb,2\na,3"))
	var out strings.Builder
	d, err := c.Download(t.Context(), qualys.DownloadQuery{}, &out)
	require.NoError(t, err)
	assert.Equal(t, 1, d.Duplicates)
	assert.Equal(t, 2, d.Rows)
	assert.False(t, d.Complete, "two of three")
}

func TestDownloadRefusesNonsense(t *testing.T) {
	api, c := setup(t)
	_, err := c.Download(t.Context(), qualys.DownloadQuery{Limit: -1, Timezone: "no zone", Roles: []string{" "}}, new(strings.Builder))
	require.ErrorContains(t, err, "must not be negative")
	require.ErrorContains(t, err, `"no zone" is no time zone`)
	require.ErrorContains(t, err, `" " is no role`)
	assert.Empty(t, api.Requests())
}

// The sample of Qualys' page, seven rows of eighty-seven.
func TestTheSampleOfQualysPage(t *testing.T) {
	sample, err := os.ReadFile("testdata/download.csv")
	require.NoError(t, err)
	_, c := script(t, says(200, string(sample)))
	var out strings.Builder
	d, err := c.Download(t.Context(), qualys.DownloadQuery{}, &out)
	require.NoError(t, err)
	assert.Equal(t, 7, d.Rows)
	assert.Equal(t, 87, d.Total)
	assert.False(t, d.Complete, "7 of 87")
	assert.Equal(t, []qualys.Tally{{Name: "PENDING_ACTIVATION", Count: 5}, {Name: "ACTIVE", Count: 2}}, d.ByStatus)
	assert.Contains(t, d.ByRole, qualys.Tally{Name: "READER", Count: 7})
	_, rows := table(t, out.String())
	assert.Equal(t, "-", rows[0][8])
}
