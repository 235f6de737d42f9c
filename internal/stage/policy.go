package stage

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// A policy is what the directions make of policy.yaml.
type policy struct {
	channels                       []string
	readers, requesters, approvers []string
	upTo, need                     int
	percent                        int
	maxOpen                        int
	expires, coolDown              time.Duration
	typeAbove                      int
	companies, logins              []string
	anyFiles                       bool
	samePerson                     []string
}

func defaultPolicy() policy {
	return policy{
		channels: []string{homeID},
		readers:  []string{"S0REQUESTERS", "S0APPROVERS"}, requesters: []string{"S0REQUESTERS"}, approvers: []string{"S0APPROVERS"},
		upTo: 100, need: 1, percent: 20, maxOpen: 100, expires: 4 * time.Hour, coolDown: 30 * time.Second, typeAbove: 10,
	}
}

// name puts people, by name, in the place of the groups.
func (p *policy) name(requesters, approvers []string) {
	p.requesters, p.approvers = ids(requesters), ids(approvers)
	p.readers = ids(slices.Compact(slices.Sorted(slices.Values(slices.Concat(requesters, approvers)))))
}

// ids are the ids of people by name: U0ALICE.
func ids(names []string) []string {
	list := make([]string, len(names))
	for i, name := range names {
		list[i] = personID(name)
	}
	return list
}

// yaml writes the file.
func (p policy) yaml() []byte {
	var b strings.Builder
	list := func(key string, values []string) {
		quoted := make([]string, len(values))
		for i, v := range values {
			quoted[i] = fmt.Sprintf("%q", v)
		}
		fmt.Fprintf(&b, "%s: [%s]\n", key, strings.Join(quoted, ", "))
	}
	list("channels", p.channels)
	list("readers", p.readers)
	list("requesters", p.requesters)
	list("approvers", p.approvers)
	fmt.Fprintf(&b, "approvals: [{up_to: %d, need: %d}]\n", p.upTo, p.need)
	fmt.Fprintf(&b, "max_percent: %d\nmax_open: %d\ntype_to_confirm_above: %d\n", p.percent, p.maxOpen, p.typeAbove)
	fmt.Fprintf(&b, "expires_after: %s\ncool_down: %s\n", p.expires, p.coolDown)
	if len(p.companies)+len(p.logins) > 0 {
		b.WriteString("protected:\n")
		if len(p.companies) > 0 {
			list("  companies", p.companies)
		}
		if len(p.logins) > 0 {
			list("  usernames", p.logins)
		}
	}
	if p.anyFiles {
		b.WriteString("files: any_channel\n")
	}
	if len(p.samePerson) > 0 {
		fmt.Fprintf(&b, "same_person: [[%s]]\n", strings.Join(p.samePerson, ", "))
	}
	return []byte(b.String())
}
