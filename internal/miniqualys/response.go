package miniqualys

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

const (
	saqSchema  = "https://qualysapi.p01.eng.sjc01.qualys.com/qps/xsd/1.0/saq/user.xsd"
	hostSchema = "https://qualysapi.p01.eng.sjc01.qualys.com/qps/xsd/2.0/am/hostasset.xsd" // as recorded: the wrong one
)

// A refusal is what /qps says instead of SUCCESS, with HTTP 200.
type refusal struct {
	code, message, resolution string
}

func invalid(message, resolution string) *refusal {
	return &refusal{code: "INVALID_REQUEST", message: message, resolution: resolution}
}

// A response is a ServiceResponse that says SUCCESS.
type response struct {
	count int
	users []SAQUser
	full  bool // users with all their fields, not ids alone
	paged bool // says whether there are more
	more  bool
}

func (r response) reply() reply {
	var b bytes.Buffer
	open(&b, saqSchema)
	leaf(&b, 1, "responseCode", "SUCCESS")
	leaf(&b, 1, "count", strconv.Itoa(r.count))
	if r.paged {
		leaf(&b, 1, "hasMoreRecords", strconv.FormatBool(r.more))
	}
	if r.paged && r.more {
		leaf(&b, 1, "lastId", strconv.FormatInt(r.users[len(r.users)-1].ID, 10))
	}
	if len(r.users) > 0 {
		b.WriteString("    <data>\n")
		for _, u := range r.users {
			b.WriteString("        <User>\n")
			u.write(&b, r.full)
			b.WriteString("        </User>\n")
		}
		b.WriteString("    </data>\n")
	}
	b.WriteString("</ServiceResponse>")
	return reply{status: http.StatusOK, kind: "application/xml", body: b.Bytes()}
}

func (r refusal) reply(schema string) reply {
	var b bytes.Buffer
	open(&b, schema)
	leaf(&b, 1, "responseCode", r.code)
	b.WriteString("    <responseErrorDetails>\n")
	leaf(&b, 2, "errorMessage", r.message)
	leaf(&b, 2, "errorResolution", r.resolution)
	b.WriteString("    </responseErrorDetails>\n</ServiceResponse>")
	return reply{status: http.StatusOK, kind: "application/xml", body: b.Bytes()}
}

// write writes the inside of a User; empty fields are absent.
func (u SAQUser) write(b *bytes.Buffer, full bool) {
	leaf(b, 3, "id", strconv.FormatInt(u.ID, 10))
	if !full {
		return
	}
	for _, f := range [][2]string{{"uuid", u.UUID}, {"firstName", u.FirstName}, {"lastName", u.LastName},
		{"company", u.Company}, {"title", u.Title}, {"emailAddress", u.EmailAddress}, {"userName", u.UserName}} {
		if f[1] != "" {
			leaf(b, 3, f[0], f[1])
		}
	}
	if len(u.Tags) == 0 {
		return
	}
	b.WriteString("            <tags>\n")
	for _, t := range u.Tags {
		b.WriteString("                <Tag>\n")
		leaf(b, 5, "id", strconv.FormatInt(t.ID, 10))
		leaf(b, 5, "name", t.Name)
		b.WriteString("                </Tag>\n")
	}
	b.WriteString("            </tags>\n")
}

func open(b *bytes.Buffer, schema string) {
	b.WriteString(xml.Header)
	fmt.Fprintf(b, "<ServiceResponse xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:noNamespaceSchemaLocation=%q>\n", schema)
}

// leaf writes an element with a text, so many levels deep.
func leaf(b *bytes.Buffer, depth int, name, text string) {
	b.WriteString(strings.Repeat("    ", depth))
	b.WriteString("<" + name + ">")
	_ = xml.EscapeText(b, []byte(text)) // a buffer takes everything
	b.WriteString("</" + name + ">\n")
}
