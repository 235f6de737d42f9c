package words

import (
	"strings"

	"countersign/approvals"
	"countersign/audit"
)

// LeftOut counts those whom a plan leaves out: "2 are protected by the policy, 1
// has the new values already".
func LeftOut(list []approvals.LeftOut) string {
	var parts []string
	add := func(why approvals.Why, one, many string) {
		n := CountLeftOut(list, why)
		if n == 1 {
			parts = append(parts, "1 "+one)
		} else if n > 1 {
			parts = append(parts, audit.Number(n)+" "+many)
		}
	}
	add(approvals.WhyProtected, "is protected by the policy", "are protected by the policy")
	add(approvals.WhyAlreadySo, "has the new values already", "have the new values already")
	add(approvals.WhyDrifted, "has changed since", "have changed since")
	add(approvals.WhyGone, "is gone", "are gone")
	add(approvals.WhyUnwritable, "had a value that cannot be written", "had values that cannot be written")
	return strings.Join(parts, ", ")
}

// CountLeftOut counts those who are left out for a reason.
func CountLeftOut(list []approvals.LeftOut, why approvals.Why) int {
	n := 0
	for _, l := range list {
		if l.Why == why {
			n++
		}
	}
	return n
}
