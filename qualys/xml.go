package qualys

import (
	"cmp"
	"encoding/xml"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"countersign/qualys/body"
)

// The shapes on the wire. Each request has a type of its own, so that what is
// meant for one path cannot be sent to another: a body for update that reached
// the path of delete would delete everybody it names.

type searchRequest struct {
	XMLName     xml.Name    `xml:"ServiceRequest"`
	Filters     *filters    `xml:"filters,omitempty"`
	Preferences preferences `xml:"preferences"`
}

type countRequest struct {
	XMLName xml.Name `xml:"ServiceRequest"`
	Filters *filters `xml:"filters,omitempty"`
}

type updateRequest struct {
	XMLName xml.Name `xml:"ServiceRequest"`
	Users   named    `xml:"filters>Criteria"`
	Patch   patch    `xml:"data>User"`
}

type deleteRequest struct {
	XMLName xml.Name `xml:"ServiceRequest"`
	Users   named    `xml:"filters>Criteria"`
}

type filters struct {
	Criteria []criterion `xml:"Criteria"`
}

type criterion struct {
	Field    Field    `xml:"field,attr"`
	Operator Operator `xml:"operator,attr"`
	Value    string   `xml:",chardata"`
}

// preferences ask for a page. StartFromOffset counts from 1; the first page
// begins where it begins, however a server counts.
type preferences struct {
	StartFromOffset int       `xml:"startFromOffset,omitempty"`
	StartFromID     SAQUserID `xml:"startFromId,omitempty"`
	LimitResults    int       `xml:"limitResults"`
}

// named is the one criterion that a write may carry: id IN.
type named criterion

// patch holds what an update writes: a nil field is absent and stays as it is,
// an empty one is cleared.
type patch struct {
	FirstName    *string `xml:"firstName"`
	LastName     *string `xml:"lastName"`
	Company      *string `xml:"company"`
	Title        *string `xml:"title"`
	EmailAddress *string `xml:"emailAddress"`
}

// name makes the criterion of a write. It is the only maker, and refuses to
// name nobody.
func name(ids []SAQUserID) (named, error) {
	if len(ids) == 0 {
		return named{}, ErrNobody
	}
	list, err := idList(ids)
	return named{Field: ID, Operator: In, Value: strings.Join(list, ",")}, err
}

// idList returns the ids in order, each once.
func idList(ids []SAQUserID) ([]string, error) {
	sorted := slices.Compact(slices.Sorted(slices.Values(ids)))
	if len(sorted) > maxIDs {
		return nil, fmt.Errorf("%d ids in one call, %d are the most", len(sorted), maxIDs)
	}
	list := make([]string, len(sorted))
	for i, id := range sorted {
		if id <= 0 {
			return nil, fmt.Errorf("%d is no user id", id)
		}
		list[i] = id.String()
	}
	return list, nil
}

func (c Change) patch() patch {
	var p patch
	to := map[Field]**string{
		FirstName: &p.FirstName, LastName: &p.LastName, Company: &p.Company,
		Title: &p.Title, EmailAddress: &p.EmailAddress,
	}
	for _, s := range c {
		*to[s.Field] = &s.Value
	}
	return p
}

// wire returns the filter as criteria, or nil for everybody.
func (f Filter) wire() *filters {
	if len(f) == 0 {
		return nil
	}
	w := &filters{}
	for _, c := range f {
		w.Criteria = append(w.Criteria, criterion{c.Field, c.Operator, strings.Join(c.normal(), ",")})
	}
	return w
}

// marshal writes a request body.
func marshal(request any) ([]byte, error) {
	body, err := xml.Marshal(request)
	if err != nil {
		return nil, err
	}
	return append([]byte(xml.Header), body...), nil
}

// users returns a row reader that hands each user on. Elements come in any
// order, any but id may be absent, and what is not known is skipped. It is
// written out, token by token, because encoding/xml takes half as long again to
// find out by reflection what stands here.
func users(yield func(SAQUser) error) body.Row {
	return func(d *xml.Decoder, start xml.StartElement) error {
		if !strings.EqualFold(start.Name.Local, "User") {
			return fmt.Errorf("a %q among the users", body.Clip(start.Name.Local))
		}
		u, err := readUser(d)
		if err != nil {
			return err
		}
		return yield(u)
	}
}

// wireUser is a SAQ user on the wire.
type wireUser struct {
	SAQUser
	id   string
	tags []wireTag
}

type wireTag struct{ id, name string }

// text returns where the text of an element belongs, or nil.
func (w *wireUser) text(element string) *string {
	switch element {
	case "id":
		return &w.id
	case "uuid":
		return &w.UUID
	case "userName":
		return &w.UserName
	case "firstName":
		return &w.FirstName
	case "lastName":
		return &w.LastName
	case "emailAddress":
		return &w.EmailAddress
	case "company":
		return &w.Company
	case "title":
		return &w.Title
	}
	return nil
}

// readUser reads a User, whose start has been read.
func readUser(d *xml.Decoder) (SAQUser, error) {
	var w wireUser
	err := children(d, func(name string) error {
		if to := w.text(name); to != nil {
			return leaf(d, to)
		}
		if name == "tags" {
			return readTags(d, &w.tags)
		}
		return d.Skip()
	})
	if err != nil {
		return SAQUser{}, err
	}
	if w.ID, err = ParseSAQUserID(w.id); err != nil {
		return SAQUser{}, errors.New("a user without a proper id")
	}
	for _, t := range w.tags {
		n, err := strconv.ParseInt(cmp.Or(strings.TrimSpace(t.id), "0"), 10, 64)
		if err != nil {
			return SAQUser{}, fmt.Errorf("user %d has a tag without a proper id", w.ID)
		}
		w.Tags = append(w.Tags, Tag{ID: n, Name: t.name})
	}
	return w.SAQUser, nil
}

// readTags reads what stands inside tags. Other Qualys APIs put a list around
// the elements and call them otherwise.
func readTags(d *xml.Decoder, tags *[]wireTag) error {
	return children(d, func(name string) error {
		switch name {
		case "list":
			return readTags(d, tags)
		case "Tag", "TagSimple", "TagData":
		default:
			return d.Skip()
		}
		var t wireTag
		err := children(d, func(name string) error {
			switch name {
			case "id":
				return leaf(d, &t.id)
			case "name":
				return leaf(d, &t.name)
			}
			return d.Skip()
		})
		*tags = append(*tags, t)
		return err
	})
}

// children hands the name of each element inside the present one on, which must
// read it to its end.
func children(d *xml.Decoder, read func(name string) error) error {
	for {
		t, err := d.Token()
		if err != nil {
			return err
		}
		switch t := t.(type) {
		case xml.EndElement:
			return nil
		case xml.StartElement:
			if err := read(t.Name.Local); err != nil {
				return err
			}
		}
	}
}

// leaf reads the text of the present element.
func leaf(d *xml.Decoder, to *string) error {
	*to = ""
	for {
		t, err := d.Token()
		if err != nil {
			return err
		}
		switch t := t.(type) {
		case xml.EndElement:
			return nil
		case xml.StartElement:
			if err := d.Skip(); err != nil {
				return err
			}
		case xml.CharData:
			*to += string(t)
		}
	}
}
