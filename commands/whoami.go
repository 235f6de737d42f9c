package commands

import (
	"context"
	"strings"

	"countersign/commands/grammar"
	"countersign/commands/words"
)

func whoamiVerb() verb {
	return verb{
		name:     Whoami,
		needs:    anybody,
		about:    "says who you are here and what you may do.",
		examples: []string{"whoami"},
		takes:    grammar.TakesNothing,
		run:      (*Desk).whoami,
	}
}

func (d *Desk) whoami(ctx context.Context, s Slash, _ Request) Reply {
	roles, err := d.Policy.Roles(ctx, d.Directory, s.By)
	if err != nil {
		return d.explain(ctx, err)
	}
	var names []string
	for _, r := range roles.List() {
		names = append(names, string(r))
	}
	text := "You are " + words.Mention(s.By.ID) + ", " + words.Code(s.By.String()) + ". "
	if len(names) == 0 {
		return Reply{Text: text + "The policy gives you no role here.", Hint: "Whoever runs Countersign can add your id, or a user group that you are in."}
	}
	return Reply{
		Text: text + "Your roles here: " + strings.Join(names, ", ") + ". You can use: " + strings.Join(allowed(roles), ", ") + ".",
		Hint: words.Try("help"),
	}
}
