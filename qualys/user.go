package qualys

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A SAQUserID is how the Questionnaire API names a user: a positive integer
// (its pages say Integer, its errors say Long). It never converts to or from
// anything the Administration API uses.
type SAQUserID int64

// ParseSAQUserID reads an id as people paste it, blanks around it included.
func ParseSAQUserID(s string) (SAQUserID, error) {
	n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
	if err != nil || n <= 0 {
		return 0, fmt.Errorf("%q is no user id", s)
	}
	return SAQUserID(n), nil
}

func (id SAQUserID) String() string { return strconv.FormatInt(int64(id), 10) }

// A Tag is a label on a SAQ user.
type Tag struct {
	ID   int64
	Name string
}

// A SAQUser is an account of the Questionnaire module: a respondent, often of
// a vendor. Any field but ID may be empty. It is not a [PlatformUser], and
// nothing documents a key between the two.
type SAQUser struct {
	ID           SAQUserID
	UUID         string
	UserName     string
	FirstName    string
	LastName     string
	EmailAddress string
	Company      string
	Title        string
	Tags         []Tag
}

// SortSAQUsers orders users by id, which is how plans and files list them.
func SortSAQUsers(users []SAQUser) {
	slices.SortFunc(users, func(a, b SAQUser) int { return cmp.Compare(a.ID, b.ID) })
}
