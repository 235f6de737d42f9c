package miniqualys

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"strconv"
	"strings"
)

const (
	defaultPage = 100
	largestPage = 1000
)

// An element is any XML element of a request.
type element struct {
	XMLName  xml.Name
	Attrs    []xml.Attr `xml:",any,attr"`
	Text     string     `xml:",chardata"`
	Children []element  `xml:",any"`
}

func (e element) attr(name string) string {
	for _, a := range e.Attrs {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// A serviceRequest is what a call of SAQ users asks.
type serviceRequest struct {
	criteria []criterion
	limit    int
	from     int // counted from 1
	patch    []element
	hasPatch bool
}

// readServiceRequest reads the body. None at all asks for everybody.
func readServiceRequest(body []byte) (serviceRequest, *refusal) {
	req := serviceRequest{limit: defaultPage, from: 1}
	if len(bytes.TrimSpace(body)) == 0 {
		return req, nil
	}
	var root element
	if err := xml.Unmarshal(body, &root); err != nil || root.XMLName.Local != "ServiceRequest" {
		return req, invalid("Invalid XML: the document is no ServiceRequest", "Specify a valid request according to the XSD.")
	}
	for _, part := range root.Children {
		if r := req.read(part); r != nil {
			return req, r
		}
	}
	return req, nil
}

func (q *serviceRequest) read(part element) *refusal {
	switch part.XMLName.Local {
	case "filters":
		return q.readFilters(part)
	case "preferences":
		return q.readPreferences(part)
	case "data":
		return q.readData(part)
	}
	return unknownElement(part)
}

func (q *serviceRequest) readFilters(part element) *refusal {
	for _, e := range part.Children {
		if e.XMLName.Local != "Criteria" {
			return unknownElement(e)
		}
		c, r := newCriterion(e.attr("field"), e.attr("operator"), e.Text)
		if r != nil {
			return r
		}
		q.criteria = append(q.criteria, c)
	}
	return nil
}

func (q *serviceRequest) readPreferences(part element) *refusal {
	for _, e := range part.Children {
		n, err := strconv.Atoi(strings.TrimSpace(e.Text))
		switch name := e.XMLName.Local; {
		case name != "limitResults" && name != "startFromOffset":
			return unknownElement(e)
		case err != nil:
			return invalid(fmt.Sprintf("Preferences: Invalid value format for '%s' (%s)", name, e.Text), "Specify the value as Integer.")
		case name == "limitResults" && (n < 1 || n > largestPage):
			return invalid(fmt.Sprintf("Preferences: limitResults (%d) is out of range", n), "Specify a value from 1 to 1000.")
		case name == "startFromOffset" && n < 1:
			return invalid(fmt.Sprintf("Preferences: startFromOffset (%d) is out of range", n), "Specify a value of 1 or more.")
		case name == "limitResults":
			q.limit = n
		default:
			q.from = n
		}
	}
	return nil
}

func (q *serviceRequest) readData(part element) *refusal {
	if len(part.Children) != 1 || part.Children[0].XMLName.Local != "User" {
		return invalid("Data: exactly one User is expected", "Specify one User whose values all matches get.")
	}
	q.patch, q.hasPatch = part.Children[0].Children, true
	return nil
}

func unknownElement(e element) *refusal {
	return invalid(fmt.Sprintf("Invalid element '%s'", e.XMLName.Local), "Specify a valid request according to the XSD.")
}
