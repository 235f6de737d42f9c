package rules

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// A Person is someone in Slack. A [qualys.PlatformUser] and a [qualys.SAQUser]
// are accounts in Qualys. None of the three turns into another.
type Person struct {
	Team       string // the workspace, such as "T012AB3CD"
	ID         string // the member in it, such as "U012AB3CD"
	Enterprise string // the same human across workspaces, or empty
}

// String returns "TEAM/ID", the form that entries and records use.
func (p Person) String() string { return p.Team + "/" + p.ID }

// teamID is a workspace, or an organisation where an app is installed for all
// of it.
var teamID = regexp.MustCompile(`^[TE][A-Z0-9]+$`)

// ParsePerson reads what String wrote. The Enterprise id is not part of it.
func ParsePerson(s string) (Person, error) {
	team, id, ok := strings.Cut(s, "/")
	if !ok || !teamID.MatchString(team) || !person.match.MatchString(id) {
		return Person{}, fmt.Errorf("%q is no person: want TEAM/ID, such as T012AB3CD/U012AB3CD", s)
	}
	return Person{Team: team, ID: id}, nil
}

// Same reports whether both are one account, or accounts of one human in an
// Enterprise organisation. Nobody is the same as the zero Person.
func (p Person) Same(q Person) bool {
	if p.ID == "" || q.ID == "" {
		return false
	}
	return p.Team == q.Team && p.ID == q.ID || equal(p.Enterprise, q.Enterprise)
}

// A Profile is what Slack says about a person at this moment. It is never stored.
type Profile struct {
	Name     string // for display only: anybody may take any name
	Email    string // only ever refuses; may be empty
	TimeZone string // such as "Asia/Kolkata", or empty
	// Enterprise is the person's own id in an Enterprise organisation
	// (enterprise_user.id), or empty. It is not the organisation's id, which
	// everybody shares.
	Enterprise string
	Team       string // the person's home workspace

	Deleted         bool // deactivated
	Bot             bool // any kind of app: is_bot, is_workflow_bot, is_connector_bot
	Restricted      bool // a guest in several channels
	UltraRestricted bool // a guest in one channel
	Stranger        bool // from outside: is_stranger, or neither our workspace nor our organisation
}

// A Directory looks people and user groups up.
type Directory interface {
	// Profile returns [ErrUnknownPerson] when there is no such person, and any
	// other error when it cannot tell.
	Profile(ctx context.Context, p Person) (Profile, error)

	// Members returns the ids of the people in the user group.
	Members(ctx context.Context, group string) ([]string, error)
}

// ErrUnknownPerson is how a [Directory] says that an id belongs to nobody.
var ErrUnknownPerson = errors.New("nobody has this id")

// A Kind says why somebody is an outsider.
type Kind string

// The kinds of outsiders.
const (
	Deactivated        Kind = "deactivated"
	Bot                Kind = "bot"
	Guest              Kind = "guest"
	SingleChannelGuest Kind = "single-channel guest"
	Stranger           Kind = "stranger"
	Unknown            Kind = "unknown"
)

// ErrOutsider refuses somebody who can hold no role, whatever the policy says.
type ErrOutsider struct{ Kind Kind }

func (e ErrOutsider) Error() string { return "an outsider: " + string(e.Kind) }

// outsider returns an ErrOutsider when the profile bars its person from every
// role. A person who comes with a team that is not the profile's is somebody
// else with the same id, unless the organisation says it is the same human.
func (p Person) outsider(f Profile) error {
	moved := p.Team != "" && f.Team != "" && p.Team != f.Team && !equal(p.Enterprise, f.Enterprise)
	switch {
	case f.Deleted:
		return ErrOutsider{Deactivated}
	case f.Bot:
		return ErrOutsider{Bot}
	case f.Stranger || moved:
		return ErrOutsider{Stranger}
	case f.UltraRestricted:
		return ErrOutsider{SingleChannelGuest}
	case f.Restricted:
		return ErrOutsider{Guest}
	}
	return nil
}

// insider looks the person up and returns their profile, or an ErrOutsider, or
// an ErrLookUp.
func insider(ctx context.Context, dir Directory, p Person) (Profile, error) {
	if p.ID == "" {
		return Profile{}, ErrOutsider{Unknown}
	}
	f, err := dir.Profile(ctx, p)
	switch {
	case errors.Is(err, ErrUnknownPerson):
		return Profile{}, ErrOutsider{Unknown}
	case err != nil:
		return Profile{}, fmt.Errorf("%w: person %s: %w", ErrLookUp, p, err)
	}
	return f, p.outsider(f)
}

// equal compares two facts that may be missing: nothing equals nothing is false.
func equal(a, b string) bool { return a != "" && a == b }
