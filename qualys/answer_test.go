package qualys

import (
	"encoding/xml"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/qualys/body"
)

// read is decodeAnswer with all users at once.
func read(text string) (body.Answer, []SAQUser, error) {
	var all []SAQUser
	a, err := body.ReadAnswer(strings.NewReader(text), users(func(u SAQUser) error {
		all = append(all, u)
		return nil
	}))
	return a, all, err
}

const head = `<?xml version="1.0" encoding="UTF-8"?>
<ServiceResponse xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="https://qualysapi.p01.eng.sjc01.qualys.com/qps/xsd/1.0/saq/user.xsd">
`

// Every shape of an answer that Qualys' pages or recordings show.
func TestEveryDocumentedAnswerIsRead(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		want       body.Answer
		users      []SAQUser
	}{
		{"an update, in full", `<responseCode>SUCCESS</responseCode><count>2</count><data>
        <User>
            <id>713091591</id>
            <uuid>d78bbe2c-5396-48ea-92cc-03d0076ee839</uuid>
            <firstName>Invitee123123</firstName>
            <lastName>user-api-renamed3</lastName>
            <company>VendorForExistingUser_gs4</company>
            <emailAddress>maher@qualys.com</emailAddress>
            <userName>invitee.user23@qualys</userName>
            <tags><Tag><id>18975646</id><name>CLV-ALL</name></Tag><Tag><id>24504212</id><name>AssetTagTest</name></Tag></tags>
        </User>
        <User><id>767231592</id><userName>newvendor.lastnamevendor@vendor_5hm</userName></User></data>`,
			body.Answer{Code: "SUCCESS", Count: 2, Rows: 2}, []SAQUser{
				{ID: 713091591, UUID: "d78bbe2c-5396-48ea-92cc-03d0076ee839", FirstName: "Invitee123123", LastName: "user-api-renamed3",
					Company: "VendorForExistingUser_gs4", EmailAddress: "maher@qualys.com", UserName: "invitee.user23@qualys",
					Tags: []Tag{{18975646, "CLV-ALL"}, {24504212, "AssetTagTest"}}},
				{ID: 767231592, UserName: "newvendor.lastnamevendor@vendor_5hm"},
			}},
		{"a delete, ids alone", `<responseCode>SUCCESS</responseCode><count>49</count><data><User><id>767231594</id></User><User><id>
			801690392 </id></User></data>`, body.Answer{Code: "SUCCESS", Count: 49, Rows: 2}, []SAQUser{{ID: 767231594}, {ID: 801690392}}},
		{"nobody", `<responseCode>SUCCESS</responseCode><count>0</count>`, body.Answer{Code: "SUCCESS"}, nil},
		{"empty data", `<responseCode>SUCCESS</responseCode><count>0</count><hasMoreRecords>false</hasMoreRecords><data/>`, body.Answer{Code: "SUCCESS", More: "false"}, nil},
		{"no count", `<responseCode>SUCCESS</responseCode><data></data>`, body.Answer{Code: "SUCCESS", Count: -1}, nil},
		{"a code in small letters", `<responseCode> success </responseCode><count>0</count>`, body.Answer{Code: "SUCCESS"}, nil},
		{"a refusal in small letters", `<responseCode>Invalid_Credentials</responseCode><count>0</count>`, body.Answer{Code: "INVALID_CREDENTIALS"}, nil},
		{"a count in capitals", `<responseCode>SUCCESS</responseCode><COUNT>7</COUNT>`, body.Answer{Code: "SUCCESS", Count: 7}, nil},
		{"another order", `<data><User><title>T</title><tags></tags><userName>u</userName><id>1</id></User></data><lastId>1</lastId><hasMoreRecords>TRUE</hasMoreRecords><count> 1 </count><responseCode> SUCCESS </responseCode>`,
			body.Answer{Code: "SUCCESS", Count: 1, Rows: 1, More: "true"}, []SAQUser{{ID: 1, UserName: "u", Title: "T"}}},
		{"CDATA", `<responseCode>SUCCESS</responseCode><data><User><id>1</id><firstName><![CDATA[A & <B>]]></firstName></User></data>`,
			body.Answer{Code: "SUCCESS", Count: -1, Rows: 1}, []SAQUser{{ID: 1, FirstName: "A & <B>"}}},
		{"a refusal", `<responseCode>INVALID_REQUEST</responseCode><responseErrorDetails><errorMessage>Criteria: Invalid value format for criteria 'id' (x)</errorMessage><errorResolution>Specify criteria value(s) as Long.</errorResolution></responseErrorDetails>`,
			body.Answer{Code: "INVALID_REQUEST", Message: "Criteria: Invalid value format for criteria 'id' (x)", Resolution: "Specify criteria value(s) as Long.", Count: -1}, nil},
		{"a refusal without advice", `<responseCode>UNAUTHORIZED</responseCode><responseErrorDetails><errorMessage>no</errorMessage></responseErrorDetails>`,
			body.Answer{Code: "UNAUTHORIZED", Message: "no", Count: -1}, nil},
		{"a refusal in plain text", `<responseCode>UNAUTHORIZED</responseCode><responseErrorDetails> no </responseErrorDetails>`,
			body.Answer{Code: "UNAUTHORIZED", Message: "no", Count: -1}, nil},
		{"elements nobody knows", `<responseCode>SUCCESS</responseCode><new><data>x</data></new><data><User><id>1</id><new><id>2</id></new></User></data>`,
			body.Answer{Code: "SUCCESS", Count: -1, Rows: 1}, []SAQUser{{ID: 1}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a, all, err := read(head + tt.body + "</ServiceResponse>\n")
			require.NoError(t, err)
			assert.Equal(t, tt.want, a)
			assert.Equal(t, tt.users, all)
		})
	}
}

func TestAnswersThatMakeNoSense(t *testing.T) {
	for _, tt := range []struct{ name, text, says string }{
		{"nothing", "", "unexpected EOF"},
		{"another root", "<html></html>", `the answer is a "html"`},
		{"cut off", head + "<responseCode>SUCCESS</responseCode>", "EOF"},
		{"cut off in a user", head + "<data><User><id>1</id>", "EOF"},
		{"two documents", head + "</ServiceResponse><ServiceResponse/>", "second document"},
		{"text behind", head + "</ServiceResponse>x", "text after the end"},
		{"a user without id", head + "<data><User><firstName>x</firstName></User></data></ServiceResponse>", "without a proper id"},
		{"a user with id 0", head + "<data><User><id>0</id></User></data></ServiceResponse>", "without a proper id"},
		{"a tag with a word for id", head + "<data><User><id>1</id><tags><Tag><id>x</id></Tag></tags></User></data></ServiceResponse>", "user 1 has a tag"},
		{"somebody else among users", head + "<data><HostAsset/></data></ServiceResponse>", `"HostAsset" among the users`},
		{"a count of words", head + "<count>many</count></ServiceResponse>", "count is no number"},
		{"a negative count", head + "<count>-1</count></ServiceResponse>", "count is no number"},
		{"an entity of its own", `<!DOCTYPE x [<!ENTITY a "b">]><ServiceResponse><responseCode>&a;</responseCode></ServiceResponse>`, "invalid character entity"},
		{"a file from outside", `<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><ServiceResponse><responseCode>&a;</responseCode></ServiceResponse>`, "invalid character entity"},
		{"laughs", `<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><ServiceResponse><responseCode>&b;</responseCode></ServiceResponse>`, "invalid character entity"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := read(tt.text)
			require.ErrorContains(t, err, tt.says)
		})
	}
}

// Whatever comes, it is an answer with proper ids or an error, and the same
// for any chunking.
func FuzzAnswer(f *testing.F) {
	f.Add(head + "<responseCode>SUCCESS</responseCode><count>1</count><data><User><id>1</id><tags><Tag><id>2</id><name>x</name></Tag></tags></User></data></ServiceResponse>")
	f.Add(head + "<responseCode>UNAUTHORIZED</responseCode><responseErrorDetails><errorMessage>m</errorMessage></responseErrorDetails></ServiceResponse>")
	f.Add("<ServiceResponse><data><User><id>9223372036854775808</id></User></data></ServiceResponse>")
	f.Fuzz(func(t *testing.T, text string) {
		a, all, err := read(text)
		if err != nil {
			return
		}
		require.Equal(t, a.Rows, len(all))
		for _, u := range all {
			require.Positive(t, int64(u.ID))
		}
		var n int
		again, err := body.ReadAnswer(iotest.OneByteReader(strings.NewReader(text)), users(func(SAQUser) error { n++; return nil }))
		require.NoError(t, err)
		require.Equal(t, a, again)
		require.Len(t, all, n)
	})
}

// What a request says comes out as it went in, whatever the name.
func FuzzRequest(f *testing.F) {
	f.Add("Acme & <Sons>")
	f.Add(`]]> "quoted" 'x'`)
	f.Fuzz(func(t *testing.T, value string) {
		filter := Filter{{Field: Company, Operator: Equals, Values: []string{value}}}
		change := NewChange(Set{Field: Company, Value: value})
		if filter.Validate() != nil || change.Validate(2) != nil {
			return
		}
		body, err := marshal(searchRequest{Filters: filter.wire()})
		require.NoError(t, err)
		var got searchRequest
		require.NoError(t, xml.Unmarshal(body, &got))
		require.Equal(t, []criterion{{Company, Equals, strings.TrimSpace(value)}}, got.Filters.Criteria)

		users, err := name([]SAQUserID{3, 1, 3})
		require.NoError(t, err)
		body, err = marshal(updateRequest{Users: users, Patch: change.patch()})
		require.NoError(t, err)
		var patched updateRequest
		require.NoError(t, xml.Unmarshal(body, &patched))
		require.Equal(t, named{ID, In, "1,3"}, patched.Users)
		require.Equal(t, patch{Company: &value}, patched.Patch)
	})
}
