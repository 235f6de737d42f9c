package miniqualys

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestNastyNamesSurviveTheXML(t *testing.T) {
	api, c := begin(t)
	api.AddNastyUsers()
	var got []string
	for _, u := range c.saq(Search, ask()).Users {
		got = append(got, u.FirstName+"|"+u.LastName)
	}
	for _, name := range nasty {
		assert.Contains(t, got, name.first+"|"+name.last)
	}
}

// Whatever comes, the answer is a ServiceResponse, and a refusal does nothing.
func FuzzServiceRequest(f *testing.F) {
	for _, seed := range []string{"", ask("id", "IN", "101,102"), request("<data><User><title/></User></data>", "id", "EQUALS", "101"),
		"<ServiceRequest><filters><Criteria/></filters></ServiceRequest>", " <?xml version=\"1.0\"?><ServiceRequest>\u00a0</ServiceRequest>"} {
		f.Add(seed, byte(0))
		f.Add(seed, byte(3))
	}
	f.Fuzz(func(t *testing.T, body string, n byte) {
		api := New()
		team(api)
		before := api.SAQUsers()
		op := []Op{Search, Count, Update, Delete}[n%4]
		r := httptest.NewRequest("POST", saqPrefix+string(op)+saqSuffix, strings.NewReader(body))
		r.Header.Set("Content-Type", "text/xml")
		r.SetBasicAuth(Username, Password)
		w := httptest.NewRecorder()
		api.ServeHTTP(w, r)
		got := readAnswer(t, w.Body.String())
		if got.Code != "SUCCESS" {
			require.Equal(t, "INVALID_REQUEST", got.Code)
			require.NotEmpty(t, got.Message)
			require.Equal(t, before, api.SAQUsers())
		}
	})
}

// The shapes of an answer that pages and recordings of Qualys show say the same.
func TestOddShapesSayTheSame(t *testing.T) {
	api, c := begin(t)
	api.SetSAQUser(SAQUser{ID: 101, FirstName: "a ]]> & <b>", UserName: "x", Tags: []Tag{{7, "one"}, {8, "two"}}})
	plain := c.saq(Search, ask("id", "EQUALS", "101"))
	for _, odd := range []struct {
		name   string
		quirks Quirks
		shows  string
	}{
		{"a count in capitals", Quirks{CountInCapitals: true}, "<COUNT>1</COUNT>"},
		{"CDATA", Quirks{CDATA: true}, "<firstName><![CDATA[a ]]]]><![CDATA[> & <b>]]></firstName>"},
		{"another order", Quirks{ReverseElements: true}, "</tags>\n            <userName>x</userName>"},
		{"another schema", Quirks{WrongSchema: true}, "hostasset.xsd"},
	} {
		t.Run(odd.name, func(t *testing.T) {
			api.SetQuirks(odd.quirks)
			_, text, err := c.qps(Search, ask("id", "EQUALS", "101"))
			require.NoError(t, err)
			assert.Contains(t, text, odd.shows)
			same := readAnswer(t, text)
			if odd.quirks.CountInCapitals {
				same.Count = plain.Count
			}
			assert.Equal(t, plain, same)
		})
	}
	api.SetQuirks(Quirks{EmptyData: true})
	_, text, err := c.qps(Search, ask("id", "EQUALS", "5"))
	require.NoError(t, err)
	assert.Contains(t, text, "<data>\n    </data>")
}
