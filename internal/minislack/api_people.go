package minislack

import (
	"net/url"
	"slices"
	"strings"
	"time"
)

func (s *Server) usersInfo(f url.Values) (object, error) {
	p := s.w.person(f.Get("user"))
	if p == nil || p.ID != f.Get("user") {
		return nil, refuse("user_not_found")
	}
	return object{"user": s.userObject(p)}, nil
}

func (s *Server) usersList(f url.Values) (object, error) {
	all := make([]object, 0, len(s.w.people))
	for _, p := range s.w.people {
		all = append(all, s.userObject(p))
	}
	some, next, err := page(f, all, 200, 1000)
	if err != nil {
		return nil, err
	}
	return object{"members": some, "response_metadata": object{"next_cursor": next}}, nil
}

// userObject is a person as the API shows them. The e-mail needs a scope of its own.
func (s *Server) userObject(p *Person) object {
	_, offset := time.Now().In(p.zone()).Zone()
	profile := object{"real_name": p.RealName, "display_name": p.Name, "team": p.Team}
	if s.needs("users:read.email") == nil && !p.Bot {
		profile["email"] = p.Email
	}
	o := object{
		"id": p.ID, "team_id": p.Team, "name": p.Name, "real_name": p.RealName, "deleted": p.Deleted,
		"is_bot": p.Bot, "is_app_user": false, "profile": profile, "is_stranger": p.Stranger,
	}
	if p.Deleted {
		return o // Slack says less about who left
	}
	o["tz"], o["tz_label"], o["tz_offset"] = p.zone().String(), p.zone().String(), offset
	o["is_admin"], o["is_owner"] = p.Admin, false
	o["is_restricted"], o["is_ultra_restricted"] = p.Restricted || p.UltraRestricted, p.UltraRestricted
	if p.Enterprise != "" {
		o["enterprise_user"] = object{"id": p.Enterprise, "enterprise_id": "E0EXAMPLE"}
	}
	return o
}

func (s *Server) usergroupsList(f url.Values) (object, error) {
	if s.app.noGroups {
		return nil, refuse("plan_upgrade_required")
	}
	all := []object{}
	for _, g := range s.w.groups {
		if g.Disabled && !isTrue(f, "include_disabled") {
			continue
		}
		o := object{
			"id": g.ID, "team_id": s.w.team.ID, "is_usergroup": true, "name": g.Name, "handle": g.Handle,
			"user_count": len(g.Members), "date_create": 1, "date_update": 1, "date_delete": 0,
		}
		if g.Disabled {
			o["date_delete"] = 1
		}
		if isTrue(f, "include_users") {
			o["users"] = slices.Clone(g.Members)
		}
		all = append(all, o)
	}
	return object{"usergroups": all}, nil
}

func (s *Server) usergroupsUsersList(f url.Values) (object, error) {
	if s.app.noGroups {
		return nil, refuse("plan_upgrade_required")
	}
	g := s.w.group(f.Get("usergroup"))
	if g == nil || g.ID != f.Get("usergroup") || g.Disabled && !isTrue(f, "include_disabled") {
		return nil, refuse("no_such_subteam")
	}
	return object{"users": append([]string{}, g.Members...)}, nil
}

// kindScope is the scope that reads a channel of this kind: "read" or "history".
func (r *room) kindScope(what string) string {
	switch {
	case r.DM != "":
		return "im:" + what
	case r.Private:
		return "groups:" + what
	}
	return "channels:" + what
}

// readable finds a channel and checks the scope for its kind.
func (s *Server) readable(channel, what string) (*room, error) {
	r, err := s.visible(channel)
	if err != nil {
		return nil, err
	}
	return r, s.needs(r.kindScope(what))
}

func (s *Server) conversationsInfo(f url.Values) (object, error) {
	r, err := s.readable(f.Get("channel"), "read")
	if err != nil {
		return nil, err
	}
	o := s.channelObject(r)
	if isTrue(f, "include_num_members") {
		o["num_members"] = len(r.Members)
	}
	return object{"channel": o}, nil
}

func (s *Server) channelObject(r *room) object {
	if r.DM != "" {
		return object{"id": r.ID, "created": r.created.Unix(), "is_im": true, "user": r.DM, "is_private": true}
	}
	return object{
		"id": r.ID, "name": r.Name, "name_normalized": r.Name, "created": r.created.Unix(), "is_channel": true,
		"is_group": false, "is_im": false, "is_mpim": false, "is_private": r.Private, "is_archived": r.Archived,
		"is_shared": r.ExtShared, "is_ext_shared": r.ExtShared, "is_org_shared": false, "is_pending_ext_shared": false,
		"is_member": r.has(BotUser), "context_team_id": s.w.team.ID,
	}
}

func (s *Server) conversationsOpen(f url.Values) (object, error) {
	p := s.w.person(f.Get("users"))
	switch {
	case f.Get("users") == "" || strings.Contains(f.Get("users"), ","):
		return nil, refuse("users_list_not_supplied")
	case p == nil || p.ID != f.Get("users"):
		return nil, refuse("user_not_found")
	case p.Deleted:
		return nil, refuse("user_disabled")
	case p.Bot:
		return nil, refuse("cannot_dm_bot")
	}
	return object{"channel": object{"id": s.w.dm(p).ID}}, nil
}

func (s *Server) conversationsList(f url.Values) (object, error) {
	types := f.Get("types")
	if types == "" {
		types = "public_channel"
	}
	all := []object{}
	for kind := range strings.SplitSeq(types, ",") {
		scope := map[string]string{"public_channel": "channels:read", "private_channel": "groups:read",
			"im": "im:read", "mpim": "mpim:read"}[strings.TrimSpace(kind)]
		if scope == "" {
			return nil, refuse("invalid_types")
		}
		if err := s.needs(scope); err != nil {
			return nil, err
		}
		for _, r := range s.w.channels {
			if r.kindScope("read") != scope || r.Private && !r.has(BotUser) ||
				r.Archived && isTrue(f, "exclude_archived") {
				continue
			}
			all = append(all, s.channelObject(r))
		}
	}
	some, next, err := page(f, all, 100, 999)
	if err != nil {
		return nil, err
	}
	return object{"channels": some, "response_metadata": object{"next_cursor": next}}, nil
}
