package form_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"

	"countersign/approvals"
	"countersign/approvals/rules"
	"countersign/commands/card"
	"countersign/commands/form"
	"countersign/commands/grammar"
)

// What was typed counts whatever its case, blanks and commas; nothing else does.
func TestAConfirmationIsTypedAsItStands(t *testing.T) {
	p := approvals.Pending{Verb: approvals.Delete, Users: 1200}
	for _, words := range []string{"DELETE 1200", "delete 1200", " Delete  1,200 ", "“DELETE 1200”", "DELETE\u00a01200"} {
		assert.True(t, form.Confirms(words, p), "%q", words)
	}
	for _, words := range []string{"", "yes", "DELETE", "1200", "DELETE 120", "DELETE 12000", "UPDATE 1200", "DELETE 1200 users"} {
		assert.False(t, form.Confirms(words, p), "%q", words)
	}
}

// Slack takes titles and buttons of 24 characters; a form keeps nothing in the bot.
func TestFormsFitAndCarryWhatTheyAreAbout(t *testing.T) {
	p := approvals.Pending{
		ID: "ABCDEFGHIJKLMNOPQRSTUVWXYZ", State: approvals.PENDING, Verb: approvals.Update, Users: 5000, Need: 1, Reason: "SEC-124",
	}
	again := p
	again.State, again.Resuming = approvals.NEEDS_REVIEW, true
	c := card.Click{Request: p.ID, By: rules.Person{ID: "UBOB"}, Channel: "CSEC"}
	for name, f := range map[string]*form.Form{
		"approve": form.ForApproval(p, c), "resume": form.ForApproval(again, c), "reject": form.ForRejection(p, c),
		"delete": form.ForRequest(grammar.Delete, "CSEC"), "update": form.ForRequest(grammar.Update, "CSEC"),
	} {
		assert.LessOrEqual(t, utf8.RuneCountInString(f.Title), 24, "%s: %s", name, f.Title)
		assert.LessOrEqual(t, utf8.RuneCountInString(f.Submit), 24, name)
		assert.Equal(t, "CSEC", f.Channel, name)
		if name == "approve" || name == "resume" || name == "reject" {
			assert.Equal(t, c, f.Click, name)
		}
		ids := map[string]bool{}
		for _, field := range f.Fields {
			assert.False(t, ids[field.ID], "%s has two fields %s", name, field.ID)
			ids[field.ID] = true
			assert.NotEmpty(t, field.Label, name)
		}
	}
}

// A form builds the request that could have been typed.
func TestAFormIsReadLikeACommand(t *testing.T) {
	r, wrong := form.Read(form.Submission{Form: "update", Values: map[string]string{
		form.Users: "company=Acme\ntitle~clerk", form.Change: `lastName="Left"`, form.Reason: " SEC-1\nleft ",
	}})
	assert.Empty(t, wrong)
	assert.Equal(t, `update company=Acme title~clerk set lastName=Left reason="SEC-1 left"`, r.String())

	_, wrong = form.Read(form.Submission{Form: "update", Values: map[string]string{form.Users: "id=1", form.Reason: "…"}, File: []byte("2\n")})
	assert.Contains(t, wrong[form.File], "ids in the field above")
	assert.Contains(t, wrong[form.Reason], "needs a reason")
	assert.NotEmpty(t, wrong[form.Change])
}

// An empty file is no missing one: who chose it is told, also beside conditions.
func TestAnEmptyFileIsCalledEmpty(t *testing.T) {
	for _, tt := range []struct {
		name, users string
		file        []byte
		want        map[string]string
	}{
		{"no file", "", nil, map[string]string{form.Users: "Which users? Name conditions or ids here, or choose a CSV below."}},
		{"an empty one", "", []byte{}, map[string]string{form.File: "The file is empty."}},
		{"an empty one beside conditions", "company=Acme", []byte{}, map[string]string{form.File: "The file is empty."}},
	} {
		_, wrong := form.Read(form.Submission{Form: "delete", Values: map[string]string{form.Users: tt.users, form.Reason: "SEC-1"}, File: tt.file})
		assert.Equal(t, tt.want, wrong, tt.name)
	}
}

func TestTooManyIDsInTheFieldBelongInTheFile(t *testing.T) {
	var ids strings.Builder
	for i := range 301 {
		fmt.Fprintln(&ids, 1000+i)
	}
	_, wrong := form.Read(form.Submission{Form: "delete", Values: map[string]string{
		form.Users: ids.String(), form.Reason: "SEC-1",
	}})
	assert.Equal(t, map[string]string{form.Users: "These are 301 numbers, and this field takes 300. Choose a CSV of ids below."}, wrong)
}
