package commands

import "countersign/commands/grammar"

func updateVerb() verb {
	return verb{
		name:  Update,
		needs: mayRequest,
		usage: `condition … set field=value … reason="…"`,
		about: "asks to change SAQ users; somebody else has to approve it.",
		more: append([]string{
			"Alone, it opens a form.",
			"Behind set stand the new values: firstName, lastName, company, title, and emailAddress for one user. clear empties a field.",
		}, conditionHelp...),
		examples: []string{
			`update company=NewVendor set lastName="Left" title=clear reason="SEC-123 contract ended"`,
			`update id=767231592 set emailAddress=jo@example.com reason="SEC-125"`,
			"update",
		},
		takes: grammar.TakesSelection,
		run:   (*Desk).change,
	}
}
