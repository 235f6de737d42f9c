package rules

import (
	"slices"
	"strconv"
	"strings"
	"unicode"

	"countersign/qualys"
)

// Protected reports whether no plan may touch the user, and why: such as
// "the bot's own account", `username "jdoe"`, `company "Acme"` or `tag "VIP"`, with
// the value as the policy writes it. Account is the login with which the bot
// calls Qualys. A tag is named by its name or its id.
//
// Values are compared without regard to case, to blanks around them, to how many
// blanks stand between words, and to characters that cannot be seen.
func (p *Policy) Protected(u qualys.SAQUser, account string) (why string, yes bool) {
	if own := fold(account); own != "" && own == fold(u.UserName) {
		return "the bot's own account", true
	}
	if entry, yes := listed(p.Protect.Usernames, u.UserName); yes {
		return "username " + strconv.Quote(entry), true
	}
	if entry, yes := listed(p.Protect.Companies, u.Company); yes {
		return "company " + strconv.Quote(entry), true
	}
	for _, tag := range u.Tags {
		if entry, yes := listed(p.Protect.Tags, tag.Name); yes {
			return "tag " + strconv.Quote(entry), true
		}
		if entry, yes := listed(p.Protect.Tags, strconv.FormatInt(tag.ID, 10)); yes {
			return "tag " + strconv.Quote(entry), true
		}
	}
	return "", false
}

// listed returns the entry that means the value.
func listed(entries []string, value string) (string, bool) {
	value = fold(value)
	i := slices.IndexFunc(entries, func(entry string) bool { return fold(entry) == value })
	if value == "" || i < 0 {
		return "", false
	}
	return entries[i], true
}

// fold turns texts that mean the same into the same text: what cannot be seen is
// dropped, one blank stands between words, and case is gone.
func fold(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	// By way of upper case, because some letters have two lower ones.
	return strings.ToLower(strings.ToUpper(s))
}
