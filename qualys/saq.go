package qualys

import (
	"bufio"
	"cmp"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"slices"
	"strings"
)

// What one call may hold. Qualys' pages are of 1 to 1000 users.
const (
	pageSize = 1000
	maxIDs   = 1000
)

// Count returns how many SAQ users satisfy the filter; the empty filter counts
// everybody in scope.
//
// It is POST /qps/rest/1.0/count/saq/user. Errors: an invalid filter, and the
// kinds [ErrCredentials], [ErrPermission], [ErrRateLimited], [ErrUnreachable].
//
// Source: https://docs.qualys.com/en/saq/api/users/current_count.htm
func (c *Client) Count(ctx context.Context, f Filter) (int, error) {
	if err := f.Validate(); err != nil {
		return 0, err
	}
	body, err := marshal(countRequest{Filters: f.wire()})
	if err != nil {
		return 0, err
	}
	return retry(ctx, c, func() (int, error) {
		a, err := c.ask(ctx, call{op: "count/saq/user", body: body}, nil)
		if err == nil && a.count < 0 {
			err = &Error{Op: "count/saq/user", Status: http.StatusOK, Err: errors.New("the answer has no count")}
		}
		return a.count, err
	})
}

// Search yields the SAQ users that satisfy the filter, each once, a page of
// 1000 at a time, in Qualys' order; the empty filter yields everybody in scope.
// The first error ends it.
//
// Every user is checked against the filter, because a server that ignored a
// condition would have selected everybody: [ErrIgnoredCriteria]. Each page
// begins with the last user of the page before, which proves that nobody came
// or went in between and that the server heeds the offset. If that fails, the
// search is begun once more for the users still missing; if it fails again,
// the error is [ErrIncomplete]. So is an answer with fewer users than it counts.
//
// It is POST /qps/rest/1.0/search/saq/user.
// Source: https://docs.qualys.com/en/saq/api/users/search_users.htm
func (c *Client) Search(ctx context.Context, f Filter) iter.Seq2[SAQUser, error] {
	return func(yield func(SAQUser, error) bool) {
		if err := f.Validate(); err != nil {
			yield(SAQUser{}, err)
			return
		}
		s := search{client: c, filter: f, seen: map[SAQUserID]bool{}}
		err := s.pass(ctx, yield)
		if errors.Is(err, errMoved) {
			err = s.pass(ctx, yield)
		}
		if err != nil && !errors.Is(err, errStopped) {
			yield(SAQUser{}, err)
		}
	}
}

var (
	errMoved   = fmt.Errorf("search/saq/user: %w: the pages do not fit together, users came or went while they were read", ErrIncomplete)
	errStopped = errors.New("the caller wants no more")
)

// A search reads pages until it has seen everybody.
type search struct {
	client *Client
	filter Filter
	seen   map[SAQUserID]bool
}

// pass reads all pages once and yields the users not yet seen.
func (s *search) pass(ctx context.Context, yield func(SAQUser, error) bool) error {
	var last SAQUserID // the user with whom the next page must begin
	rows := 0          // read in this pass, the shared ones once
	for {
		p, err := s.page(ctx, max(rows, 1))
		if err != nil {
			return err
		}
		shared := 0
		if rows > 0 {
			if len(p.users) == 0 || p.users[0].ID != last {
				return errMoved
			}
			shared = 1
		}
		fresh := p.users[shared:]
		rows += len(fresh)
		if err := s.hand(fresh, yield); err != nil {
			return err
		}
		switch {
		case p.last():
			return p.counted(rows)
		case len(fresh) == 0:
			return fmt.Errorf("search/saq/user: %w: Qualys says there are more users and sends none", ErrIncomplete)
		}
		last = p.users[len(p.users)-1].ID
	}
}

// hand checks a page whole, then yields it.
func (s *search) hand(users []SAQUser, yield func(SAQUser, error) bool) error {
	for _, u := range users {
		if i := slices.IndexFunc(s.filter, func(c Condition) bool { return !c.matches(u) }); i >= 0 {
			return fmt.Errorf("search/saq/user: %w: user %d does not satisfy the condition on %s", ErrIgnoredCriteria, u.ID, s.filter[i].Field)
		}
	}
	for _, u := range users {
		if s.seen[u.ID] {
			continue
		}
		s.seen[u.ID] = true
		if !yield(u, nil) {
			return errStopped
		}
	}
	return nil
}

// A page is a part of what a search found.
type page struct {
	answer
	users []SAQUser
}

// last reports whether no page follows. Without a word from Qualys a full page
// may have a successor, and a short one has none.
func (p page) last() bool {
	return p.more == "false" || p.more == "" && len(p.users) < pageSize
}

// counted compares the count of the last page with its rows, or with all of
// them: Qualys' pages do not say which it is.
func (p page) counted(rows int) error {
	if p.count > len(p.users) && p.count != rows {
		return fmt.Errorf("search/saq/user: %w: Qualys counts %d users and sends %d", ErrIncomplete, p.count, len(p.users))
	}
	return nil
}

func (s *search) page(ctx context.Context, offset int) (page, error) {
	body, err := marshal(searchRequest{
		Filters:     s.filter.wire(),
		Preferences: preferences{StartFromOffset: offset, LimitResults: pageSize},
	})
	if err != nil {
		return page{}, err
	}
	return retry(ctx, s.client, func() (page, error) {
		var p page
		var err error
		p.answer, err = s.client.ask(ctx, call{op: "search/saq/user", body: body}, func(u SAQUser) error {
			p.users = append(p.users, u)
			return nil
		})
		return p, err
	})
}

// Find returns the SAQ users with the given ids, at most 1000, in one search.
// An id that is unknown, deleted or out of scope is just absent; a user who was
// not asked for is [ErrIgnoredCriteria]. No ids, no call, nobody found.
func (c *Client) Find(ctx context.Context, ids []SAQUserID) ([]SAQUser, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	list, err := idList(ids)
	if err != nil {
		return nil, err
	}
	var found []SAQUser
	for u, err := range c.Search(ctx, Filter{{Field: ID, Operator: In, Values: list}}) {
		if err != nil {
			return nil, err
		}
		found = append(found, u)
	}
	return found, nil
}

// Update writes the change to the users with the given ids, and returns the
// ids that Qualys says it touched. They are a claim: read back what happened.
//
// It is never repeated here. An error that is not [ErrUnknownOutcome] proves
// that nothing was done; after one that is, wait [Error.Settle] and read back.
//
// It is POST /qps/rest/1.0/update/saq/user with "id IN".
// Source: https://docs.qualys.com/en/saq/api/users/update_bulk.htm
func (c *Client) Update(ctx context.Context, ids []SAQUserID, change Change) ([]SAQUserID, error) {
	users, err := name(ids)
	if err != nil {
		return nil, err
	}
	if err := change.Validate(len(slices.Compact(slices.Sorted(slices.Values(ids))))); err != nil {
		return nil, err
	}
	body, err := marshal(updateRequest{Users: users, Patch: change.patch()})
	if err != nil {
		return nil, err
	}
	return c.write(ctx, call{op: "update/saq/user", body: body})
}

// Delete deletes the users with the given ids, and returns the ids that Qualys
// says it deleted. What [Client.Update] says about errors and claims holds here.
//
// It is POST /qps/rest/1.0/delete/saq/user with "id IN". (The heading of
// Qualys' page says update, its sample says delete.)
// Source: https://docs.qualys.com/en/saq/api/users/delete_bulk.htm
func (c *Client) Delete(ctx context.Context, ids []SAQUserID) ([]SAQUserID, error) {
	users, err := name(ids)
	if err != nil {
		return nil, err
	}
	body, err := marshal(deleteRequest{Users: users})
	if err != nil {
		return nil, err
	}
	return c.write(ctx, call{op: "delete/saq/user", body: body})
}

func (c *Client) write(ctx context.Context, k call) ([]SAQUserID, error) {
	k.write = true
	var touched []SAQUserID
	_, err := c.ask(ctx, k, func(u SAQUser) error {
		touched = append(touched, u.ID)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return slices.Compact(slices.Sorted(slices.Values(touched))), nil
}

// ask makes one attempt of a Questionnaire call. Success is a 2xx status *and*
// the code SUCCESS: Qualys answers a wrong password with 200.
func (c *Client) ask(ctx context.Context, k call, user func(SAQUser) error) (answer, error) {
	k.method = http.MethodPost
	k.url = c.api + "/qps/rest/1.0/" + k.op
	k.accept, k.content = "application/xml, text/xml;q=0.9", "text/xml"
	row := users(func(u SAQUser) error {
		if user == nil {
			return nil
		}
		return user(u)
	})
	var a answer
	err := c.withBasic(ctx, k, func(_ *http.Response, body io.Reader) error {
		var err error
		a, err = c.decode(body, row)
		return err
	})
	return a, err
}

// withBasic shows the credentials at the API server.
func (c *Client) withBasic(ctx context.Context, k call, use func(*http.Response, io.Reader) error) error {
	leave, err := c.basic.enter(ctx, k.op)
	if err != nil {
		return fmt.Errorf("%s: %w", k.op, err)
	}
	k.authorize = func(req *http.Request) { req.SetBasicAuth(c.username, c.password.Reveal()) }
	err = c.do(ctx, k, use)
	leave(err)
	return err
}

// decode reads a ServiceResponse and turns every code but SUCCESS into an error.
func (c *Client) decode(body io.Reader, row func(*xml.Decoder, xml.StartElement) error) (answer, error) {
	r := bufio.NewReader(&capped{r: body, n: listLimit})
	if !looksLikeXML(r) {
		text, _ := io.ReadAll(io.LimitReader(r, errorLimit))
		return answer{}, &Error{Message: c.sentence(text), Err: errors.New("the answer is no XML of Qualys' API")}
	}
	a, err := decodeAnswer(r, row)
	if err != nil {
		return a, err
	}
	if a.code != "SUCCESS" {
		e := &Error{Code: c.scrub(a.code), Message: c.scrub(a.message), Resolution: c.scrub(a.resolution)}
		if a.code == "" {
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

// Version returns the version of the platform, such as "3.18.0.0". It reads
// nothing about users and so serves to try the credentials.
//
// It is GET /qps/rest/portal/version.
func (c *Client) Version(ctx context.Context) (string, error) {
	k := call{op: "portal/version", method: http.MethodGet, url: c.api + "/qps/rest/portal/version", accept: "application/xml, text/xml;q=0.9"}
	return retry(ctx, c, func() (string, error) {
		versions := map[string]string{}
		err := c.withBasic(ctx, k, func(_ *http.Response, body io.Reader) error {
			_, err := c.decode(body, portalVersion(versions))
			return err
		})
		return cmp.Or(versions["PortalApplication-VERSION"], versions["QWeb-Version"], versions["QUESTIONNAIRE-VERSION"], "unknown"), err
	})
}

// portalVersion collects the texts of the elements, wherever they stand.
func portalVersion(versions map[string]string) func(*xml.Decoder, xml.StartElement) error {
	return func(d *xml.Decoder, start xml.StartElement) error {
		name := start.Name.Local
		for depth := 1; depth > 0; {
			t, err := d.Token()
			if err != nil {
				return err
			}
			switch t := t.(type) {
			case xml.StartElement:
				depth, name = depth+1, t.Name.Local
			case xml.EndElement:
				depth--
			case xml.CharData:
				if s := strings.TrimSpace(string(t)); s != "" {
					versions[name] = clean(s)
				}
			}
		}
		return nil
	}
}
