package miniqualys

import (
	"encoding/xml"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The three curl commands of Qualys' pages, sent as they stand there, get the
// answers that stand there.

// sample reads an answer. The pages indent with no-break spaces, which is how
// they are set, not how Qualys answers.
func sample(t *testing.T, name string) string {
	t.Helper()
	return strings.ReplaceAll(file(t, name), "\u00a0", " ")
}

func TestTheSampleOfBulkUpdate(t *testing.T) {
	api := RunT(t)
	api.SetQuirks(Quirks{SortByID: true})
	var want struct {
		Users []struct {
			ID           int64  `xml:"id"`
			UUID         string `xml:"uuid"`
			FirstName    string `xml:"firstName"`
			Company      string `xml:"company"`
			EmailAddress string `xml:"emailAddress"`
			UserName     string `xml:"userName"`
			Tags         []struct {
				ID   int64  `xml:"id"`
				Name string `xml:"name"`
			} `xml:"tags>Tag"`
		} `xml:"data>User"`
	}
	require.NoError(t, xml.Unmarshal([]byte(file(t, "update.response.xml")), &want))
	require.Len(t, want.Users, 2)
	for _, u := range want.Users {
		user := SAQUser{ID: u.ID, UUID: u.UUID, FirstName: u.FirstName, LastName: "before", Company: u.Company,
			EmailAddress: u.EmailAddress, UserName: u.UserName}
		for _, tag := range u.Tags {
			user.Tags = append(user.Tags, Tag(tag))
		}
		api.SetSAQUser(user)
	}
	api.AddSAQUsers(5, "Acme") // they stay as they are

	res, text, err := callerOf(t, api).do("POST", "/qps/rest/1.0/update/saq/user", file(t, "update.request.xml"), "content-type", "text/xml")
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, res.StatusCode)
	require.Equal(t, "application/xml", res.Header.Get("Content-Type"))
	require.Equal(t, sample(t, "update.response.xml"), text)
	require.Zero(t, api.Wild())
}

func TestTheSampleOfBulkDelete(t *testing.T) {
	api := RunT(t)
	api.SetQuirks(Quirks{SortByID: true})
	answer := sample(t, "delete.response.xml")
	head, _, _ := strings.Cut(answer, "        '")
	_, tail, _ := strings.Cut(answer, "'\n       <User>\n")
	var named []int64
	for _, line := range strings.Split(answer, "\n") {
		if digits, ok := strings.CutPrefix(strings.TrimSpace(line), "<id>"); ok {
			id, err := strconv.ParseInt(strings.TrimSuffix(digits, "</id>"), 10, 64)
			require.NoError(t, err)
			named = append(named, id)
			api.SetSAQUser(SAQUser{ID: id, FirstName: "NewVendor"})
		}
	}
	require.Len(t, named, 7)
	for i := range int64(49 - len(named)) {
		api.SetSAQUser(SAQUser{ID: named[1] + 1 + i, FirstName: "newvendor "})
	}
	stays := api.SetSAQUser(SAQUser{FirstName: "NewVendor2"})

	_, text, err := callerOf(t, api).do("POST", "/qps/rest/1.0/delete/saq/user", file(t, "delete.request.xml"), "content-type", "text/xml")
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(text, head), text)
	require.True(t, strings.HasSuffix(text, tail), text)
	require.Len(t, readAnswer(t, text).Users, 49)
	require.Len(t, api.SAQUsers(), 1)
	require.Equal(t, stays, api.SAQUsers()[0].ID)
	require.Equal(t, 1, api.Wild(), "the sample deletes by name: this bot never does")
}

func TestTheSampleOfTheDownload(t *testing.T) {
	api := RunT(t)
	head, tail, _ := strings.Cut(file(t, "download.response.csv"), "\n.......\n.......\n")
	at, err := time.Parse(time.RFC3339, "2025-02-25T12:23:24.062+05:30")
	require.NoError(t, err)
	_, table := rows(t, head+"\n"+tail)
	for _, c := range table[1:] {
		split := func(cell string) []string { return strings.Split(strings.Trim(cell, "[]"), ", ") }
		api.AddPlatformUser(PlatformUser{Username: c[0], FirstName: c[1], LastName: c[2], Email: c[3], Modules: split(c[4]),
			Roles: split(c[5]), Tags: split(c[6]), Status: c[7], ExternalID: c[8]})
	}
	for i := range 80 {
		api.AddPlatformUser(PlatformUser{Username: "quaysa" + strconv.Itoa(100+i), Roles: []string{"reader"}})
	}
	api.AddPlatformUser(PlatformUser{Username: "another", Roles: []string{"SCANNER"}})
	api.SetQuirks(Quirks{IgnoreLimit: true}) // the page asks for 5 and shows 7

	c := callerOf(t, api)
	token := c.token()
	// The milliseconds of the page's clock must not have passed.
	var text string
	require.Eventually(t, func() bool {
		api.SetTime(at)
		_, text, err = c.do("POST", downloadQuery, file(t, "download.request.json"),
			"Cookie", "QualysSession=37486ebbba8f832af55d6ea4bbaf2636", "Content-Type", "application/json",
			"Accept", "application/csv", "Authorization", "Bearer "+token)
		return err == nil && strings.HasPrefix(text, head)
	}, 10*time.Second, time.Millisecond, "%s", text)
	require.True(t, strings.HasSuffix(text, "\n"+tail), text)
	require.Equal(t, 87+5, strings.Count(text, "\n")+1)
	require.Equal(t, []string{"***"}, api.Requests()[1].Header["Cookie"])
}
