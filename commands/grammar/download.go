package grammar

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// settings of a download, and other names that people have for them.
var settings = map[string]string{
	"role": "role", "roles": "role", "sort": "sort", "order": "sort", "sortby": "sort",
	"timezone": "timezone", "tz": "timezone", "zone": "timezone",
	"limit": "limit", "max": "limit", "rows": "limit", "offset": "offset", "skip": "offset", "format": "format",
}

// TakesListing reads which platform users to download.
func TakesListing(p *parser, r *Request) *mistake {
	seen := map[string]bool{}
	for {
		it, ok, m := p.next()
		if m != nil || !ok {
			return m
		}
		if it.sign == "" {
			if _, known := settings[squeeze(it.key)]; known {
				return p.wrong(show(it.key)+" needs a = and a value.", p.joined(it.to, it.to, "="))
			}
			if strings.EqualFold(it.key, "all") || it.key == "*" {
				return p.wrong("Without a setting it is everybody already.", p.instead(it.from, it.to, ""))
			}
			return p.stray(it)
		}
		name, known := settings[squeeze(it.key)]
		switch {
		case !known:
			return p.unknownSetting(it)
		case seen[name]:
			return p.wrong(show(name)+" stands twice.", p.instead(it.from, it.to, ""))
		case it.sign != "=":
			return p.wrong("Settings of a download are given with =.", p.instead(it.from, it.behind, name+"="))
		}
		seen[name] = true
		if m := p.setting(name, it, r); m != nil {
			return m
		}
	}
}

func (p *parser) unknownSetting(it pair) *mistake {
	if f, ok := field(it.key); ok {
		return p.wrong("download shows platform users, and "+string(f)+" belongs to SAQ users: use find.",
			p.instead(0, len(Download), string(Find)), p.instead(it.from, it.to, ""))
	}
	if strings.EqualFold(it.key, reasonKey) {
		return p.wrong("download only reads and needs no reason.", p.instead(it.from, it.to, ""))
	}
	m := p.wrong("download has no setting called " + show(it.key) + ". There are role, sort, timezone, limit and offset.")
	var names []string
	for name := range settings {
		names = append(names, name)
	}
	slices.Sort(names)
	if name, ok := near(squeeze(it.key), names); ok {
		m.tries = append(m.tries, p.instead(it.from, it.behind, settings[name]+"="))
	}
	m.tries = append(m.tries, p.instead(it.from, it.to, ""))
	return m
}

func (p *parser) setting(name string, it pair, r *Request) *mistake {
	if name == "role" {
		return p.roles(it, r)
	}
	v := it.values[0].text
	without := p.instead(it.from, it.to, "")
	switch {
	case v == "":
		return p.wrong("The value of "+name+" is empty.", without)
	case strings.Contains(v, "\n"):
		return p.wrong("The value of "+name+" stands on more than one line.", without)
	}
	switch name {
	case "sort":
		return p.sort(v, it, r)
	case "timezone":
		if _, err := time.LoadLocation(v); err != nil || v == "Local" { // "" was refused above
			return p.wrong("I know no time zone "+show(v)+". They are named like Asia/Kolkata, or UTC.",
				p.instead(it.from, it.to, "timezone="+place(v)), p.instead(it.from, it.to, "timezone="+strings.ToUpper(v)), p.instead(it.from, it.to, "timezone=Asia/Kolkata"))
		}
		r.Listing.Timezone = v
	case "format":
		if !strings.EqualFold(v, "csv") {
			return p.wrong("Qualys gives platform users as CSV only.", p.instead(it.from, it.to, "format=csv"))
		}
	case "limit", "offset":
		return p.number(name, v, it, r)
	}
	return nil
}

// place writes a time zone as the list of them does: Asia/Kolkata.
func place(v string) string {
	parts := strings.Split(strings.ToLower(v), "/")
	for i, part := range parts {
		words := strings.FieldsFunc(part, func(r rune) bool { return r == '_' || r == ' ' })
		for j, w := range words {
			words[j] = strings.ToUpper(w[:1]) + w[1:]
		}
		parts[i] = strings.Join(words, "_")
	}
	return strings.Join(parts, "/")
}

func (p *parser) roles(it pair, r *Request) *mistake {
	for _, v := range it.values {
		for _, role := range strings.Split(v.text, ",") {
			role = strings.TrimSpace(role)
			switch {
			case role == "":
				continue
			case strings.Contains(role, "\n"):
				return p.wrong("A role stands on more than one line.", p.instead(it.from, it.to, "role="+word(OneLine(role, ValueAtMost))))
			case len(role) > ValueAtMost:
				return p.wrong("No role has a name that long.", p.instead(it.from, it.to, "role=READER"))
			case strings.ContainsAny(role, "=~") && !v.quoted:
				return p.wrong("A blank is enough between settings, there is no comma.",
					strings.Replace(p.text, ","+role, " "+role, 1), strings.Replace(p.text, ", "+role, " "+role, 1))
			}
			if !slices.ContainsFunc(r.Listing.Roles, func(o string) bool { return strings.EqualFold(o, role) }) {
				r.Listing.Roles = append(r.Listing.Roles, role)
			}
		}
	}
	if len(r.Listing.Roles) == 0 {
		return p.wrong("The value of role is empty.", p.instead(it.from, it.to, ""))
	}
	return nil
}

func (p *parser) sort(v string, it pair, r *Request) *mistake {
	by, direction, given := strings.Cut(strings.ToLower(v), ":")
	by, direction = strings.TrimSpace(by), strings.TrimSpace(direction)
	if !given {
		direction = "asc"
	}
	switch {
	case squeeze(by) == "asc" || squeeze(by) == "desc":
		return p.wrong("A sort names its column first.", p.instead(it.from, it.to, "sort=username:"+squeeze(by)))
	case squeeze(by) != "username":
		return p.wrong("Qualys sorts platform users by username only.", p.instead(it.from, it.to, "sort=username:"+direction),
			p.instead(it.from, it.to, "sort=username:asc"))
	case direction != "asc" && direction != "desc":
		return p.wrong(show(direction)+" is no direction: write asc or desc.",
			p.instead(it.from, it.to, "sort=username:"+nearest(direction)))
	}
	r.Listing.Descending = direction == "desc"
	return nil
}

// nearest is the direction that was probably meant.
func nearest(direction string) string {
	if strings.HasPrefix(direction, "d") {
		return "desc"
	}
	return "asc"
}

// rowsAtMost is more than any subscription has.
const rowsAtMost = 10_000_000

func (p *parser) number(name, v string, it pair, r *Request) *mistake {
	n, err := strconv.Atoi(strings.ReplaceAll(v, ",", ""))
	without := p.instead(it.from, it.to, "")
	switch {
	case err != nil && (strings.EqualFold(v, "all") || strings.EqualFold(v, "none")):
		return p.wrong("Without a limit you get everybody.", without)
	case err != nil || n > rowsAtMost:
		return p.wrong(show(v)+" is no number of rows.", without)
	case n < 0:
		return p.wrong("A "+name+" cannot be negative.", p.instead(it.from, it.to, name+"="+strconv.Itoa(-n)), without)
	case n == 0 && name == "limit":
		return p.wrong("A limit of 0 is an empty file. Leave it out for everybody.", without)
	case name == "limit":
		r.Listing.Limit = n
	default:
		r.Listing.Offset = n
	}
	return nil
}
