package miniqualys

import (
	"cmp"
	"maps"
	"slices"
)

// A Tag is a label on a SAQ user.
type Tag struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
}

// A SAQUser is an account of the Questionnaire. Empty fields are absent on the
// wire.
type SAQUser struct {
	ID           int64  `json:"id"`
	UUID         string `json:"uuid"`
	FirstName    string `json:"firstName"`
	LastName     string `json:"lastName"`
	Company      string `json:"company"`
	Title        string `json:"title"`
	EmailAddress string `json:"emailAddress"`
	UserName     string `json:"userName"`
	Tags         []Tag  `json:"tags"`
}

// saq is the Questionnaire's users and what happened to them. The server's
// mutex guards it.
type saq struct {
	users   map[int64]*SAQUser
	order   []*SAQUser // the order of answers, when sorted
	sorted  bool
	hidden  map[int64]bool // out of the API user's scope
	gone    map[int64]bool // were here once
	deletes map[int64]int
	updates map[int64]int
	wild    int
	made    int   // how many were made up
	lastID  int64 // the newest id

	stubborn map[int64]bool // survive deletes
	budget   int            // of DeleteOnly: really deleted
	span     int            // of DeleteOnly: users still to come
}

func newSAQ() saq {
	return saq{
		users: map[int64]*SAQUser{}, hidden: map[int64]bool{}, gone: map[int64]bool{}, stubborn: map[int64]bool{},
		deletes: map[int64]int{}, updates: map[int64]int{}, lastID: firstSAQID - 1,
	}
}

// put stores a copy of the user.
func (q *saq) put(u SAQUser) {
	u.Tags = slices.Clone(u.Tags)
	q.users[u.ID] = &u
	q.lastID = max(q.lastID, u.ID)
	q.sorted = false
	delete(q.gone, u.ID)
}

func (q *saq) remove(id int64) {
	if _, ok := q.users[id]; !ok {
		return
	}
	delete(q.users, id)
	q.gone[id] = true
	q.sorted = false
}

// answers returns the users that the API user sees, in the order of answers:
// by id for the well-behaved, else shuffled, but always the same way.
func (q *saq) answers(k Quirks) []*SAQUser {
	if !q.sorted {
		q.order = slices.Collect(maps.Values(q.users))
		slices.SortFunc(q.order, func(a, b *SAQUser) int {
			if k.SortByID {
				return cmp.Compare(a.ID, b.ID)
			}
			return cmp.Or(cmp.Compare(hash(k.Seed, a.ID), hash(k.Seed, b.ID)), cmp.Compare(a.ID, b.ID))
		})
		q.sorted = true
	}
	return slices.DeleteFunc(slices.Clone(q.order), func(u *SAQUser) bool { return q.hidden[u.ID] })
}

// hash mixes numbers (splitmix64); equal ones always give the same.
func hash(seed uint64, id int64) uint64 {
	h := seed*0x9e3779b97f4a7c15 + uint64(id)
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}

func (u *SAQUser) copy() SAQUser {
	c := *u
	c.Tags = slices.Clone(u.Tags)
	return c
}

// SAQUsers returns everybody by id, those out of scope included.
func (s *Server) SAQUsers() []SAQUser {
	s.mu.Lock()
	defer s.mu.Unlock()
	users := make([]SAQUser, 0, len(s.saq.users))
	for _, u := range s.saq.users {
		users = append(users, u.copy())
	}
	slices.SortFunc(users, func(a, b SAQUser) int { return cmp.Compare(a.ID, b.ID) })
	return users
}

// SAQUser returns one user, and whether there is such a user.
func (s *Server) SAQUser(id int64) (SAQUser, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, ok := s.saq.users[id]
	if !ok {
		return SAQUser{}, false
	}
	return u.copy(), true
}

// SetSAQUser adds the user or replaces the one with this id, as somebody
// working in Qualys' own pages would. Without an id the user gets a new one,
// which is returned.
func (s *Server) SetSAQUser(u SAQUser) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u.ID == 0 {
		u.ID = s.saq.nextID()
	}
	if u.UUID == "" {
		u.UUID = uuidOf(u.ID)
	}
	s.saq.put(u)
	return u.ID
}

// RemoveSAQUser removes the user, as somebody working in Qualys' own pages
// would: no ledger counts it.
func (s *Server) RemoveSAQUser(id int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.saq.remove(id)
}

// Recreate removes the user and adds another one that differs in id and uuid
// alone. It returns the new one, or the zero user if there was none.
func (s *Server) Recreate(id int64) SAQUser {
	s.mu.Lock()
	defer s.mu.Unlock()
	old, ok := s.saq.users[id]
	if !ok {
		return SAQUser{}
	}
	u := old.copy()
	s.saq.remove(id)
	u.ID = s.saq.nextID()
	u.UUID = uuidOf(u.ID)
	s.saq.put(u)
	return u
}

// Hide takes users out of the API user's scope: they stay, and no call sees
// them. Show brings them back.
func (s *Server) Hide(ids ...int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		s.saq.hidden[id] = true
	}
}

// Show undoes Hide.
func (s *Server) Show(ids ...int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		delete(s.saq.hidden, id)
	}
}

// DeleteOnly deletes k of the next n users that are to be deleted, and claims
// success for all n. The others stay however often they are deleted.
func (s *Server) DeleteOnly(k, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.saq.budget, s.saq.span = k, n
}

// Stubborn makes users survive: deletes claim success and leave them.
func (s *Server) Stubborn(ids ...int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		s.saq.stubborn[id] = true
	}
}

// Deletes says how often a delete removed the user, claimed to, or named it
// when it was gone.
func (s *Server) Deletes(id int64) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.saq.deletes[id]
}

// Updates says how often an update wrote to the user, with a new value or not,
// or named it when it was gone.
func (s *Server) Updates(id int64) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.saq.updates[id]
}

// RepeatedDeletes returns the ids that were deleted more than once.
func (s *Server) RepeatedDeletes() []int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return repeated(s.saq.deletes)
}

// RepeatedUpdates returns the ids that were updated more than once.
func (s *Server) RepeatedUpdates() []int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return repeated(s.saq.updates)
}

func repeated(times map[int64]int) []int64 {
	var ids []int64
	for id, n := range times {
		if n > 1 {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// Wild says how many updates and deletes came without a criterion on id. Each
// of them could have met everybody.
func (s *Server) Wild() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.saq.wild
}
