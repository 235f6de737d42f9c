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

// What one line of bars may take, in characters: a phone shows about forty, and
// longer lines wrap, which puts the bars below their names.
const (
	nameAtMost = 24
	barAtMost  = 10
)

// Bars draws counts as lines of mrkdwn, the longest bar for the largest. It is
// made for a fixed width, no wider than what it shows, and cut to ten lines.
func Bars(counts []qualys.Tally) string {
	const lines = 10
	if len(counts) == 0 {
		return ""
	}
	most := 1
	for _, c := range counts {
		most = max(most, c.Count)
	}
	shown := counts[:min(lines, len(counts))]
	names := make([]string, len(shown))
	widest, digits := 0, 0
	for i, c := range shown {
		names[i] = cmp.Or(grammar.OneLine(strings.ReplaceAll(c.Name, "`", "'"), nameAtMost), "(none)")
		widest = max(widest, utf8.RuneCountInString(names[i]))
		digits = max(digits, len(audit.Number(c.Count)))
	}
	var b strings.Builder
	b.WriteString("```")
	for i, c := range shown {
		fill := strings.Repeat(" ", widest-utf8.RuneCountInString(names[i]))
		bar := strings.Repeat("█", max(1, c.Count*barAtMost/most))
		fmt.Fprintf(&b, "\n%s%s %*s %s", escapeLine(names[i]), fill, digits, audit.Number(c.Count), bar)
	}
	b.WriteString("\n```")
	if more := len(counts) - len(shown); more > 0 {
		b.WriteString("\nand " + audit.Number(more) + " more")
	}
	return b.String()
}
