package qualys

import (
	"cmp"
	"context"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"

	"countersign/qualys/body"
	"countersign/qualys/wire"
)

// What one call may hold. Qualys' pages are of 1 to 1000 users.
const (
	pageSize    = 1000
	defaultPage = 100 // where nothing is said
	maxIDs      = 1000
)

// The calls of the API server, as [Error.Op] names them.
const (
	opCount   = "count/saq/user"
	opSearch  = "search/saq/user"
	opUpdate  = "update/saq/user"
	opDelete  = "delete/saq/user"
	opVersion = "portal/version"

	acceptXML = "application/xml, text/xml;q=0.9"
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
	return wire.Read(ctx, c.line, opCount, func() (int, error) {
		a, err := c.ask(ctx, wire.Call{Op: opCount, Body: body}, nil)
		if err == nil && a.Count < 0 {
			err = &Error{Op: opCount, Status: http.StatusOK, Err: errors.New("the answer has no count")}
		}
		return a.Count, err
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
	users, err := c.name(ids)
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
	return c.write(ctx, ids, wire.Call{Op: opUpdate, Body: body})
}

// Delete deletes the users with the given ids, and returns the ids that Qualys
// says it deleted. What [Client.Update] says about errors and claims holds here.
//
// It is POST /qps/rest/1.0/delete/saq/user with "id IN". (The heading of
// Qualys' page says update, its sample says delete.)
// Source: https://docs.qualys.com/en/saq/api/users/delete_bulk.htm
func (c *Client) Delete(ctx context.Context, ids []SAQUserID) ([]SAQUserID, error) {
	users, err := c.name(ids)
	if err != nil {
		return nil, err
	}
	body, err := marshal(deleteRequest{Users: users})
	if err != nil {
		return nil, err
	}
	return c.write(ctx, ids, wire.Call{Op: opDelete, Body: body})
}

// name makes the criterion of a write, unless it names who must not be touched.
func (c *Client) name(ids []SAQUserID) (named, error) {
	if err := c.mayWrite(ids); err != nil {
		return named{}, err
	}
	return name(ids)
}

func (c *Client) write(ctx context.Context, ids []SAQUserID, k wire.Call) ([]SAQUserID, error) {
	k.Write = true
	var touched []SAQUserID
	a, err := c.ask(ctx, k, func(u SAQUser) error {
		touched = append(touched, u.ID)
		return nil
	})
	if err != nil {
		return nil, err
	}
	touched = slices.Compact(slices.Sorted(slices.Values(touched)))
	if missing, extra := Differ(ids, touched); len(missing)+len(extra) > 0 || a.Count >= 0 && a.Count != a.Rows {
		c.line.Log().WarnContext(ctx, "Qualys claims something else than it was told", "op", k.Op,
			"missing", missing, "extra", extra, "count", a.Count, "rows", a.Rows)
	}
	return touched, nil
}

// Differ compares the users that a write named with those that Qualys says it
// touched. Who is missing was not changed (unknown, out of scope, or failed);
// who is extra was never ours to touch, and is a reason for an alarm.
func Differ(named, touched []SAQUserID) (missing, extra []SAQUserID) {
	without := func(all, those []SAQUserID) []SAQUserID {
		return slices.DeleteFunc(slices.Clone(all), func(id SAQUserID) bool { return slices.Contains(those, id) })
	}
	return without(named, touched), without(touched, named)
}

// ask makes one attempt of a Questionnaire call. Success is a 2xx status *and*
// the code SUCCESS: Qualys answers a wrong password with 200.
func (c *Client) ask(ctx context.Context, k wire.Call, user func(SAQUser) error) (body.Answer, error) {
	k.Method = http.MethodPost
	k.Path = "/qps/rest/1.0/" + k.Op
	k.Accept, k.Content = acceptXML, "text/xml"
	if user == nil {
		user = func(SAQUser) error { return nil }
	}
	var a body.Answer
	err := c.line.Basic(ctx, k, func(body io.Reader) error {
		var err error
		a, err = c.line.Answer(body, users(user))
		return err
	})
	return a, err
}

// Version returns the version of the platform, such as "3.18.0.0". It reads
// nothing about users and so serves to try the credentials.
//
// It is GET /qps/rest/portal/version.
func (c *Client) Version(ctx context.Context) (string, error) {
	k := wire.Call{Op: opVersion, Method: http.MethodGet, Path: "/qps/rest/portal/version", Accept: acceptXML}
	return wire.Read(ctx, c.line, opVersion, func() (string, error) {
		versions := map[string]string{}
		err := c.line.Basic(ctx, k, func(body io.Reader) error {
			_, err := c.line.Answer(body, portalVersion(versions))
			return err
		})
		return cmp.Or(versions["PortalApplication-VERSION"], versions["QWeb-Version"], versions["QUESTIONNAIRE-VERSION"], "unknown"), err
	})
}

// portalVersion collects the texts of the elements, wherever they stand.
func portalVersion(versions map[string]string) body.Row {
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
					versions[name] = body.Clean(s)
				}
			}
		}
		return nil
	}
}
