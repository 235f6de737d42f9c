package download

import (
	"context"
	"io"
	"slices"
	"strings"
	"sync/atomic"

	"countersign/qualys/sheet"
	"countersign/qualys/wire"
)

// A roleReading is what is known of how Qualys reads a list of roles. Its page
// gives "READER, SCANNER" as an example of the filter and says no more: users
// who hold one of them, users who hold all, or users of a role by that name.
type roleReading struct{ known atomic.Int32 }

const (
	readsUnknown int32 = iota
	readsAnyOf
	readsOtherwise
)

// anyOf reports whether Qualys may be asked for the roles of the download,
// because it takes them as we do: at least one of them. No roles and a single
// one leave no doubt. A name with a comma would be taken for two.
func (r *roleReading) anyOf(ctx context.Context, d *download) (bool, error) {
	roles := d.query.Roles
	switch {
	case slices.ContainsFunc(roles, func(role string) bool { return strings.Contains(role, ",") }):
		return false, nil
	case len(roles) < 2 || r.known.Load() == readsAnyOf:
		return true, nil
	case r.known.Load() == readsOtherwise:
		return false, nil
	}
	list, err := d.match(ctx, roles...)
	if err != nil {
		return false, err
	}
	var each []int
	for _, role := range roles {
		n, err := d.match(ctx, role)
		if err != nil {
			return false, err
		}
		each = append(each, n)
	}
	if list < 0 || slices.Min(each) < 0 {
		return false, nil
	}
	// At least one of them: as many as the most frequent, or more. All of them:
	// as many as the rarest, or fewer. Where both hold, the readings agree.
	switch {
	case list < slices.Max(each):
		r.known.Store(readsOtherwise)
		return false, nil
	case list > slices.Min(each):
		r.known.Store(readsAnyOf)
	}
	return true, nil
}

// match returns how many users hold the roles according to Qualys, or -1 if it
// does not say.
func (d *download) match(ctx context.Context, roles ...string) (int, error) {
	q := d.query
	q.Roles = roles
	k, err := q.call(1, 0)
	if err != nil {
		return 0, err
	}
	k.Sent = d.calls.add
	return wire.Read(ctx, d.line, wire.OpDownload, func() (total int, err error) {
		err = d.line.Bearer(ctx, k, func(body io.Reader) error {
			p, err := sheet.NewTable(io.Discard).Add(body)
			total = p.Total
			return d.explain(err)
		})
		return total, err
	})
}
