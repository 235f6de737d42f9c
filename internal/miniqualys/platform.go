package miniqualys

import (
	"cmp"
	"iter"
	"slices"
	"sort"
	"strings"
)

// A PlatformUser is one row of the download.
type PlatformUser struct {
	Username   string
	FirstName  string
	LastName   string
	Email      string
	Modules    []string
	Roles      []string // with repetitions, as Qualys gives them
	Tags       []string
	Status     string // ACTIVE, PENDING_ACTIVATION or INACTIVE
	ExternalID string // may be "" or "-"
	SuperUser  bool
	SAML       bool
}

// platform is the Administration API's users. Most of them are made up when
// they are looked at, so that a million need no memory. The server's mutex
// guards it; its slices are replaced, never changed, because downloads go on
// reading them without it.
type platform struct {
	made  int            // how many are made up
	added []PlatformUser // by username
	match matches
}

// matches remembers the last filter's users: the pages of a download ask again
// and again.
type matches struct {
	roles string
	read  RoleReading
	valid bool
	ranks []int32
}

// maxMade is how many usernames there are to make up.
const maxMade = 26 * 26 * 26 * 26 * 26

// AddPlatformUsers makes n users up, the same for every server, until there are
// 11,881,376 of them. It costs nothing before they are downloaded.
func (s *Server) AddPlatformUsers(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.platform.made = min(s.platform.made+max(n, 0), maxMade)
	s.platform.match.valid = false
}

// AddPlatformUser adds one user, or replaces the added one of the same
// username.
func (s *Server) AddPlatformUser(u PlatformUser) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := &s.platform
	i, found := slices.BinarySearchFunc(p.added, u.Username, byUsername)
	added := slices.Clone(p.added)
	if found {
		added[i] = u
	} else {
		added = slices.Insert(added, i, u)
	}
	p.added, p.match.valid = added, false
}

// RemovePlatformUser removes a user that AddPlatformUser added.
func (s *Server) RemovePlatformUser(username string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := &s.platform
	if i, found := slices.BinarySearchFunc(p.added, username, byUsername); found {
		p.added, p.match.valid = slices.Delete(slices.Clone(p.added), i, i+1), false
	}
}

func byUsername(u PlatformUser, name string) int { return cmp.Compare(u.Username, name) }

// PlatformUsers yields everybody, by username.
func (s *Server) PlatformUsers() iter.Seq[PlatformUser] {
	s.mu.Lock()
	all := s.platform.everybody()
	s.mu.Unlock()
	return func(yield func(PlatformUser) bool) {
		for i := range all.total() {
			if !yield(all.at(i)) {
				return
			}
		}
	}
}

// A view is some of the users at one moment, in one order.
type view struct {
	made   int
	added  []PlatformUser
	places []int   // where the added stand among everybody
	ranks  []int32 // who belongs to it; nil means everybody
	desc   bool
}

func (p *platform) everybody() view {
	v := view{made: p.made, added: p.added, places: make([]int, len(p.added))}
	for k, u := range p.added {
		v.places[k] = k + sort.Search(p.made, func(n int) bool { return madeName(n) > u.Username })
	}
	return v
}

// selected returns the users with the roles, by username.
func (p *platform) selected(roles string, read RoleReading) view {
	all := p.everybody()
	if strings.TrimSpace(roles) == "" {
		return all
	}
	m := &p.match
	if !m.valid || m.roles != roles || m.read != read {
		ranks := []int32{} // nobody is not everybody
		for i := range all.total() {
			if read.admits(roles, all.rolesAt(i)) {
				ranks = append(ranks, int32(i))
			}
		}
		*m = matches{roles: roles, read: read, valid: true, ranks: ranks}
	}
	all.ranks = m.ranks
	return all
}

// admits reports whether somebody with the roles is asked for.
func (r RoleReading) admits(asked string, roles []string) bool {
	has := func(name string) bool {
		return slices.ContainsFunc(roles, func(role string) bool {
			return strings.EqualFold(role, strings.TrimSpace(name))
		})
	}
	lacks := func(name string) bool { return !has(name) }
	switch r {
	case Literal:
		return has(asked)
	case AllOf:
		return !slices.ContainsFunc(strings.Split(asked, ","), lacks)
	}
	return slices.ContainsFunc(strings.Split(asked, ","), has)
}

func (v view) total() int {
	if v.ranks != nil {
		return len(v.ranks)
	}
	return v.made + len(v.added)
}

// row returns the i-th user of the view.
func (v view) row(i int) PlatformUser {
	if v.desc {
		i = v.total() - 1 - i
	}
	if v.ranks != nil {
		i = int(v.ranks[i])
	}
	return v.at(i)
}

// at returns the i-th of everybody.
func (v view) at(i int) PlatformUser {
	n, made := v.find(i)
	if made {
		return madeUser(n)
	}
	return v.added[n]
}

func (v view) rolesAt(i int) []string {
	n, made := v.find(i)
	if made {
		return madeRoles(n)
	}
	return v.added[n].Roles
}

// find says which made-up or added user is the i-th of everybody.
func (v view) find(i int) (n int, made bool) {
	k, added := slices.BinarySearch(v.places, i)
	if added {
		return k, false
	}
	return i - k, true
}
