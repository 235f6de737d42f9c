package words

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"countersign/audit"
	"countersign/commands/grammar"
	"countersign/qualys"
)

// Names counts how often each name comes, such as the companies of users.
type Names map[string]int

// namesAtMost bounds the different names that are counted.
const namesAtMost = 1000

// Add counts a name.
func (n Names) Add(name string) {
	if _, known := n[name]; !known && len(n) >= namesAtMost {
		name = "(others)"
	}
	n[name]++
}

// Sorted lists the counts, the largest first.
func (n Names) Sorted() []qualys.Tally {
	var all []qualys.Tally
	for name, count := range n {
		all = append(all, qualys.Tally{Name: name, Count: count})
	}
	slices.SortFunc(all, func(a, b qualys.Tally) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Name, b.Name))
	})
	return all
}

// Bars draws counts as lines of mrkdwn, the longest bar for the largest. It is
// made for a fixed width and cut to ten lines.
func Bars(counts []qualys.Tally) string {
	const lines, width, longest = 10, 24, 20
	if len(counts) == 0 {
		return ""
	}
	most := 1
	for _, c := range counts {
		most = max(most, c.Count)
	}
	var b strings.Builder
	b.WriteString("```")
	for _, c := range counts[:min(lines, len(counts))] {
		name := grammar.OneLine(strings.ReplaceAll(c.Name, "`", "'"), width)
		if name == "" {
			name = "(none)"
		}
		fill := strings.Repeat(" ", width-utf8.RuneCountInString(name))
		bar := strings.Repeat("█", max(1, c.Count*longest/most))
		fmt.Fprintf(&b, "\n%s%s %9s %s", escapeLine(name), fill, audit.Number(c.Count), bar)
	}
	b.WriteString("\n```")
	if more := len(counts) - lines; more > 0 {
		b.WriteString("\nand " + audit.Number(more) + " more")
	}
	return b.String()
}
