package stage

import (
	"fmt"
	"slices"
	"strings"

	"countersign/internal/miniqualys"
	"countersign/internal/minislack"
)

// The places and the workspace of the scene.
const (
	homeName = "qualys-admin"
	homeID   = "C0QUALYSADMIN"
	team     = "T0EXAMPLE"
)

// personID is the id of a person of the scene.
func personID(name string) string { return "U0" + strings.ToUpper(name) }

// A world is what surrounds the bots: people, a Qualys and a policy.
type world struct {
	slack         *minislack.Server
	qualys        *miniqualys.Server
	policy        policy
	groups        map[string][]string // who is in a group, by its handle
	withoutGroups bool                // the Slack plan has none
	paper         minislack.Ref       // a message on which a desk draws what it reads aloud
}

func newWorld(slack *minislack.Server, qualys *miniqualys.Server) *world {
	w := &world{slack: slack, qualys: qualys, policy: defaultPolicy(), groups: map[string][]string{
		"requesters": {"alice"}, "approvers": {"bob", "carol"},
	}}
	slack.Example()
	slack.AddChannel(minislack.Channel{Name: "lobby", Members: []string{"alice", "bob", "carol", "mallory", "gus", "bot"}})
	return w
}

// populate fills the Qualys of a small server with the people of the scene.
func (w *world) populate() {
	w.qualys.AddPlatformUsers(2500)
	w.qualys.AddSAQUsers(49, miniqualys.NewVendor)
	w.qualys.AddNastyUsers()
	for _, u := range w.qualys.SAQUsers() {
		if u.Company == "Acme" { // the nasty ones
			u.Company, u.Title = "Globex", "Consultant"
			w.qualys.SetSAQUser(u)
		}
	}
	w.qualys.AddSAQUsers(120, "Acme")
	w.qualys.AddSAQUsers(518, "Umbrella")
	for _, c := range []struct {
		company string
		first   int64
		names   []string
	}{
		{"Hooli", 767500001, []string{"Gavin Belson", "Nelson Bighetti", "Denpok Singh"}},
		{"Initech", 767500011, []string{"Milton Waddams", "Bill Lumbergh"}},
		{"Stark", 767500021, []string{"Pepper Potts"}},
	} {
		for i, name := range c.names {
			w.qualys.SetSAQUser(named(c.first+int64(i), name, c.company))
		}
	}
}

// named is a SAQ user with a name that people can remember.
func named(id int64, name, company string) miniqualys.SAQUser {
	first, last, _ := strings.Cut(name, " ")
	login := strings.ToLower(first) + "." + strings.ToLower(last)
	domain := strings.ToLower(company) + ".example"
	return miniqualys.SAQUser{
		ID: id, FirstName: first, LastName: last, Company: company, Title: "Partner",
		UserName: login, EmailAddress: login + "@" + domain,
	}
}

// known is an error when there is nobody of that name.
func (w *world) known(name string) error {
	var names []string
	for _, p := range w.slack.People() {
		if p.Name == name {
			return nil
		}
		names = append(names, p.Name)
	}
	return fmt.Errorf("there is nobody called %s; there are %s", name, strings.Join(names, ", "))
}

// setGroup changes who is in a group.
func (w *world) setGroup(handle string, change func(members []string) []string) error {
	members, known := w.groups[handle]
	if !known {
		return fmt.Errorf("there is no group %s; there are approvers and requesters", handle)
	}
	w.groups[handle] = change(slices.Clone(members))
	w.slack.SetGroup(handle, w.groups[handle]...)
	return nil
}
