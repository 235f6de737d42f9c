package miniqualys

import (
	"crypto/sha256"
	"fmt"
	"strconv"
	"strings"
)

const (
	firstSAQID   = 767_231_594 // the first id of the page's sample
	firstExtraID = 999_000_001 // ids that nobody has
)

// NewVendor is the company of the page's sample: everybody in it was invited
// under the company's own name, so it is their first name, too.
const NewVendor = "NewVendor"

// vendors are the companies of the example, besides NewVendor.
var vendors = [...]string{
	"Acme", "Aurora Freight", "Birch & Sons", "Blue Harbor Bank", "Cedar Analytics", "Cobalt Print", "Copperline",
	"Delta Catering", "Dune Logistics", "Evergreen Travel", "Fjord Media", "Foxglove Labs", "Globex", "Granite Legal",
	"Halcyon Health", "Hooli", "Initech", "Ironwood Tools", "Juniper Field", "Kestrel Air", "Lakeside Audit, Inc.",
	"Marigold Events", "Meridian Payroll", "Müller & Söhne GmbH", "Northwind", "O'Neil Staffing", "Oakline",
	"Pinnacle Pay", "Quarry Steel", "Redwood Cloud", "Riverbend", "Saffron Foods", "Silverpine", "Stark Fabrics",
	"Tallow & Wick", "Umbra Security", "Vandelay", "Wayfarer", "Zephyr Mobility",
}

var firstNames = [...]string{
	"Aisha", "Ben", "Carla", "Dmitri", "Elena", "Farid", "Grace", "Hugo", "Ines", "Jonas", "Kavya", "Liam", "Mei", "Noor",
	"Olga", "Pablo", "Quinn", "Rosa", "Sven", "Tara", "Umar", "Vera", "Wei", "Ximena", "Yusuf", "Zoe", "José", "Łucja",
}

var lastNames = [...]string{
	"Abbott", "Bianchi", "Costa", "Dubois", "Eriksen", "Fischer", "García", "Hughes", "Ivanova", "Jansen", "Kumar",
	"Lindqvist", "Moreau", "Nakamura", "O'Brien", "Petrov", "Quispe", "Rossi", "Schmidt", "Tanaka", "Usman", "Varga", "Wójcik",
}

var titles = [...]string{"", "", "Account Manager", "CISO", "Compliance Officer", "", "IT Administrator", "Procurement"}

// labels are the tags of SAQ users. The first two are the page's.
var labels = [...]Tag{{18975646, "CLV-ALL"}, {24504212, "AssetTagTest"}, {31770025, "Vendors"}, {31770026, "Offboarding"}}

// nasty are names that spreadsheets, XML, Slack and people stumble over.
var nasty = [...]struct{ first, last string }{
	{`Robert "Bob"`, `O'Hara, Jr.`},
	{"<!channel>", "Everyone"},
	{"=HYPERLINK(\"http://evil.example\",\"Click\")", "+1-555"},
	{"Line\nBreak", "Tab\tStop"},
	{"@SUM(A1:A9)", "-2+3"},
	{"<@U012AB3CD>", "&amp; Co <b>"},
	{"Zoë 🙂", "ﷺ שלום"},
}

// Example fills the server with the data of the demo, the same every time:
// 2,500 platform users and 1,200 SAQ users of 40 vendors. 49 of them are
// NewVendor's. A few have nasty names, and one SAQ user has the login of the
// API account.
func (s *Server) Example() {
	s.AddNastyUsers()
	s.AddPlatformUsers(2500 - len(nasty))
	s.AddSAQUsers(49, NewVendor)
	left := 1200 - 49 - len(nasty) - 1
	for i, vendor := range vendors {
		n := left / (len(vendors) - i)
		s.AddSAQUsers(n, vendor)
		left -= n
	}
	s.SetSAQUser(SAQUser{FirstName: "John", LastName: "Doe", Company: "Acme", Title: "API account",
		EmailAddress: "john.doe@acme.example", UserName: Username})
}

// AddNastyUsers adds a few users with nasty names to both populations. The SAQ
// users among them belong to Acme.
func (s *Server) AddNastyUsers() {
	for i, name := range nasty {
		s.AddPlatformUser(PlatformUser{
			Username: fmt.Sprintf("quays_nasty%d", i+1), FirstName: name.first, LastName: name.last,
			Email: fmt.Sprintf("nasty%d@acme.example", i+1), Modules: []string{"QWEB_VM", "ADMIN"},
			Roles: []string{"READER", "READER"}, Tags: []string{`Tag "quoted", with comma`},
			Status: "ACTIVE", ExternalID: "=1+1",
		})
		s.SetSAQUser(SAQUser{
			FirstName: name.first, LastName: name.last, Company: "Acme", Title: "=cmd|' /C calc'!A0",
			EmailAddress: fmt.Sprintf("nasty%d@acme.example", i+1), UserName: fmt.Sprintf("nasty%d@acme_x", i+1),
			Tags: []Tag{{31770099, `Tag "quoted", with comma`}},
		})
	}
}

// AddSAQUsers makes n users of a company up and returns them. The same calls
// give the same users on every server.
func (s *Server) AddSAQUsers(n int, company string) []SAQUser {
	s.mu.Lock()
	defer s.mu.Unlock()
	users := make([]SAQUser, n)
	for i := range users {
		users[i] = s.saq.makeUser(company)
		s.saq.put(users[i])
	}
	return users
}

// makeUser makes the next user up.
func (q *saq) makeUser(company string) SAQUser {
	q.made++
	k := q.made
	u := SAQUser{
		ID: q.nextID(), Company: company, Title: titles[k%len(titles)],
		FirstName: firstNames[k*7%len(firstNames)], LastName: lastNames[k*5%len(lastNames)],
	}
	if company == NewVendor {
		u.FirstName = NewVendor
	}
	u.UUID = uuidOf(u.ID)
	handle := slug(u.FirstName) + "." + slug(u.LastName)
	u.UserName = fmt.Sprintf("%s@%s_%s", handle, slug(company), strconv.FormatInt(u.ID, 36))
	u.EmailAddress = fmt.Sprintf("%s.%d@%s.example", handle, k, slug(company))
	for i, label := range labels {
		if k%(i+3) == 0 {
			u.Tags = append(u.Tags, label)
		}
	}
	return u
}

// nextID returns the next free id; real ones have gaps, too.
func (q *saq) nextID() int64 {
	if q.lastID < firstSAQID {
		return firstSAQID
	}
	return q.lastID + 1 + q.lastID*7%11
}

// uuidOf makes the uuid of an id up.
func uuidOf(id int64) string {
	sum := sha256.Sum256([]byte(strconv.FormatInt(id, 10)))
	sum[6], sum[8] = sum[6]&0x0f|0x40, sum[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

// slug makes a name fit for a login or a host name.
func slug(name string) string {
	text := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, strings.ToLower(name))
	if text == "" {
		return "x"
	}
	return text
}

// profiles are the modules and roles that made-up platform users share.
var profiles = [...]struct{ modules, roles []string }{
	{[]string{"QWEB_PC", "ITAM", "QWEB_VM", "ADMIN", "ASSET_MANAGEMENT", "CA", "UD"},
		[]string{"Unified Dashboard User", "PC User", "Reporting Manager", "Unified Dashboard User", "READER", "Reporting Manager",
			"Reporting Manager", "Reporting Reader", "Reporting Reader", "VM User", "Reporting Reader"}},
	{[]string{"ITAM", "QWEB_VM", "ADMIN", "ASSET_MANAGEMENT", "CA"}, []string{"READER"}},
	{[]string{"QWEB_VM", "ADMIN", "PM", "CA"}, []string{"SCANNER", "VM User", "SCANNER"}},
	{[]string{"QWEB_VM", "ADMIN", "CA", "TC"}, []string{"PC User", "PATCH USER", "READER", "VM User", "PC/SCA User", "SCANNER"}},
	{[]string{"ADMIN", "QWEB_VM", "QWEB_PC"}, []string{"UNIT MANAGER", "Reporting Manager"}},
	{[]string{"ADMIN", "QWEB_VM", "QUESTIONNAIRE"}, []string{"MANAGER", "SAQ User", "Reporting Manager", "MANAGER"}},
}

// madeName is the username of the n-th made-up platform user. Their order is
// that of n, which lets a page be found without making the others up.
func madeName(n int) string {
	name := []byte("quays_aaaaa")
	for i := len(name) - 1; n > 0; i-- {
		name[i] += byte(n % 26)
		n /= 26
	}
	return string(name)
}

func madeProfile(n int) int { return int(hash(1, int64(n)) % uint64(len(profiles))) }

func madeRoles(n int) []string { return profiles[madeProfile(n)].roles }

// madeUser makes the n-th platform user up.
func madeUser(n int) PlatformUser {
	p := profiles[madeProfile(n)]
	u := PlatformUser{
		Username: madeName(n), FirstName: firstNames[n*11%len(firstNames)], LastName: lastNames[n*3%len(lastNames)],
		Modules: p.modules, Roles: p.roles, Tags: []string{"Unassigned Business Unit"},
		Status: "ACTIVE", SuperUser: n%211 == 0, SAML: n%4 == 1,
	}
	u.Email = fmt.Sprintf("%s.%s@acme.example", slug(u.FirstName), slug(u.LastName)) // not unique, as in life
	switch n % 10 {
	case 3, 7:
		u.Status, u.ExternalID = "PENDING_ACTIVATION", "-"
	case 9:
		u.Status, u.ExternalID = "INACTIVE", strconv.Itoa(1234567+n)
	}
	return u
}
