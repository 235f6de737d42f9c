package miniqualys

import (
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestADownloadInPagesIsComplete(t *testing.T) {
	for _, order := range []string{"ASC", "DESC"} {
		t.Run(order, func(t *testing.T) {
			api, c := begin(t)
			api.Example()
			var got []string
			for offset := 0; offset < 3000; offset += 1000 {
				_, text := c.get(wanted(1000, offset, order, ""))
				preamble, table := rows(t, text)
				require.Len(t, preamble, 4)
				assert.Equal(t, "2500", preamble[1][2])
				assert.False(t, strings.HasSuffix(text, "\n"))
				got = append(got, column(table, 0)...)
			}
			var want []string
			for u := range api.PlatformUsers() {
				want = append(want, u.Username)
			}
			require.True(t, slices.IsSorted(want))
			if order == "DESC" {
				slices.Reverse(want)
			}
			assert.Equal(t, want, got)
			assert.Len(t, got, 2500)
		})
	}
}

func TestWhatADownloadMustSay(t *testing.T) {
	good := wanted(5, 0, "ASC", "READER")
	for _, bad := range []struct{ name, query, body, says string }{
		{"no format", "?timezone=UTC", good, "format is mandatory"},
		{"another format", "?format=PDF&timezone=UTC", good, "Invalid value for format: PDF"},
		{"no time zone", "?format=CSV", good, "timezone is mandatory"},
		{"a zone nobody knows", "?format=CSV&timezone=Mars", good, "Invalid value for timezone: Mars"},
		{"this machine's zone", "?format=CSV&timezone=Local", good, "Invalid value for timezone: Local"},
		{"no JSON", "?format=CSV&timezone=UTC", "limit=5", "Malformed JSON request"},
		{"a limit in quotes", "?format=CSV&timezone=UTC", strings.Replace(good, "5", `"5"`, 1), "Malformed JSON request"},
		{"no limit", "?format=CSV&timezone=UTC", strings.Replace(good, "limit", "size", 1), "limit is mandatory"},
		{"limit 0", "?format=CSV&timezone=UTC", wanted(0, 0, "ASC", ""), "Invalid value for limit: 0"},
		{"no offset", "?format=CSV&timezone=UTC", strings.Replace(good, "offset", "from", 1), "offset is mandatory"},
		{"offset -1", "?format=CSV&timezone=UTC", wanted(5, -1, "ASC", ""), "Invalid value for offset: -1"},
		{"no sort", "?format=CSV&timezone=UTC", strings.Replace(good, "sortFilter", "sort", 1), "sortFilter is mandatory"},
		{"sorted up", "?format=CSV&timezone=UTC", wanted(5, 0, "UP", ""), "sortFilter: username is ASC or DESC"},
		{"no filter", "?format=CSV&timezone=UTC", strings.Replace(good, `"filter"`, `"where"`, 1), "filter is mandatory"},
		{"another filter", "?format=CSV&timezone=UTC", strings.Replace(good, `"role"`, `"status"`, 1), "Unknown filter: status"},
	} {
		t.Run(bad.name, func(t *testing.T) {
			_, c := begin(t)
			res, text, err := c.do("POST", downloadPath+bad.query, bad.body,
				"Content-Type", "application/json", "Authorization", "Bearer "+c.token())
			require.NoError(t, err)
			assert.Equal(t, http.StatusBadRequest, res.StatusCode)
			assert.JSONEq(t, `{"status":400,"error":"Bad Request","message":"`+bad.says+`"}`, text)
		})
	}
}

func TestADownloadTakesJSONAlone(t *testing.T) {
	_, c := begin(t)
	res, _, err := c.do("POST", downloadQuery, wanted(1, 0, "ASC", ""), "Content-Type", "text/plain", "Authorization", "Bearer "+c.token())
	require.NoError(t, err)
	assert.Equal(t, http.StatusUnsupportedMediaType, res.StatusCode)
	res, text, err := c.do("POST", downloadQuery, wanted(1, 0, "ASC", ""), "Content-Type", "application/json")
	require.NoError(t, err)
	assert.Equal(t, http.StatusUnauthorized, res.StatusCode)
	assert.Contains(t, text, "Not authenticated")
}

func TestAnEmptyFilterIsEverybody(t *testing.T) {
	api, c := begin(t)
	api.AddPlatformUsers(12)
	_, text := c.get(`{"limit":100,"offset":0,"sortFilter":{"username":"ASC"},"filter":{}}`)
	_, table := rows(t, text)
	assert.Len(t, table, 13)
}

func TestThreeReadingsOfARoleList(t *testing.T) {
	users := map[string][]string{
		"a-both":    {"SCANNER", "READER", "READER"},
		"b-reader":  {"READER"},
		"c-scanner": {"Scanner", "VM User"},
		"d-literal": {"READER, SCANNER"},
		"e-none":    {"VM User", "READERS"},
		"f-nothing": nil,
	}
	for _, reading := range []struct {
		reading RoleReading
		role    string
		want    []string
	}{
		{AnyOf, "READER, SCANNER", []string{"a-both", "b-reader", "c-scanner"}},
		{AllOf, "READER, SCANNER", []string{"a-both"}},
		{Literal, "READER, SCANNER", []string{"d-literal"}},
		{AnyOf, "READER", []string{"a-both", "b-reader"}},
		{AllOf, "reader", []string{"a-both", "b-reader"}},
		{Literal, " READER ", []string{"a-both", "b-reader"}},
		{AnyOf, "NOBODY", []string{}},
		{Literal, "", []string{"a-both", "b-reader", "c-scanner", "d-literal", "e-none", "f-nothing"}},
	} {
		t.Run(fmt.Sprintf("%s %q", reading.reading, reading.role), func(t *testing.T) {
			api, c := begin(t)
			for name, roles := range users {
				api.AddPlatformUser(PlatformUser{Username: name, Roles: roles})
			}
			api.SetQuirks(Quirks{RoleList: reading.reading})
			_, text := c.get(wanted(100, 0, "ASC", reading.role))
			preamble, table := rows(t, text)
			assert.Equal(t, reading.want, column(table, 0))
			assert.Equal(t, fmt.Sprint(len(reading.want)), preamble[1][2], "the total is of the filter")
		})
	}
}

func TestARoleFilterOverMadeUpUsers(t *testing.T) {
	api, c := begin(t)
	api.AddNastyUsers()
	api.AddPlatformUsers(3000)
	want := []string{}
	for u := range api.PlatformUsers() {
		if slices.Contains(u.Roles, "READER") {
			want = append(want, u.Username)
		}
	}
	require.Greater(t, len(want), 1000)
	got := []string{}
	for len(got) < len(want) {
		_, text := c.get(wanted(700, len(got), "ASC", "READER"))
		_, table := rows(t, text)
		require.NotEmpty(t, table[1:])
		got = append(got, column(table, 0)...)
	}
	assert.Equal(t, want, got)

	api.RemovePlatformUser("quays_nasty1")
	api.RemovePlatformUser("nobody")
	_, text := c.get(wanted(1, 0, "ASC", "READER"))
	preamble, _ := rows(t, text)
	assert.Equal(t, fmt.Sprint(len(want)-1), preamble[1][2], "the remembered matches are of yesterday")
}

func TestTheTimestampIsInTheZoneAskedFor(t *testing.T) {
	for zone, want := range map[string]string{
		"UTC": "2026-07-01T10:00:0", "America/New_York": "2026-07-01T06:00:0", "Asia/Kolkata": "2026-07-01T15:30:0",
	} {
		api, c := begin(t)
		api.SetTime(time.Date(2026, 7, 1, 10, 0, 0, 0, time.UTC))
		_, text, err := c.do("POST", downloadPath+"?format=csv&timezone="+zone, wanted(1, 0, "ASC", ""),
			"Content-Type", "application/json", "Authorization", "Bearer "+c.token())
		require.NoError(t, err)
		preamble, _ := rows(t, text)
		assert.True(t, strings.HasPrefix(preamble[1][1], want), preamble[1][1])
	}
}

func TestOddDownloads(t *testing.T) {
	const all = 1500
	for _, odd := range []struct {
		name          string
		quirks        Quirks
		limit, offset int
		rows          int
		first         string
	}{
		{"none", Quirks{}, 5, 0, 5, "quays_aaaaa"},
		{"none, later", Quirks{}, 5, 27, 5, "quays_aaabb"},
		{"none, at the end", Quirks{}, 1000, 1400, 100, "quays_aacbw"},
		{"none, behind the end", Quirks{}, 5, all, 0, ""},
		{"more than a download holds", Quirks{}, 5000, 0, 1000, "quays_aaaaa"},
		{"limit ignored", Quirks{IgnoreLimit: true}, 5, 0, 1000, "quays_aaaaa"},
		{"limit and cap ignored", Quirks{IgnoreLimit: true, Cap: 1 << 30}, 5, 0, all, "quays_aaaaa"},
		{"offset ignored", Quirks{IgnoreOffset: true}, 5, 27, 5, "quays_aaaaa"},
		{"the first 1000 only", Quirks{CapTotal: true}, 5, 1000, 0, ""},
		{"the last of the first 1000", Quirks{CapTotal: true}, 5, 998, 2, "quays_aabmk"},
	} {
		t.Run(odd.name, func(t *testing.T) {
			api, c := begin(t)
			api.AddPlatformUsers(all)
			api.SetQuirks(odd.quirks)
			_, text := c.get(wanted(odd.limit, odd.offset, "ASC", ""))
			preamble, table := rows(t, text)
			assert.Equal(t, fmt.Sprint(all), preamble[1][2], "the total never changes")
			require.Len(t, table[1:], odd.rows)
			if odd.rows > 0 {
				assert.Equal(t, odd.first, table[1][0])
			}
		})
	}
}

func TestOddFiles(t *testing.T) {
	plain := func(t *testing.T, q Quirks) string {
		api, c := begin(t)
		api.AddNastyUsers()
		api.SetTime(time.Unix(1_800_000_000, 0))
		api.SetQuirks(q)
		res, text := c.get(wanted(100, 0, "ASC", ""))
		require.Equal(t, http.StatusOK, res.StatusCode)
		return text
	}
	_, table := rows(t, plain(t, Quirks{}))
	assert.Equal(t, header[:], table[0])

	text := plain(t, Quirks{NoNote: true})
	assert.True(t, strings.HasPrefix(text, `"User Data",`), text)
	_, same := rows(t, text)
	assert.Equal(t, table, same)

	text = plain(t, Quirks{BOM: true, CRLF: true})
	assert.True(t, strings.HasPrefix(text, "\ufeff\"Note"), text)
	assert.Equal(t, 4+len(table)-1, strings.Count(text, "\"\r\n\""))

	_, more := rows(t, plain(t, Quirks{ExtraColumns: true}))
	assert.Equal(t, len(header)+2, len(more[0]))
	assert.Equal(t, "Business Unit", more[0][3])
	assert.Equal(t, "Unassigned", more[1][3])

	_, other := rows(t, plain(t, Quirks{ReorderColumns: true}))
	assert.Equal(t, "SAML Status", other[0][0])
	assert.Equal(t, column(table, 1), column(other, len(header)-2))
}

func TestErrorsInThePlaceOfAFile(t *testing.T) {
	for _, wrong := range []struct {
		name       string
		quirks     Quirks
		status     int
		kind, says string
	}{
		{"JSON with 200", Quirks{JSONError200: true}, 200, "application/json", "Unable to download users"},
		{"HTML", Quirks{HTMLError: true}, 200, "text/html", "<h1>"},
		{"not subscribed", Quirks{NotEnabled: true}, 403, "application/json", "not enabled for your subscription"},
	} {
		t.Run(wrong.name, func(t *testing.T) {
			api, c := begin(t)
			api.SetQuirks(wrong.quirks)
			res, text := c.get(wanted(1, 0, "ASC", ""))
			assert.Equal(t, wrong.status, res.StatusCode)
			assert.Contains(t, res.Header.Get("Content-Type"), wrong.kind)
			assert.Contains(t, text, wrong.says)
		})
	}
}

func TestNastyNamesSurviveTheFile(t *testing.T) {
	api, c := begin(t)
	api.AddNastyUsers()
	_, text := c.get(wanted(100, 0, "ASC", ""))
	_, table := rows(t, text)
	for i, name := range nasty {
		assert.Equal(t, []string{name.first, name.last}, table[i+1][1:3])
	}
	assert.Contains(t, text, `"Robert ""Bob""","O'Hara, Jr."`)
}

func TestAMillionUsersNeedNoMemory(t *testing.T) {
	memory := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	api, c := begin(t)
	c.token()
	start := memory()
	api.AddPlatformUsers(1_000_000)
	_, text := c.get(wanted(1000, 999_000, "ASC", ""))
	_, table := rows(t, text)
	require.Len(t, table[1:], 1000)
	text, table = "", nil
	assert.Less(t, int64(memory())-int64(start), int64(4<<20))
	assert.Equal(t, 1_000_000, api.State().PlatformUsers)
}

func TestMadeUpUsersAreInOrder(t *testing.T) {
	api := New()
	api.AddPlatformUsers(maxMade + 1)
	assert.Equal(t, maxMade, api.State().PlatformUsers)
	assert.Equal(t, "quays_zzzzz", madeName(maxMade-1))
	for _, n := range []int{0, 25, 26, 675, 676, 17575, 17576, 456975, 456976} {
		assert.Less(t, madeName(n), madeName(n+1))
	}
}

func TestAddedUsersStandBetweenMadeUpOnes(t *testing.T) {
	api := New()
	api.AddPlatformUsers(3)
	for _, name := range []string{"quays_aaaaaX", "quays_aaaac", "a", "z", "quays_aaaaaX"} {
		api.AddPlatformUser(PlatformUser{Username: name, FirstName: "added"})
	}
	var names, first []string
	for u := range api.PlatformUsers() {
		names = append(names, u.Username)
		first = append(first, u.FirstName)
	}
	assert.Equal(t, []string{"a", "quays_aaaaa", "quays_aaaaaX", "quays_aaaab", "quays_aaaac", "quays_aaaac", "z"}, names)
	assert.Equal(t, "added", first[5])
	for u := range api.PlatformUsers() {
		assert.Equal(t, "a", u.Username)
		break
	}
}
