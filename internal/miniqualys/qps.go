package miniqualys

import (
	"fmt"
	"mime"
	"net/http"
	"strings"
)

// questionnaire answers the calls about SAQ users.
func (s *Server) questionnaire(op Op, r *http.Request, body []byte) reply {
	if s.quirks.RedirectSlash && !strings.HasSuffix(r.URL.Path, "/") {
		moved := page(http.StatusFound, "The document has moved.")
		moved.header = http.Header{"Location": {r.URL.Path + "/"}}
		return moved
	}
	if s.quirks.NeedRequestedWith && r.Header.Get("X-Requested-With") == "" {
		return page(http.StatusBadRequest, "The header X-Requested-With is missing.")
	}
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if r.Method == http.MethodPost && kind != "text/xml" && kind != "application/xml" {
		return page(http.StatusUnsupportedMediaType, "This call takes text/xml or application/xml.")
	}
	if refused := s.basic(r); refused != nil {
		return refused.reply(saqSchema)
	}
	req, refused := readServiceRequest(body)
	if refused != nil {
		return refused.reply(saqSchema)
	}
	switch op {
	case Search:
		return s.search(req)
	case Count:
		return response{quirks: s.quirks, count: len(s.selected(req.criteria)) + s.quirks.WrongCount}.reply()
	case Update:
		return s.update(req)
	}
	return s.delete(req)
}

// search answers with one page of users.
func (s *Server) search(req serviceRequest) reply {
	users := s.selected(req.criteria)
	from := min(req.from-1, len(users))
	to := min(from+req.limit, len(users))
	res := response{quirks: s.quirks, count: to - from + s.quirks.WrongCount, full: true, paged: to > from, more: to < len(users)}
	for _, u := range users[from:to] {
		res.users = append(res.users, *u)
	}
	return res.reply()
}

// note keeps the ledger of a write: whether it named ids, and who of them had
// been gone before.
func (q *saq) note(criteria []criterion, times map[int64]int) {
	ids, ok := named(criteria)
	if !ok {
		q.wild++
	}
	for _, id := range ids {
		if q.gone[id] {
			times[id]++
		}
	}
}

// update applies the patch to everybody selected and answers with them.
func (s *Server) update(req serviceRequest) reply {
	if refused := s.checkPatch(req); refused != nil {
		return refused.reply(saqSchema)
	}
	s.saq.note(req.criteria, s.saq.updates)
	res := response{full: true}
	for _, u := range s.selected(req.criteria) {
		for _, e := range req.patch {
			value := strings.TrimSpace(e.Text)
			if s.quirks.UpperValues {
				value = strings.ToUpper(value)
			}
			*u.writable(e.XMLName.Local) = value
		}
		s.saq.updates[u.ID]++
		res.users = append(res.users, *u)
	}
	return s.claim(res)
}

func (s *Server) checkPatch(req serviceRequest) *refusal {
	if !req.hasPatch || len(req.patch) == 0 {
		return invalid("Data: no values to update", "Specify one User with the values that change.")
	}
	for _, e := range req.patch {
		if new(SAQUser).writable(e.XMLName.Local) == nil {
			return invalid(fmt.Sprintf("Data: User.%s cannot be updated", e.XMLName.Local),
				"Specify firstName, lastName, company, title or emailAddress.")
		}
	}
	return nil
}

// writable returns the place of a field that updates may write, or nil.
func (u *SAQUser) writable(name string) *string {
	switch name {
	case "firstName":
		return &u.FirstName
	case "lastName":
		return &u.LastName
	case "company":
		return &u.Company
	case "title":
		return &u.Title
	case "emailAddress":
		return &u.EmailAddress
	}
	return nil
}

// delete removes everybody selected and answers with their ids. Data in the
// request means nothing to it.
func (s *Server) delete(req serviceRequest) reply {
	s.saq.note(req.criteria, s.saq.deletes)
	var res response
	for _, u := range s.selected(req.criteria) {
		s.saq.deletes[u.ID]++
		if s.saq.yields(u.ID) {
			s.saq.remove(u.ID)
		}
		res.users = append(res.users, *u)
	}
	return s.claim(res)
}

// yields reports whether the user lets itself be deleted.
func (q *saq) yields(id int64) bool {
	if q.stubborn[id] {
		return false
	}
	if q.span == 0 {
		return true
	}
	q.span--
	if q.budget > 0 {
		q.budget--
		return true
	}
	q.stubborn[id] = true
	return false
}

// claim finishes the answer of a write.
func (s *Server) claim(res response) reply {
	for i := range s.quirks.ExtraIDs {
		id := int64(firstExtraID + i)
		res.users = append(res.users, SAQUser{ID: id, UUID: uuidOf(id), FirstName: "Nobody", LastName: "Named"})
	}
	res.quirks, res.count = s.quirks, len(res.users)+s.quirks.WrongCount
	return res.reply()
}

// version is GET /qps/rest/portal/version.
func (s *Server) version(r *http.Request) reply {
	if refused := s.basic(r); refused != nil {
		return refused.reply(hostSchema)
	}
	return document(hostSchema, Quirks{}, leaf("responseCode", "SUCCESS"), leaf("count", "1"), node{name: "data", children: []node{
		{name: "Portal-Version", children: []node{
			leaf("PortalApplication-VERSION", "3.19.0.0-12"),
			leaf("QUESTIONNAIRE-VERSION", "2.26.0.0"),
			leaf("QUESTIONNAIRE__V2-VERSION", "1.14.0.0"),
		}},
		{name: "QWeb-Version", children: []node{leaf("WEB-VERSION", "10.30.2.0-1")}},
	}})
}
