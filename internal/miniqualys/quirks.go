package miniqualys

import "slices"

// Quirks are lasting oddities of the server. The zero value is a server that
// does what the documentation says, in the hostile reading.
type Quirks struct {
	// Of the download.
	IgnoreLimit    bool        // answers with as many rows as its cap allows
	IgnoreOffset   bool        // answers with the first page again and again
	CapTotal       bool        // has no rows behind the cap, though the total says so
	Cap            int         // rows of one download; 0 means 1,000
	JSONError200   bool        // answers an error as JSON, with 200
	HTMLError      bool        // answers an error as HTML, with 200
	NotEnabled     bool        // 403: the new Administration application is not subscribed
	NoNote         bool        // leaves the first line out
	ExtraColumns   bool        // adds columns nobody has heard of
	ReorderColumns bool        // puts the columns into another order
	BOM            bool        // begins with a byte order mark
	CRLF           bool        // ends lines as Windows does
	RoleList       RoleReading // what "READER, SCANNER" means

	// Of the Questionnaire calls.
	CaseSensitive     bool     // EQUALS and CONTAINS mind upper and lower case
	IgnoreCriteria    []string // criteria on these fields do not count
	SortByID          bool     // search answers in order, as the page's samples do
	Seed              uint64   // another seed, another order
	WrongCount        int      // is added to the count of every answer
	ExtraIDs          int      // so many users nobody named are in the answers of writes
	UpperValues       bool     // updates store what they are given in capitals
	EmptyData         bool     // an empty data element where nobody is
	CountInCapitals   bool     // COUNT, as a page of Qualys writes it
	CDATA             bool     // texts stand in CDATA sections
	ReverseElements   bool     // elements come in another order
	WrongSchema       bool     // answers name the schema of another type
	RedirectSlash     bool     // 302 to the path with a slash at its end
	NeedRequestedWith bool     // 400 without X-Requested-With, as /api/2.0/fo does
}

// A RoleReading says what a list of roles in the download's filter means.
type RoleReading string

// The three readings of a page that only gives "READER, SCANNER" as example.
const (
	AnyOf   RoleReading = ""        // users with one of the roles
	AllOf   RoleReading = "all-of"  // users with all of them
	Literal RoleReading = "literal" // users with a role of just this name
)

// SetQuirks replaces the quirks.
func (s *Server) SetQuirks(q Quirks) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q.IgnoreCriteria = slices.Clone(q.IgnoreCriteria)
	s.quirks = q
	s.saq.sorted = false
}

// Quirks returns them, to change one and set them again.
func (s *Server) Quirks() Quirks {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.quirks
}
