package wire

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"

	"countersign/qualys/body"
)

// Answer is [body.ReadAnswer] of a body of at most 32 MiB, and turns every code but
// SUCCESS into an error.
func (l *Line) Answer(from io.Reader, row body.Row) (body.Answer, error) {
	r := bufio.NewReader(Capped(from))
	if !looksLikeXML(r) {
		text, _ := io.ReadAll(io.LimitReader(r, errorLimit))
		return body.Answer{}, l.Unexpected(text, errors.New("the answer is no XML of Qualys' API"))
	}
	a, err := body.ReadAnswer(r, row)
	if err != nil {
		return a, err
	}
	if a.Code != "SUCCESS" {
		e := &Error{Code: l.scrub(a.Code), Message: l.scrub(a.Message), Resolution: l.scrub(a.Resolution)}
		if a.Code == "" {
			e.Err = errors.New("the answer has no responseCode")
		}
		return a, e
	}
	return a, nil
}

// looksLikeXML tells an answer of the API from a web page or plain text.
func looksLikeXML(r *bufio.Reader) bool {
	start, _ := r.Peek(512)
	head := strings.ToLower(strings.TrimSpace(strings.TrimPrefix(string(start), "\ufeff")))
	return strings.HasPrefix(head, "<") && !strings.Contains(head, "<!doctype html") && !strings.Contains(head, "<html")
}

// Unexpected is the error of an answer that is not what was asked for, with a
// status that says it is: the gateway may answer 200 and mean 401.
func (l *Line) Unexpected(text []byte, cause error) *Error {
	e := &Error{Err: cause}
	l.explain(e, text)
	return e
}

// explain fills in what a body says.
func (l *Line) explain(e *Error, text []byte) {
	if a, err := body.ReadAnswer(bytes.NewReader(text), nil); err == nil && a.Code != "" {
		e.Code, e.Message, e.Resolution = l.scrub(a.Code), l.scrub(a.Message), l.scrub(a.Resolution)
		return
	}
	e.Message = body.Sentence(text, l.scrub)
	if e.Status == 0 {
		e.Status = body.Status(text)
	}
}

// scrub is [body.Clean], and also removes what only this client knows to be secret.
func (l *Line) scrub(text string) string {
	text = l.hide.Replace(text)
	if t := l.tokens.current().value; t != "" {
		text = strings.ReplaceAll(text, t, "***")
	}
	return l.hide.Replace(body.Clean(text)) // again: what was left out may have stood inside
}
