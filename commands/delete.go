package commands

import "countersign/commands/grammar"

func deleteVerb() verb {
	return verb{
		name:  Delete,
		needs: mayRequest,
		usage: `condition … reason="…"`,
		about: "asks to delete SAQ users; somebody else has to approve it.",
		more: append([]string{
			"Alone, it opens a form.",
			"It removes users of the questionnaire. It does not offboard a platform account.",
		}, conditionHelp...),
		examples: []string{
			`delete firstName=NewVendor reason="SEC-124"`,
			`delete id=767231592,713091591 reason="SEC-124"`,
			"delete",
		},
		takes: grammar.TakesSelection,
		run:   (*Desk).change,
	}
}
