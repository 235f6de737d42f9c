package qualys

import (
	"cmp"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
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

// preferences ask for a page. StartFromOffset counts from 1.
type preferences struct {
	StartFromOffset int `xml:"startFromOffset"`
	LimitResults    int `xml:"limitResults"`
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

// wireUser is a SAQ user on the wire. Elements come in any order, and any but
// id may be absent.
type wireUser struct {
	ID           string    `xml:"id"`
	UUID         string    `xml:"uuid"`
	UserName     string    `xml:"userName"`
	FirstName    string    `xml:"firstName"`
	LastName     string    `xml:"lastName"`
	EmailAddress string    `xml:"emailAddress"`
	Company      string    `xml:"company"`
	Title        string    `xml:"title"`
	Tags         []wireTag `xml:"tags>Tag"`
}

type wireTag struct {
	ID   string `xml:"id"`
	Name string `xml:"name"`
}

func (w wireUser) user() (SAQUser, error) {
	id, err := ParseSAQUserID(w.ID)
	if err != nil {
		return SAQUser{}, errors.New("a user without a proper id")
	}
	u := SAQUser{
		ID: id, UUID: w.UUID, UserName: w.UserName, FirstName: w.FirstName, LastName: w.LastName,
		EmailAddress: w.EmailAddress, Company: w.Company, Title: w.Title,
	}
	for _, t := range w.Tags {
		n, err := strconv.ParseInt(cmp.Or(strings.TrimSpace(t.ID), "0"), 10, 64)
		if err != nil {
			return SAQUser{}, fmt.Errorf("user %d has a tag without a proper id", id)
		}
		u.Tags = append(u.Tags, Tag{ID: n, Name: t.Name})
	}
	return u, nil
}

// An answer is a ServiceResponse without its data.
type answer struct {
	code                string // responseCode
	message, resolution string // responseErrorDetails
	count               int    // -1 if absent
	rows                int    // users in data
	more                string // hasMoreRecords as written, in lower case, or empty
}

// decodeAnswer reads a ServiceResponse as a stream: each element of data is
// handed to row and forgotten, so that memory does not grow with the list. The
// order of the elements, their case and the schema location do not matter, and
// nothing is ever fetched.
func decodeAnswer(r io.Reader, row func(*xml.Decoder, xml.StartElement) error) (answer, error) {
	a := answer{count: -1}
	d := xml.NewDecoder(r)
	root, err := nextStart(d)
	if err != nil {
		return a, err
	}
	if !strings.EqualFold(root.Name.Local, "ServiceResponse") {
		return a, fmt.Errorf("the answer is a %q, no ServiceResponse", clip(root.Name.Local))
	}
	for {
		t, err := d.Token()
		if err != nil {
			return a, whole(err)
		}
		switch t := t.(type) {
		case xml.EndElement:
			return a, tail(d)
		case xml.StartElement:
			if err := a.element(d, t, row); err != nil {
				return a, err
			}
		}
	}
}

func (a *answer) element(d *xml.Decoder, start xml.StartElement, row func(*xml.Decoder, xml.StartElement) error) error {
	switch strings.ToLower(start.Name.Local) {
	case "responsecode":
		return text(d, start, &a.code)
	case "responseerrordetails":
		var details struct {
			Message    string `xml:"errorMessage"`
			Resolution string `xml:"errorResolution"`
			Text       string `xml:",chardata"`
		}
		err := d.DecodeElement(&details, &start)
		a.message, a.resolution = strings.TrimSpace(details.Message), strings.TrimSpace(details.Resolution)
		if a.message == "" {
			a.message = strings.TrimSpace(details.Text)
		}
		return whole(err)
	case "count":
		var s string
		if err := text(d, start, &s); err != nil || s == "" {
			return err
		}
		n, err := strconv.Atoi(s)
		if err != nil || n < 0 {
			return errors.New("the count is no number")
		}
		a.count = n
		return nil
	case "hasmorerecords":
		err := text(d, start, &a.more)
		a.more = strings.ToLower(a.more)
		return err
	case "data":
		return a.data(d, row)
	}
	return whole(d.Skip())
}

func (a *answer) data(d *xml.Decoder, row func(*xml.Decoder, xml.StartElement) error) error {
	for {
		t, err := d.Token()
		if err != nil {
			return whole(err)
		}
		switch t := t.(type) {
		case xml.EndElement:
			return nil
		case xml.StartElement:
			a.rows++
			if row == nil {
				err = d.Skip()
			} else {
				err = row(d, t)
			}
			if err != nil {
				return whole(err)
			}
		}
	}
}

// users returns a row reader that hands each user on.
func users(yield func(SAQUser) error) func(*xml.Decoder, xml.StartElement) error {
	return func(d *xml.Decoder, start xml.StartElement) error {
		if !strings.EqualFold(start.Name.Local, "User") {
			return fmt.Errorf("a %q among the users", clip(start.Name.Local))
		}
		var w wireUser
		if err := d.DecodeElement(&w, &start); err != nil {
			return err
		}
		u, err := w.user()
		if err != nil {
			return err
		}
		return yield(u)
	}
}

func nextStart(d *xml.Decoder) (xml.StartElement, error) {
	for {
		t, err := d.Token()
		if err != nil {
			return xml.StartElement{}, whole(err)
		}
		if s, ok := t.(xml.StartElement); ok {
			return s, nil
		}
	}
}

// tail reads what follows the root: it must be blank, and its end must be
// seen, for the connection to be used again.
func tail(d *xml.Decoder) error {
	for {
		t, err := d.Token()
		switch t := t.(type) {
		case nil:
			if err == io.EOF {
				return nil
			}
			return err
		case xml.StartElement:
			return errors.New("a second document in the answer")
		case xml.CharData:
			if strings.TrimSpace(string(t)) != "" {
				return errors.New("text after the end of the answer")
			}
		}
	}
}

func text(d *xml.Decoder, start xml.StartElement, to *string) error {
	err := d.DecodeElement(to, &start)
	*to = strings.TrimSpace(*to)
	return whole(err)
}

// whole names an end in the middle for what it is.
func whole(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// clip shortens a foreign word for an error of ours.
func clip(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}
