package miniqualys

import (
	"encoding/xml"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// team fills the server with four users who differ in everything.
func team(api *Server) {
	for _, u := range []SAQUser{
		{ID: 101, FirstName: "NewVendor", LastName: "One", Company: "Acme", Title: "CISO", EmailAddress: "one@acme.example",
			UserName: "one@acme_1", UUID: "d78bbe2c-5396-48ea-92cc-03d0076ee839", Tags: []Tag{{11, "Vendors"}, {12, "CLV-ALL"}}},
		{ID: 102, FirstName: "newvendor", LastName: "Two", Company: "Acme East", EmailAddress: "two@acme.example", UserName: "two@acme_1", Tags: []Tag{{12, "CLV-ALL"}}},
		{ID: 103, FirstName: "NewVendor2", LastName: "Three", Company: " acme ", Title: "ciso", EmailAddress: "three@globex.example", UserName: "three@globex_9"},
		{ID: 110, FirstName: "Dora", LastName: "One", Company: "Globex", EmailAddress: "dora@globex.example", UserName: "dora@globex_9", Tags: []Tag{{111, "vendors"}}},
	} {
		api.SetSAQUser(u)
	}
}

func TestWhomCriteriaSelect(t *testing.T) {
	for _, selects := range []struct {
		name     string
		criteria []string
		quirks   Quirks
		want     []int64
	}{
		{"nobody asked: everybody", nil, Quirks{}, []int64{101, 102, 103, 110}},
		{"id EQUALS", []string{"id", "EQUALS", "101"}, Quirks{}, []int64{101}},
		{"id with zeros and blanks", []string{"id", "EQUALS", " 0101\n"}, Quirks{}, []int64{101}},
		{"id IN", []string{"id", "IN", "101,110,999"}, Quirks{}, []int64{101, 110}},
		{"id IN with blanks", []string{"id", "IN", "101, 110"}, Quirks{}, []int64{101, 110}},
		{"uuid EQUALS", []string{"uuid", "EQUALS", "D78BBE2C-5396-48ea-92cc-03d0076ee839"}, Quirks{}, []int64{101}},
		{"EQUALS is whole", []string{"firstName", "EQUALS", "NewVendor"}, Quirks{}, []int64{101, 102}},
		{"the value on its own line", []string{"firstName", "EQUALS", "\nNewVendor\n"}, Quirks{}, []int64{101, 102}},
		{"EQUALS minding case", []string{"firstName", "EQUALS", "NewVendor"}, Quirks{CaseSensitive: true}, []int64{101}},
		{"CONTAINS", []string{"firstName", "CONTAINS", "vendor"}, Quirks{}, []int64{101, 102, 103}},
		{"CONTAINS minding case", []string{"firstName", "CONTAINS", "vendor"}, Quirks{CaseSensitive: true}, []int64{102}},
		{"company EQUALS", []string{"company", "EQUALS", "ACME"}, Quirks{}, []int64{101, 103}},
		{"title EQUALS nothing", []string{"title", "EQUALS", ""}, Quirks{}, []int64{102, 110}},
		{"lastName", []string{"lastName", "EQUALS", "one"}, Quirks{}, []int64{101, 110}},
		{"emailAddress", []string{"emailAddress", "CONTAINS", "@globex."}, Quirks{}, []int64{103, 110}},
		{"userName", []string{"userName", "CONTAINS", "@acme_1"}, Quirks{}, []int64{101, 102}},
		{"tag id", []string{"tags.tag.id", "EQUALS", "11"}, Quirks{}, []int64{101}},
		{"tag ids", []string{"tags.tag.id", "IN", "11,111"}, Quirks{}, []int64{101, 110}},
		{"tag name", []string{"tags.tag.name", "EQUALS", "Vendors"}, Quirks{}, []int64{101, 110}},
		{"part of a tag name", []string{"tags.tag.name", "CONTAINS", "clv"}, Quirks{}, []int64{101, 102}},
		{"two conditions are ANDed", []string{"lastName", "EQUALS", "One", "company", "EQUALS", "Globex"}, Quirks{}, []int64{110}},
		{"the same field twice, too", []string{"id", "EQUALS", "101", "id", "EQUALS", "102"}, Quirks{}, []int64{}},
		{"one condition ignored", []string{"lastName", "EQUALS", "One", "company", "EQUALS", "Globex"}, Quirks{IgnoreCriteria: []string{"company"}}, []int64{101, 110}},
		{"the only condition ignored", []string{"company", "EQUALS", "Nobody"}, Quirks{IgnoreCriteria: []string{"company"}}, []int64{101, 102, 103, 110}},
	} {
		t.Run(selects.name, func(t *testing.T) {
			api, c := begin(t)
			team(api)
			api.SetQuirks(selects.quirks)
			found := c.saq(Search, ask(selects.criteria...))
			assert.Equal(t, "SUCCESS", found.Code)
			assert.ElementsMatch(t, selects.want, found.ids())
			assert.Equal(t, len(selects.want), found.Count)
			assert.Equal(t, len(selects.want), c.saq(Count, ask(selects.criteria...)).Count)
			assert.Zero(t, api.Wild(), "reading is not writing")

			updated := c.saq(Update, request("<data><User><title>x</title></User></data>", selects.criteria...))
			assert.ElementsMatch(t, selects.want, updated.ids())
			if slices.Contains(selects.criteria, "title") {
				return // they have another title now
			}
			deleted := c.saq(Delete, ask(selects.criteria...))
			assert.ElementsMatch(t, selects.want, deleted.ids())
			assert.Len(t, api.SAQUsers(), 4-len(selects.want))
		})
	}
}

func TestInvalidRequests(t *testing.T) {
	patch := func(inside string) string { return request("<data>"+inside+"</data>", "id", "EQUALS", "101") }
	for _, bad := range []struct {
		name, body, message, resolution string
		op                              Op
	}{
		{"no field of that name", ask("compny", "EQUALS", "x"), "Criteria: Invalid criteria 'compny'", "id, uuid, firstName", Search},
		{"field in another case", ask("firstname", "EQUALS", "x"), "Criteria: Invalid criteria 'firstname'", "firstName", Delete},
		{"IN on a text", ask("company", "IN", "a,b"), "Invalid operator 'IN' for criteria 'company'", "CONTAINS, EQUALS", Search},
		{"CONTAINS on id", ask("id", "CONTAINS", "1"), "Invalid operator 'CONTAINS' for criteria 'id'", "EQUALS, IN", Delete},
		{"GREATER on id", ask("id", "GREATER", "1"), "Invalid operator 'GREATER' for criteria 'id'", "EQUALS, IN", Search},
		{"IN on uuid", ask("uuid", "IN", "a"), "Invalid operator 'IN' for criteria 'uuid'", "EQUALS.", Count},
		{"no operator", ask("id", "", "1"), "Invalid operator '' for criteria 'id'", "EQUALS, IN", Search},
		{"id no number", ask("id", "EQUALS", "v"), "Criteria: Invalid value format for criteria 'id' (v)", "Specify criteria value(s) as Long.", Search},
		{"empty id list", ask("id", "IN", ""), "Invalid value format for criteria 'id' ()", "as Long", Delete},
		{"a hole in the id list", ask("id", "IN", "101,,102"), "Invalid value format for criteria 'id' ()", "as Long", Delete},
		{"tag id no number", ask("tags.tag.id", "EQUALS", "Vendors"), "criteria 'tags.tag.id' (Vendors)", "as Long", Update},
		{"no XML", "id=101", "Invalid XML", "XSD", Search},
		{"another document", "<Request/>", "Invalid XML", "XSD", Search},
		{"another element", "<ServiceRequest><where/></ServiceRequest>", "Invalid element 'where'", "XSD", Delete},
		{"another criterion", "<ServiceRequest><filters><Or/></filters></ServiceRequest>", "Invalid element 'Or'", "XSD", Delete},
		{"limit 0", request("<preferences><limitResults>0</limitResults></preferences>"), "limitResults (0) is out of range", "1 to 1000", Search},
		{"limit 1001", request("<preferences><limitResults>1001</limitResults></preferences>"), "limitResults (1001) is out of range", "1 to 1000", Search},
		{"limit many", request("<preferences><limitResults>many</limitResults></preferences>"), "'limitResults' (many)", "Integer", Search},
		{"offset 0", request("<preferences><startFromOffset>0</startFromOffset></preferences>"), "startFromOffset (0) is out of range", "1 or more", Search},
		{"startFromId", request("<preferences><startFromId>5</startFromId></preferences>"), "Invalid element 'startFromId'", "XSD", Search},
		{"update without data", ask("id", "EQUALS", "101"), "Data: no values to update", "One User", Update},
		{"update of nothing", patch("<User/>"), "Data: no values to update", "one User", Update},
		{"two Users", patch("<User><title>a</title></User><User><title>b</title></User>"), "exactly one User", "One User", Update},
		{"no User", patch("<Group/>"), "exactly one User", "one User", Update},
		{"tags", patch("<User><tags/></User>"), "User.tags cannot be updated", "firstName", Update},
		{"userName", patch("<User><userName>x</userName></User>"), "User.userName cannot be updated", "firstName", Update},
	} {
		t.Run(bad.name, func(t *testing.T) {
			api, c := begin(t)
			team(api)
			before := api.SAQUsers()
			got := c.saq(bad.op, bad.body)
			assert.Equal(t, "INVALID_REQUEST", got.Code)
			assert.Contains(t, got.Message, bad.message)
			assert.Contains(t, strings.ToLower(got.Resolution), strings.ToLower(bad.resolution))
			assert.Equal(t, before, api.SAQUsers(), "nothing was done")
			assert.Zero(t, api.Wild())
		})
	}
}

func TestNoFilterIsEverybodyOnEveryCall(t *testing.T) {
	for _, body := range []string{"", "<ServiceRequest/>", "<ServiceRequest><filters/></ServiceRequest>", ask()} {
		api, c := begin(t)
		team(api)
		assert.Equal(t, 4, c.saq(Count, body).Count)
		assert.Len(t, c.saq(Search, body).Users, 4)
		assert.Len(t, c.saq(Delete, body).Users, 4)
		assert.Empty(t, api.SAQUsers())
		assert.Equal(t, 1, api.Wild())
	}
}

func TestCountByGetIsEverybody(t *testing.T) {
	api, c := begin(t)
	team(api)
	res, text, err := c.do("GET", "/qps/rest/1.0/count/saq/user/", "")
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, res.StatusCode)
	assert.Equal(t, 4, readAnswer(t, text).Count)
	assert.NotContains(t, text, "<data>")
}

func TestWritesWithoutIDsAreCounted(t *testing.T) {
	api, c := begin(t)
	team(api)
	c.saq(Delete, ask("id", "IN", "110"))
	c.saq(Update, request("<data><User><title>x</title></User></data>", "id", "EQUALS", "101"))
	require.Zero(t, api.Wild())
	c.saq(Update, request("<data><User><title>x</title></User></data>", "company", "EQUALS", "Acme"))
	c.saq(Delete, ask("firstName", "EQUALS", "Nobody"))
	assert.Equal(t, 2, api.Wild())
}

func TestPagesAreStableAndComplete(t *testing.T) {
	api, c := begin(t)
	api.AddSAQUsers(250, "Acme")
	page := func(from, limit string) answer {
		return c.saq(Search, request("<preferences><limitResults>"+limit+"</limitResults><startFromOffset>"+from+"</startFromOffset></preferences>"))
	}
	first, second, third := page("1", "100"), page("101", "100"), page("201", "100")
	for _, a := range []answer{first, second} {
		assert.Equal(t, 100, a.Count)
		assert.Equal(t, "true", a.More)
		assert.Equal(t, a.Users[99].ID, a.LastID)
	}
	assert.Equal(t, 50, third.Count)
	assert.Equal(t, "false", third.More)
	assert.Zero(t, third.LastID)
	all := slices.Concat(first.ids(), second.ids(), third.ids())
	assert.False(t, slices.IsSorted(all), "hostile: not by id")
	var want []int64
	for _, u := range api.SAQUsers() {
		want = append(want, u.ID)
	}
	assert.ElementsMatch(t, want, all)
	assert.Equal(t, first.ids(), c.saq(Search, ask()).ids(), "a page has 100 users unless told")
	assert.Equal(t, all, page("1", "1000").ids())

	behind := page("251", "100")
	assert.Equal(t, answer{Code: "SUCCESS"}, behind, "no data, no hasMoreRecords")

	api.SetQuirks(Quirks{Seed: 7})
	assert.NotEqual(t, all, page("1", "1000").ids(), "another seed, another order")
	api.SetQuirks(Quirks{SortByID: true})
	assert.Equal(t, want, page("1", "1000").ids())
}

func TestUpdateIsAPartialPatch(t *testing.T) {
	api, c := begin(t)
	team(api)
	other, _ := api.SAQUser(102)
	got := c.saq(Update, request("<data><User><lastName> Left &amp; gone </lastName><title/></User></data>", "id", "IN", "101,103,999"))
	require.Len(t, got.Users, 2)
	assert.Equal(t, 2, got.Count)
	for _, u := range got.Users {
		assert.Equal(t, "Left & gone", u.LastName)
		assert.Nil(t, u.Title, "a cleared field is absent")
	}
	u, _ := api.SAQUser(101)
	assert.Equal(t, SAQUser{ID: 101, FirstName: "NewVendor", LastName: "Left & gone", Company: "Acme", EmailAddress: "one@acme.example",
		UserName: "one@acme_1", UUID: "d78bbe2c-5396-48ea-92cc-03d0076ee839", Tags: []Tag{{11, "Vendors"}, {12, "CLV-ALL"}}}, u)
	same, _ := api.SAQUser(102)
	assert.Equal(t, other, same)
	assert.Equal(t, []int{1, 0, 1}, []int{api.Updates(101), api.Updates(102), api.Updates(103)})

	c.saq(Update, request("<data><User><company>C</company><firstName>F</firstName><emailAddress>e@x</emailAddress></User></data>", "id", "EQUALS", "101"))
	u, _ = api.SAQUser(101)
	assert.Equal(t, []string{"C", "F", "e@x"}, []string{u.Company, u.FirstName, u.EmailAddress})
	assert.Equal(t, []int64{101}, api.RepeatedUpdates())
}

func TestADeleteAnswersWithIDsAlone(t *testing.T) {
	api, c := begin(t)
	team(api)
	_, text, err := c.qps(Delete, ask("id", "EQUALS", "101"))
	require.NoError(t, err)
	assert.Equal(t, xml.Header+`<ServiceResponse xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="`+saqSchema+`">
    <responseCode>SUCCESS</responseCode>
    <count>1</count>
    <data>
        <User>
            <id>101</id>
        </User>
    </data>
</ServiceResponse>`, text)
}

func TestAnUpdateOnTheDeletePathDeletes(t *testing.T) {
	api, c := begin(t)
	team(api)
	c.saq(Delete, request("<data><User><title>x</title></User></data>", "id", "EQUALS", "101"))
	_, there := api.SAQUser(101)
	assert.False(t, there)
}

func TestTheLedgerCountsWhatIsRepeated(t *testing.T) {
	api, c := begin(t)
	team(api)
	c.saq(Delete, ask("id", "IN", "101,102"))
	assert.Equal(t, 0, c.saq(Delete, ask("id", "IN", "101,999")).Count, "passed over in silence")
	c.saq(Update, request("<data><User><title>x</title></User></data>", "id", "IN", "102,103"))
	api.RemoveSAQUser(110)
	api.RemoveSAQUser(110)
	c.saq(Delete, ask("id", "EQUALS", "110"))
	assert.Equal(t, []int{2, 1, 0, 1, 0}, []int{api.Deletes(101), api.Deletes(102), api.Deletes(103), api.Deletes(110), api.Deletes(999)})
	assert.Equal(t, []int64{101}, api.RepeatedDeletes())
	assert.Equal(t, []int{1, 1}, []int{api.Updates(102), api.Updates(103)}, "an update that named the gone counts, too")
	assert.Empty(t, api.RepeatedUpdates())
}

func TestOutOfScopeIsPassedOver(t *testing.T) {
	api, c := begin(t)
	team(api)
	api.Hide(101, 102)
	assert.Equal(t, 2, c.saq(Count, ask()).Count)
	assert.Equal(t, []int64{103}, c.saq(Delete, ask("id", "IN", "101,103")).ids())
	assert.Len(t, api.SAQUsers(), 3)
	api.Show(101)
	assert.Equal(t, []int64{101}, c.saq(Search, ask("id", "IN", "101,102")).ids())
}

func TestADeleteThatClaimsTooMuch(t *testing.T) {
	api, c := begin(t)
	users := api.AddSAQUsers(130, "Acme")
	var ids []int64
	for _, u := range users[:120] {
		ids = append(ids, u.ID)
	}
	api.DeleteOnly(117, 120)
	api.Stubborn(users[125].ID)
	for chunk := range slices.Chunk(ids, 25) {
		assert.Equal(t, len(chunk), c.saq(Delete, ask("id", "IN", list(chunk...))).Count)
	}
	assert.Len(t, api.SAQUsers(), 13)
	c.saq(Delete, ask("id", "IN", list(ids...)))
	assert.Len(t, api.SAQUsers(), 13, "the three stay")
	assert.Equal(t, 2, api.Deletes(ids[0]))
	assert.Equal(t, 2, c.saq(Delete, ask("id", "IN", list(users[125].ID, users[126].ID))).Count)
	assert.Len(t, api.SAQUsers(), 12)
}

func TestAnswersThatDoNotAddUp(t *testing.T) {
	api, c := begin(t)
	team(api)
	api.SetQuirks(Quirks{WrongCount: 2, ExtraIDs: 3})
	assert.Equal(t, 6, c.saq(Count, ask()).Count)
	found := c.saq(Search, ask())
	assert.Equal(t, []int{6, 4}, []int{found.Count, len(found.Users)})
	updated := c.saq(Update, request("<data><User><title>x</title></User></data>", "id", "EQUALS", "101"))
	assert.Equal(t, []int{6, 4}, []int{updated.Count, len(updated.Users)})
	assert.Contains(t, updated.ids(), int64(firstExtraID))
	deleted := c.saq(Delete, ask("id", "EQUALS", "101"))
	assert.Equal(t, []int{6, 4}, []int{deleted.Count, len(deleted.Users)})
	assert.Len(t, api.SAQUsers(), 3)
}

func TestAServerThatTidiesValues(t *testing.T) {
	api, c := begin(t)
	team(api)
	q := api.Quirks()
	q.UpperValues = true
	api.SetQuirks(q)
	c.saq(Update, request("<data><User><lastName>Left</lastName></User></data>", "id", "EQUALS", "101"))
	u, _ := api.SAQUser(101)
	assert.Equal(t, "LEFT", u.LastName)
}

func TestAUserThatWasCreatedAgain(t *testing.T) {
	api, _ := begin(t)
	old := api.AddSAQUsers(1, "Acme")[0]
	u := api.Recreate(old.ID)
	assert.NotEqual(t, old.ID, u.ID)
	assert.NotEqual(t, old.UUID, u.UUID)
	u.ID, u.UUID = old.ID, old.UUID
	assert.Equal(t, old, u)
	_, there := api.SAQUser(old.ID)
	assert.False(t, there)
	assert.Len(t, api.SAQUsers(), 1)
	assert.Equal(t, SAQUser{}, api.Recreate(old.ID))
}

func TestHeadersOfQPS(t *testing.T) {
	for _, headers := range []struct {
		name, path, kind, with string
		quirks                 Quirks
		status                 int
		says                   string
	}{
		{"text/xml", "/count/saq/user", "text/xml", "", Quirks{}, 200, "SUCCESS"},
		{"application/xml", "/count/saq/user", "application/xml; charset=UTF-8", "", Quirks{}, 200, "SUCCESS"},
		{"a slash at the end", "/count/saq/user/", "text/xml", "", Quirks{}, 200, "SUCCESS"},
		{"a form", "/count/saq/user", "application/x-www-form-urlencoded", "", Quirks{}, 415, "text/xml"},
		{"JSON", "/count/saq/user", "application/json", "", Quirks{}, 415, "text/xml"},
		{"redirected", "/delete/saq/user", "text/xml", "", Quirks{RedirectSlash: true}, 302, "moved"},
		{"with the slash not redirected", "/delete/saq/user/", "text/xml", "", Quirks{RedirectSlash: true}, 200, "SUCCESS"},
		{"X-Requested-With is missing", "/count/saq/user", "text/xml", "", Quirks{NeedRequestedWith: true}, 400, "X-Requested-With"},
		{"X-Requested-With is there", "/count/saq/user", "text/xml", "curl", Quirks{NeedRequestedWith: true}, 200, "SUCCESS"},
	} {
		t.Run(headers.name, func(t *testing.T) {
			api, c := begin(t)
			api.SetQuirks(headers.quirks)
			res, text, err := c.do("POST", "/qps/rest/1.0"+headers.path, ask(), "Content-Type", headers.kind, "X-Requested-With", headers.with)
			require.NoError(t, err)
			assert.Equal(t, headers.status, res.StatusCode)
			assert.Contains(t, text, headers.says)
			if headers.status == 302 {
				assert.Equal(t, "/qps/rest/1.0"+headers.path+"/", res.Header.Get("Location"))
			}
		})
	}
}

func TestWhatIsReturnedIsACopy(t *testing.T) {
	api := New()
	team(api)
	api.SAQUsers()[0].Tags[0].Name = "changed"
	u, _ := api.SAQUser(101)
	u.Tags[0].Name = "changed"
	u, _ = api.SAQUser(101)
	assert.Equal(t, "Vendors", u.Tags[0].Name)
	_, there := api.SAQUser(1)
	assert.False(t, there)
}

func TestTheExampleIsTheSameEveryTime(t *testing.T) {
	one, two := New(), New()
	one.Example()
	two.Example()
	users := one.SAQUsers()
	require.Equal(t, users, two.SAQUsers())
	require.Len(t, users, 1200)
	require.Equal(t, 2500, one.State().PlatformUsers)

	companies, logins, newVendors := map[string]int{}, map[string]bool{}, 0
	for _, u := range users {
		companies[u.Company]++
		logins[u.UserName] = true
		assert.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, u.UUID)
		assert.Greater(t, u.ID, int64(firstSAQID-1))
		if u.FirstName == NewVendor {
			newVendors++
			assert.Equal(t, NewVendor, u.Company)
		}
	}
	assert.Len(t, companies, 40)
	assert.Equal(t, 49, companies[NewVendor])
	assert.Equal(t, 49, newVendors)
	assert.Len(t, logins, 1200, "nobody shares a login")
	assert.True(t, logins[Username], "the API account itself is among them")
	assert.EqualValues(t, firstSAQID, New().AddSAQUsers(1, "Acme")[0].ID)
}
