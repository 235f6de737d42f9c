package lookup

import (
	"context"
	"time"

	"countersign/audit"
	"countersign/commands/words"
	"countersign/qualys"
)

// What is worth telling before the end: that it takes more than a few calls, and
// that a wait is long.
const (
	callsUntold = 5
	waitUntold  = 10 * time.Second
)

// News passes on what is worth telling somebody while their command still works:
// once that it takes long, and twice at most that Qualys makes it wait.
type News struct {
	tell  func(text string)
	plan  bool // was told
	waits int  // were told
}

// NewNews makes the news of one command.
func NewNews(tell func(text string)) *News { return &News{tell: tell} }

// Listen returns a context whose readings of Qualys are heard.
func (n *News) Listen(ctx context.Context) context.Context {
	return qualys.WithProgress(ctx, n.hear)
}

// hear is told of every wait, and of every page of a download.
func (n *News) hear(p qualys.Progress) {
	switch {
	case p.Wait == 0:
		who := ""
		if p.Total > 0 {
			who = audit.Plural(p.Total, "platform user")
		}
		n.long(p, who)
	case p.Wait > waitUntold:
		n.wait(p.Wait)
	}
}

// wait tells of a long wait. Qualys may ask for many, each longer than the one
// before.
func (n *News) wait(d time.Duration) {
	switch n.waits++; n.waits {
	case 1:
		n.tell("Qualys makes me wait " + words.Lasts(d) + "; then I go on.")
	case 2:
		n.tell("Qualys makes me wait again, " + words.Lasts(d) + " this time. I go on by myself, and do not tell you of every wait.")
	}
}

// long says once what a long reading costs. Who is how many users there are to
// read, or empty where nobody knows.
func (n *News) long(p qualys.Progress, who string) {
	if p.Plan <= callsUntold || n.plan {
		return
	}
	n.plan = true
	calls := audit.Plural(p.Plan, "call")
	text := "This takes " + calls + " of Qualys"
	if who != "" {
		text = "Qualys has " + who + ". Reading them takes " + calls
	}
	if p.Left > 0 {
		text += ", about " + words.Lasts(p.Left) + " more"
	}
	n.tell(text + ".")
}
