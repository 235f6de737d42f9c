package commands_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/approvals/rules"
	"countersign/commands"
	"countersign/commands/grammar"
)

// P58: help shows what this person may do, and nothing else.
func TestHelpShowsWhatThisPersonMayDo(t *testing.T) {
	w := newTown(t)
	for _, tt := range []struct {
		name string
		who  rules.Person
	}{{"reader", rita}, {"requester", alice}, {"approver", bob}, {"both", max}, {"nobody", mallory}} {
		t.Run(tt.name, func(t *testing.T) {
			golden(t, "help-"+tt.name+".txt", said(w.in(tt.who, "help"))+"\n\n"+said(w.in(tt.who, "whoami"))+"\n")
			assert.Equal(t, w.in(tt.who, "help"), w.in(tt.who, ""), "nothing asks for help")
		})
	}
}

var verbs = []commands.Verb{
	commands.Download, commands.Find, commands.Count, commands.Update, commands.Delete, commands.Requests,
	commands.Show, commands.Cancel, commands.Withdraw, commands.Retry, commands.Undo, commands.Stop, commands.Resume,
	commands.Close, commands.Freeze, commands.Unfreeze, commands.Whoami, commands.Help,
}

func TestHelpExplainsEachVerb(t *testing.T) {
	w := newTown(t, "same_person: [[UALICE, UNOBODY]]")
	everything := rules.Person{Team: "T1", ID: "UALICE"}
	w.office.groups["S1"] = []string{"UALICE"}
	var all []string
	for _, v := range verbs {
		who := everything
		if v == commands.Withdraw || v == commands.Resume || v == commands.Unfreeze {
			who = max
		}
		r := w.in(who, "help "+string(v))
		all = append(all, said(r))
		for line := range strings.Lines(r.Text) { // what help shows as an example is understood
			if example, ok := strings.CutPrefix(line, "• `"+grammar.Command+" "); ok {
				example = strings.NewReplacer("&lt;", "<", "&gt;", ">").Replace(strings.TrimRight(example, "`\n"))
				got, err := commands.Parse(example)
				require.NoError(t, err, "example of %s", v)
				assert.Equal(t, v, got.Verb)
			}
		}
	}
	golden(t, "help-verbs.txt", strings.Join(all, "\n\n")+"\n")
}

func TestHelpAboutAForbiddenVerbSaysWhy(t *testing.T) {
	w := newTown(t)
	assert.Equal(t, "You may not ask for changes here.", w.in(rita, "help delete").Text)
	assert.Equal(t, "You may not look users up here.", w.in(bob, "help find").Text)
	assert.Equal(t, "You may not decide requests here.", w.in(rita, "help close").Text)
	assert.Equal(t, "You may not decide requests here.", w.in(alice, "help resume").Text)
	assert.Equal(t, "You may not stop or freeze anything here.", w.in(rita, "help freeze").Text)
	assert.Equal(t, "The policy gives you no role here.", w.in(mallory, "help find").Text)
	assert.Empty(t, w.events(), "reading about a verb is no attempt")
}

func TestHelpAndRightsAgree(t *testing.T) {
	w := newTown(t)
	texts := map[commands.Verb]string{
		commands.Download: "download", commands.Find: "find", commands.Count: "count", commands.Update: "update",
		commands.Delete: "delete", commands.Requests: "requests", commands.Show: "show AAAAA",
		commands.Retry: "retry AAAAA", commands.Undo: "undo AAAAA", commands.Stop: "stop AAAAA", commands.Unfreeze: "unfreeze",
	}
	for _, who := range []rules.Person{alice, bob, rita, max, mallory} {
		help := w.in(who, "help").Text
		for v, text := range texts {
			r := w.in(who, text)
			refused := strings.HasPrefix(r.Text, "You may not") || strings.HasPrefix(r.Text, "The policy gives you no role")
			assert.Equal(t, !refused, strings.Contains(help, "`"+grammar.Command+" "+string(v)), "%s and %s", who.ID, v)
			if r.File != nil {
				require.NoError(t, r.File.Close())
			}
		}
	}
}
