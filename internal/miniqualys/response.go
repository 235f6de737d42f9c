package miniqualys

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"net/http"
	"slices"
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
	quirks Quirks
	count  int
	users  []SAQUser
	full   bool // users with all their fields, not ids alone
	paged  bool // says whether there are more
	more   bool
}

func (r response) reply() reply {
	parts := []node{leaf("responseCode", "SUCCESS"), leaf("count", strconv.Itoa(r.count))}
	if r.quirks.CountInCapitals {
		parts[1].name = "COUNT"
	}
	if r.paged {
		parts = append(parts, leaf("hasMoreRecords", strconv.FormatBool(r.more)))
	}
	if r.paged && r.more {
		parts = append(parts, leaf("lastId", strconv.FormatInt(r.users[len(r.users)-1].ID, 10)))
	}
	if len(r.users) > 0 || r.quirks.EmptyData {
		data := node{name: "data"}
		for _, u := range r.users {
			data.children = append(data.children, u.node(r.full))
		}
		parts = append(parts, data)
	}
	schema := saqSchema
	if r.quirks.WrongSchema {
		schema = hostSchema
	}
	return document(schema, r.quirks, parts...)
}

func (r refusal) reply(schema string) reply {
	return document(schema, Quirks{}, leaf("responseCode", r.code), node{name: "responseErrorDetails", children: []node{
		leaf("errorMessage", r.message), leaf("errorResolution", r.resolution),
	}})
}

// node returns a User; empty fields are absent.
func (u SAQUser) node(full bool) node {
	n := node{name: "User", children: []node{leaf("id", strconv.FormatInt(u.ID, 10))}}
	if !full {
		return n
	}
	for _, f := range [][2]string{{"uuid", u.UUID}, {"firstName", u.FirstName}, {"lastName", u.LastName},
		{"company", u.Company}, {"title", u.Title}, {"emailAddress", u.EmailAddress}, {"userName", u.UserName}} {
		if f[1] != "" {
			n.children = append(n.children, leaf(f[0], f[1]))
		}
	}
	if len(u.Tags) == 0 {
		return n
	}
	tags := node{name: "tags"}
	for _, t := range u.Tags {
		tags.children = append(tags.children, node{name: "Tag", children: []node{leaf("id", strconv.FormatInt(t.ID, 10)), leaf("name", t.Name)}})
	}
	n.children = append(n.children, tags)
	return n
}

// A node is an element with a text or with children.
type node struct {
	name     string
	text     string
	isLeaf   bool
	children []node
}

func leaf(name, text string) node { return node{name: name, text: text, isLeaf: true} }

// document is a ServiceResponse of the parts.
func document(schema string, q Quirks, parts ...node) reply {
	var b bytes.Buffer
	b.WriteString(xml.Header)
	fmt.Fprintf(&b, "<ServiceResponse xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:noNamespaceSchemaLocation=%q>\n", schema)
	writeAll(&b, q, 1, parts)
	b.WriteString("</ServiceResponse>")
	return reply{status: http.StatusOK, kind: "application/xml", body: b.Bytes()}
}

func writeAll(b *bytes.Buffer, q Quirks, depth int, nodes []node) {
	if q.ReverseElements && len(nodes) > 1 && nodes[0].name != nodes[1].name { // a list keeps its order
		nodes = slices.Clone(nodes)
		slices.Reverse(nodes)
	}
	for _, n := range nodes {
		n.write(b, q, depth)
	}
}

// write writes the element, so many levels deep.
func (n node) write(b *bytes.Buffer, q Quirks, depth int) {
	indent := strings.Repeat("    ", depth)
	b.WriteString(indent + "<" + n.name + ">")
	switch {
	case !n.isLeaf:
		b.WriteString("\n")
		writeAll(b, q, depth+1, n.children)
		b.WriteString(indent)
	case q.CDATA:
		b.WriteString("<![CDATA[" + strings.ReplaceAll(n.text, "]]>", "]]]]><![CDATA[>") + "]]>")
	default:
		_ = xml.EscapeText(b, []byte(n.text)) // a buffer takes everything
	}
	b.WriteString("</" + n.name + ">\n")
}
