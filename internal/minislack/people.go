package minislack

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// A Team is the workspace.
type Team struct {
	ID     string // such as "T0EXAMPLE"
	Name   string
	Domain string
}

// A Person is someone in the workspace, the app's bot user included.
type Person struct {
	ID       string // "U…"; made from the name when empty
	Name     string // the handle, such as "alice"
	RealName string
	Email    string
	TZ       string // a time zone of the tz database; UTC when empty
	Team     string // the home workspace; this one when empty

	Enterprise string // the same human across workspaces, or empty

	Deleted         bool // deactivated
	Bot             bool
	Admin           bool
	Restricted      bool // a guest of several channels
	UltraRestricted bool // a guest of one channel
	Stranger        bool // from another organisation, through Slack Connect
}

func (p *Person) zone() *time.Location {
	if zone, err := time.LoadLocation(p.TZ); err == nil {
		return zone
	}
	return time.UTC
}

// A Group is a user group, such as @approvers.
type Group struct {
	ID       string // "S…"; made from the handle when empty
	Handle   string
	Name     string
	Members  []string // names or ids
	Disabled bool
}

// A Channel is a place for messages.
type Channel struct {
	ID        string // "C…"; made from the name when empty
	Name      string // without #
	Private   bool
	Archived  bool
	ExtShared bool     // shared with another organisation
	Members   []string // names or ids; "bot" is the app's bot user
	DM        string   // the person of a direct conversation with the bot, or empty
}

// The bot user every workspace has, and its app.
const (
	BotUser = "U0BOT"
	BotID   = "B0BOT"
	AppID   = "A0MINISLACK"
)

// team, people, groups and channels, in the order in which they were added.
type workspace struct {
	team     Team
	people   []*Person
	groups   []*Group
	channels []*room
}

// A room is a channel with what was said in it.
type room struct {
	Channel
	created  time.Time
	messages []*message
	last     int64 // the newest ts, in microseconds
}

func newWorkspace() workspace {
	return workspace{
		team:   Team{ID: "T0EXAMPLE", Name: "Example", Domain: "example"},
		people: []*Person{{ID: BotUser, Name: "bot", RealName: "Bot", Team: "T0EXAMPLE", Bot: true}},
	}
}

// madeID makes an id that shows its name, such as U0ALICE, and is free.
func madeID(letter, name string, taken func(string) bool) string {
	keep := func(r rune) rune {
		if r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}
	id := letter + "0" + strings.Map(keep, strings.ToUpper(name))
	for n := 2; taken(id) || len(id) < 3; n++ {
		id = fmt.Sprintf("%s0%s%d", letter, strings.Map(keep, strings.ToUpper(name)), n)
	}
	return id
}

func (w *workspace) person(who string) *Person {
	for _, p := range w.people {
		if p.ID == who || p.Name == who {
			return p
		}
	}
	return nil
}

func (w *workspace) mustPerson(who string) *Person {
	if p := w.person(who); p != nil {
		return p
	}
	panic(fmt.Sprintf("minislack: there is no person %q; AddPerson first", who))
}

func (w *workspace) group(handle string) *Group {
	for _, g := range w.groups {
		if g.ID == handle || g.Handle == strings.TrimPrefix(handle, "@") {
			return g
		}
	}
	return nil
}

func (w *workspace) room(channel string) *room {
	for _, r := range w.channels {
		if r.ID == channel || r.DM == "" && r.Name == strings.TrimPrefix(channel, "#") {
			return r
		}
	}
	return nil
}

func (w *workspace) mustRoom(channel string) *room {
	if r := w.room(channel); r != nil {
		return r
	}
	panic(fmt.Sprintf("minislack: there is no channel %q; AddChannel first", channel))
}

// dm is the direct conversation of a person with the bot, made when first needed.
func (w *workspace) dm(p *Person) *room {
	for _, r := range w.channels {
		if r.DM == p.ID {
			return r
		}
	}
	r := &room{created: time.Now(), Channel: Channel{
		Private: true, DM: p.ID, Members: []string{p.ID, BotUser},
		ID: madeID("D", p.Name, func(id string) bool { return w.room(id) != nil }),
	}}
	w.channels = append(w.channels, r)
	return r
}

// ids turns names and ids into ids.
func (w *workspace) ids(people []string) []string {
	ids := make([]string, 0, len(people))
	for _, who := range people {
		ids = append(ids, w.mustPerson(who).ID)
	}
	return ids
}

func (r *room) has(id string) bool { return slices.Contains(r.Members, id) }

// AddPerson adds a person and answers with what was filled in.
func (s *Server) AddPerson(p Person) Person {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.ID == "" {
		p.ID = madeID("U", p.Name, func(id string) bool { return s.w.person(id) != nil })
	}
	if p.RealName == "" && p.Name != "" {
		p.RealName = strings.ToUpper(p.Name[:1]) + p.Name[1:]
	}
	if p.Email == "" {
		p.Email = p.Name + "@example.com"
	}
	if p.Team == "" {
		p.Team = s.w.team.ID
	}
	s.w.people = append(s.w.people, &p)
	return p
}

// Person answers with one person's profile.
func (s *Server) Person(who string) Person {
	s.mu.Lock()
	defer s.mu.Unlock()
	return *s.w.mustPerson(who)
}

// People answers with everybody.
func (s *Server) People() []Person {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Person, 0, len(s.w.people))
	for _, p := range s.w.people {
		all = append(all, *p)
	}
	return all
}

// SetProfile changes a person: makes somebody a guest, deactivates, renames.
func (s *Server) SetProfile(who string, change func(*Person)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s.w.mustPerson(who))
}

// AddGroup adds a user group.
func (s *Server) AddGroup(g Group) Group {
	s.mu.Lock()
	defer s.mu.Unlock()
	if g.ID == "" {
		g.ID = madeID("S", g.Handle, func(id string) bool { return s.w.group(id) != nil })
	}
	if g.Name == "" {
		g.Name = g.Handle
	}
	g.Members = s.w.ids(g.Members)
	s.w.groups = append(s.w.groups, &g)
	return g
}

// SetGroup replaces the members of a group.
func (s *Server) SetGroup(handle string, members ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.w.group(handle)
	if g == nil {
		panic(fmt.Sprintf("minislack: there is no group %q; AddGroup first", handle))
	}
	g.Members = s.w.ids(members)
}

// AddChannel adds a channel.
func (s *Server) AddChannel(c Channel) Channel {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.Name = strings.TrimPrefix(c.Name, "#")
	if c.ID == "" {
		c.ID = madeID("C", c.Name, func(id string) bool { return s.w.room(id) != nil })
	}
	c.Members = s.w.ids(c.Members)
	s.w.channels = append(s.w.channels, &room{Channel: c, created: time.Now()})
	return c
}

// Channel answers with a channel and its members' ids.
func (s *Server) Channel(channel string) Channel {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.mustRoom(channel).copied()
}

// Channels answers with every channel, without the direct conversations.
func (s *Server) Channels() []Channel {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Channel
	for _, r := range s.w.channels {
		if r.DM == "" {
			all = append(all, r.copied())
		}
	}
	return all
}

func (r *room) copied() Channel {
	c := r.Channel
	c.Members = slices.Clone(c.Members)
	return c
}

// SetChannel changes a channel: archives it, makes it public, shares it.
func (s *Server) SetChannel(channel string, change func(*Channel)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.w.mustRoom(channel)
	change(&r.Channel)
	r.Members = s.w.ids(r.Members)
}

// Join makes people members of a channel; "bot" invites the app.
func (s *Server) Join(channel string, people ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.w.mustRoom(channel)
	for _, id := range s.w.ids(people) {
		if !r.has(id) {
			r.Members = append(r.Members, id)
		}
	}
}

// Leave takes people out of a channel; "bot" removes the app.
func (s *Server) Leave(channel string, people ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.w.mustRoom(channel)
	for _, id := range s.w.ids(people) {
		r.Members = slices.DeleteFunc(r.Members, func(m string) bool { return m == id })
	}
}

// Example fills the workspace with one team at work: the private channel
// #qualys-admin with alice (asks), bob and carol (approve), mallory (has no role)
// and gus (a guest); the group @requesters of alice and @approvers of bob and
// carol. The app's bot user is a member.
func (s *Server) Example() {
	s.AddPerson(Person{Name: "alice", RealName: "Alice Ahn", TZ: "Europe/Berlin"})
	s.AddPerson(Person{Name: "bob", RealName: "Bob Baker", TZ: "America/New_York"})
	s.AddPerson(Person{Name: "carol", RealName: "Carol Cruz", TZ: "Asia/Kolkata"})
	s.AddPerson(Person{Name: "mallory", RealName: "Mallory Mint"})
	s.AddPerson(Person{Name: "gus", RealName: "Gus Guest", Restricted: true})
	s.AddGroup(Group{Handle: "requesters", Members: []string{"alice"}})
	s.AddGroup(Group{Handle: "approvers", Members: []string{"bob", "carol"}})
	s.AddChannel(Channel{
		Name: "qualys-admin", Private: true,
		Members: []string{"alice", "bob", "carol", "mallory", "gus", "bot"},
	})
}
