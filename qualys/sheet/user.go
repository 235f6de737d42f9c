package sheet

import (
	"iter"
	"slices"
	"strings"
)

// A PlatformUser is an account of the Qualys platform as a row of the download
// shows it. Its key is Username; the download holds no id.
type PlatformUser struct {
	Username     string
	FirstName    string
	LastName     string
	EmailAddress string
	Modules      List
	Roles        List
	Tags         List   // business units among it
	Status       string // such as ACTIVE, PENDING_ACTIVATION, INACTIVE
	ExternalID   string // may be "-"
	SuperUser    bool
	SAML         bool
}

// A List is a cell that lists names, such as "[READER, PC User, READER]".
type List string

// Names yields the names as Qualys lists them, duplicates among it. A name that
// holds a comma cannot be told from two names.
func (l List) Names() iter.Seq[string] {
	return func(yield func(string) bool) {
		cell := strings.TrimSpace(string(l))
		cell = strings.TrimSuffix(strings.TrimPrefix(cell, "["), "]")
		for name := range strings.SplitSeq(cell, ",") {
			if name = strings.TrimSpace(name); name != "" && !yield(name) {
				return
			}
		}
	}
}

// Has reports whether a name is in the list, whatever the case, and with blanks
// or underscores (Qualys writes UNIT MANAGER and unit_manager); also one that
// holds a comma.
func (l List) Has(name string) bool {
	return strings.Contains(l.joined(), List(name).joined())
}

func (l List) joined() string {
	joined := ", " + strings.Join(slices.Collect(l.Names()), ", ") + ", "
	return strings.ToLower(strings.ReplaceAll(joined, "_", " "))
}

// columns says where in a record each column stands.
type columns struct {
	byName map[string]int  // in lower case
	known  [len(known)]int // -1 for one that is absent
}

// known are the columns of a [PlatformUser], in its order.
var known = [...]string{"username", "first name", "last name", "email address", "module", "roles", "tags", "status",
	"external id", "super user", "saml status"}

func newColumns(header []string) columns {
	c := columns{byName: map[string]int{}}
	for i, name := range header {
		key := strings.ToLower(strings.TrimSpace(name))
		if _, taken := c.byName[key]; !taken {
			c.byName[key] = i
		}
	}
	for i, name := range known {
		c.known[i] = -1
		if at, ok := c.byName[name]; ok {
			c.known[i] = at
		}
	}
	return c
}

// user reads a record of the download by the names of its columns.
func (c *columns) user(record []string) PlatformUser {
	cell := func(i int) string {
		if at := c.known[i]; at >= 0 {
			return record[at]
		}
		return ""
	}
	return PlatformUser{
		Username: cell(0), FirstName: cell(1), LastName: cell(2), EmailAddress: cell(3),
		Modules: List(cell(4)), Roles: List(cell(5)), Tags: List(cell(6)),
		Status: cell(7), ExternalID: cell(8), SuperUser: yes(cell(9)), SAML: yes(cell(10)),
	}
}

func yes(cell string) bool {
	cell = strings.TrimSpace(cell)
	return strings.EqualFold(cell, "true") || strings.EqualFold(cell, "enabled")
}
