package commands

import (
	"context"
	"strings"

	"countersign/approvals/rules"
	"countersign/commands/grammar"
	"countersign/commands/words"
)

func helpVerb() verb {
	return verb{
		name:     Help,
		needs:    anybody,
		usage:    "[verb]",
		about:    "lists what you may do; with a verb, explains it.",
		examples: []string{"help", "help delete"},
		takes:    grammar.TakesVerb,
		run:      (*Desk).help,
	}
}

// allowed lists the verbs that somebody with these roles may use.
func allowed(roles rules.Roles) []string {
	var names []string
	for _, v := range table() {
		if v.needs.holds(roles) {
			names = append(names, string(v.name))
		}
	}
	return names
}

// help shows what this person may do, and nothing else.
func (d *Desk) help(ctx context.Context, s Slash, r Request) Reply {
	roles, err := d.Policy.Roles(ctx, d.Reads, s.By)
	if err != nil {
		return d.explain(ctx, err)
	}
	if r.About == "" {
		return overview(roles)
	}
	v, _ := lookUp(r.About)
	if !v.needs.holds(roles) {
		return d.explain(ctx, v.needs.refusal(roles))
	}
	return about(v)
}

// overview lists the verbs of somebody's roles, a line each.
func overview(roles rules.Roles) Reply {
	lines := []string{"What you can do here:"}
	for _, v := range table() {
		if v.needs.holds(roles) {
			lines = append(lines, "• "+words.Try(string(v.name), v.usage)+" "+v.about)
		}
	}
	reply := Reply{Text: strings.Join(lines, "\n"), Hint: "To read more about one of them: " + words.Try("help", allowed(roles)[0])}
	if len(roles.List()) == 0 {
		reply.Hint = "The policy gives you no role here. Whoever runs Countersign can add you."
	}
	return reply
}

// about explains one verb.
func about(v verb) Reply {
	lines := []string{words.Try(string(v.name), v.usage) + " " + v.about}
	for _, m := range v.more {
		lines = append(lines, words.Escape(m))
	}
	lines = append(lines, "For example:")
	for _, e := range v.examples {
		lines = append(lines, "• "+words.Try(e))
	}
	return Reply{Text: strings.Join(lines, "\n")}
}
