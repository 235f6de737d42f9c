package body

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// An Answer is a ServiceResponse without its data.
type Answer struct {
	Code                string // responseCode, in upper case
	Message, Resolution string // responseErrorDetails
	Count               int    // -1 if absent
	Rows                int    // elements in data
	More                string // hasMoreRecords as written, in lower case, or empty
}

// A Row reads one element of an answer's data, all of it.
type Row func(*xml.Decoder, xml.StartElement) error

// ReadAnswer reads a ServiceResponse as a stream: each element of data is
// handed to row and forgotten, so that memory does not grow with the list. The
// order of the elements, their case and the schema location do not matter, and
// nothing is ever fetched. A nil row skips the data.
func ReadAnswer(r io.Reader, row Row) (Answer, error) {
	a := Answer{Count: -1}
	d := xml.NewDecoder(r)
	d.CharsetReader = asUTF8
	root, err := nextStart(d)
	if err != nil {
		return a, err
	}
	if !strings.EqualFold(root.Name.Local, "ServiceResponse") {
		return a, fmt.Errorf("the answer is a %q, no ServiceResponse", Clip(root.Name.Local))
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

func (a *Answer) element(d *xml.Decoder, start xml.StartElement, row Row) error {
	switch strings.ToLower(start.Name.Local) {
	case "responsecode":
		err := text(d, start, &a.Code)
		a.Code = strings.ToUpper(a.Code)
		return err
	case "responseerrordetails":
		var details struct {
			Message    string `xml:"errorMessage"`
			Resolution string `xml:"errorResolution"`
			Text       string `xml:",chardata"`
		}
		err := d.DecodeElement(&details, &start)
		a.Message, a.Resolution = strings.TrimSpace(details.Message), strings.TrimSpace(details.Resolution)
		if a.Message == "" {
			a.Message = strings.TrimSpace(details.Text)
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
		a.Count = n
		return nil
	case "hasmorerecords":
		err := text(d, start, &a.More)
		a.More = strings.ToLower(a.More)
		return err
	case "data":
		return a.data(d, row)
	}
	return whole(d.Skip())
}

func (a *Answer) data(d *xml.Decoder, row Row) error {
	for {
		t, err := d.Token()
		if err != nil {
			return whole(err)
		}
		switch t := t.(type) {
		case xml.EndElement:
			return nil
		case xml.StartElement:
			a.Rows++
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

// asUTF8 is for answers that call themselves ASCII, say: what is not UTF-8 in
// spite of its name is an error of the decoder.
func asUTF8(_ string, r io.Reader) (io.Reader, error) { return r, nil }

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

// Clip shortens a foreign word for an error of ours.
func Clip(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}
