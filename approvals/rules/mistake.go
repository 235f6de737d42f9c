package rules

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/printer"
	"github.com/goccy/go-yaml/token"
)

// A Mistake is one thing that is wrong in a policy file.
type Mistake struct {
	Line, Column int    // where, from 1; 0 when something is missing
	Value        string // the text at fault, if it is one: a handle where an id belongs
	Problem      string // what is wrong: `There is no key called "chanels".`
	Hint         string // what to write instead: `Write "channels".`
	Source       string // the lines around it with a mark; the first few mistakes have it

	token *token.Token
}

// String returns problem and hint on one line, led by the line number.
func (m Mistake) String() string {
	s := m.Problem + " " + m.Hint
	if m.Line > 0 {
		s = fmt.Sprintf("line %d: %s", m.Line, s)
	}
	return s
}

// Mistakes is everything that is wrong in a policy file, in the order of its
// lines; what is missing comes last. It is the error that [Parse] returns, and
// is written for the operator.
type Mistakes []Mistake

// shownAtMost is how many mistakes are spelled out: more help nobody.
const shownAtMost = 20

// longest is how much of the file is cited for one mistake. A policy on one
// endless line is told apart by line and column alone.
const longest = 2000

func (m Mistakes) Error() string {
	var b strings.Builder
	if len(m) == 1 {
		b.WriteString("policy: 1 mistake")
	} else {
		fmt.Fprintf(&b, "policy: %d mistakes", len(m))
	}
	for i, one := range m {
		if i == shownAtMost {
			fmt.Fprintf(&b, "\nand %d more", len(m)-i)
			break
		}
		b.WriteString("\n" + one.String())
		for line := range strings.Lines(one.Source) {
			// Among several mistakes the marked line is enough.
			if len(m) == 1 || line[0] == '>' || strings.TrimSpace(line) == "^" {
				b.WriteString("\n" + strings.TrimSuffix(line, "\n"))
			}
		}
	}
	return b.String()
}

// at makes a mistake that points at a token.
func at(tk *token.Token, problem, hint string) Mistake {
	m := Mistake{Problem: problem, Hint: hint, token: tk}
	if tk != nil && tk.Position != nil {
		m.Line, m.Column = tk.Position.Line, tk.Position.Column
	}
	return m
}

// inOrder sorts mistakes as a reader of the file meets them, and cites the file
// for those that are shown.
func (m Mistakes) inOrder() Mistakes {
	slices.SortStableFunc(m, func(a, b Mistake) int {
		if (a.Line == 0) != (b.Line == 0) {
			return cmp.Compare(b.Line, a.Line)
		}
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	for i := range m[:min(len(m), shownAtMost)] {
		if m[i].Line == 0 {
			continue
		}
		source := strings.TrimRight(new(printer.Printer).PrintErrorToken(m[i].token, false), " \n")
		if len(source) <= longest {
			m[i].Source = source
		}
	}
	return m
}
