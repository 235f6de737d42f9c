package commands_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/approvals"
	"countersign/commands"
	"countersign/qualys"
)

func fields(f *commands.Form) []string {
	var ids []string
	for _, x := range f.Fields {
		ids = append(ids, x.ID)
	}
	return ids
}

func TestUpdateAndDeleteAloneOpenAForm(t *testing.T) {
	w := newTown(t)
	r := w.desk.Slash(t.Context(), commands.Slash{Text: "delete", By: alice, Channel: "CSEC", Op: "x"})
	require.NotNil(t, r.Form, "at once: a form cannot wait")
	assert.Equal(t, []string{"users", "file", "reason"}, fields(r.Form))
	assert.Equal(t, "CSEC", r.Form.Channel)
	r = w.in(alice, "update")
	assert.Equal(t, []string{"users", "file", "change", "reason"}, fields(r.Form))
	for _, f := range []*commands.Form{r.Form, w.in(alice, "delete").Form} {
		assert.LessOrEqual(t, len(f.Title), 24)
	}
}

func TestAFormBuildsTheSameRequest(t *testing.T) {
	w := newTown(t)
	r := w.fill(alice, w.in(alice, "update").Form, map[string]string{
		"users":  "firstName = NewVendor\ncompany~“Acme”",
		"change": "title=clear\nlastName=\"Left\"\n",
		"reason": " SEC-123\n contract ended ",
	})
	require.Contains(t, r.Text, "Held as", "%s", said(r))
	p := w.held()
	assert.Equal(t, "firstName=NewVendor company~Acme", p.Filter)
	assert.Equal(t, qualys.Change{{Field: qualys.LastName, Value: "Left"}, {Field: qualys.Title}}, p.Plan.Change())
	assert.Equal(t, "SEC-123 contract ended", p.Reason)
	assert.Equal(t, 49, p.Users)
}

func TestAFormTakesIds(t *testing.T) {
	for _, users := range []string{"1000\n1001\n1002", "1000, 1001,1002", "id=1000,1001,1002", "id=1000\n1001\n1002", " 1000 1001 1002 "} {
		w := newTown(t)
		r := w.fill(alice, w.in(alice, "delete").Form, map[string]string{"users": users, "reason": "SEC-1"})
		require.Contains(t, r.Text, "Held as", "%q: %s", users, said(r))
		assert.Equal(t, 3, w.held().Users)
	}
}

func TestAFormSaysWhatIsWrongWithEachField(t *testing.T) {
	for _, tt := range []struct {
		name, users, change, reason, file string
		want                              map[string]string
	}{
		{"nothing", "", "", "", "", map[string]string{
			"users": "Which users?", "change": "What should change?", "reason": "Whoever approves needs a reason"}},
		{"a typo", "compny=Acme", "lastName=x", "SEC-1", "", map[string]string{"users": `There is no field called "compny".`}},
		{"a value with a blank", "company=Acme Corp", "lastName=x", "SEC-1", "", map[string]string{"users": `Write: company="Acme Corp"`}},
		{"the reason in the wrong field", `company=Acme reason="x"`, "lastName=x", "SEC-1", "", map[string]string{"users": "The reason has a field of its own."}},
		{"set in the wrong field", "company=Acme set lastName=y", "lastName=x", "SEC-1", "", map[string]string{"users": "The new values have a field of their own"}},
		{"a field that cannot be changed", "company=Acme", "userName=x", "SEC-1", "", map[string]string{"change": "userName cannot be changed"}},
		{"P52: an empty new value", "company=Acme", `title=""`, "SEC-1", "", map[string]string{"change": "Write: title=clear"}},
		{"set before the new values", "company=Acme", `set title=x`, "SEC-1", "", map[string]string{"change": "Write: title=x"}},
		{"a reason without a word", "company=Acme", "lastName=x", "…", "", map[string]string{"reason": "Whoever approves needs a reason"}},
		{"a reason without end", "company=Acme", "lastName=x", strings.Repeat("x", 501), "", map[string]string{"reason": "longer than 500"}},
		{"an invisible character", "company=a\u202eb", "lastName=a\u0007b", "SEC-1", "", map[string]string{"users": "U+202E", "change": "U+0007"}},
		{"P41b: a bad row", "", "lastName=x", "SEC-1", "id\n1\nx1\n", map[string]string{"file": `Row 3: "x1" is no id.`}},
		{"an empty file", "company=Acme", "lastName=x", "SEC-1", "\n", map[string]string{"file": "The file is empty."}},
		{"ids twice", "id=1", "lastName=x", "SEC-1", "1\n", map[string]string{"file": "There are ids in the field above too."}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newTown(t)
			var file []byte // nil, where none is chosen
			if tt.file != "" {
				file = []byte(tt.file)
			}
			r := w.fill(alice, w.in(alice, "update").Form, map[string]string{"users": tt.users, "change": tt.change, "reason": tt.reason}, file...)
			require.Len(t, r.Errors, len(tt.want), "%v", r.Errors)
			for field, problem := range tt.want {
				assert.Contains(t, r.Errors[field], problem)
			}
			assert.Empty(t, w.qualys.asked)
		})
	}
}

func TestAFormTakesACSVOfIds(t *testing.T) {
	w := newTown(t, "approvals: [{up_to: 5000, need: 1}]\nmax_percent: 100")
	var file strings.Builder
	file.WriteString("\ufeffuserName;ID\r\n")
	for i := range 399 {
		fmt.Fprintf(&file, "someone; %d \r\n", 1000+i)
	}
	fmt.Fprintf(&file, "nobody;7\r\nfirst again;1000\r\n")
	r := w.fill(alice, w.in(alice, "delete").Form, map[string]string{"reason": "SEC-1"}, []byte(file.String())...)
	require.Contains(t, r.Text, "Held as", "%s", said(r))
	assert.Contains(t, r.Text, "1 of the ids belongs to nobody in scope.")
	p := w.held()
	assert.Equal(t, 399, p.Users)
	assert.Less(t, len(p.Filter), 700)
}

func TestALongCSVIsLookedUpInParts(t *testing.T) {
	w := newTown(t)
	var file strings.Builder
	for i := range 1200 {
		fmt.Fprintf(&file, "%d\n", 1390+i)
	}
	r := w.fill(alice, w.in(alice, "delete").Form, map[string]string{"users": "company~Vendor", "reason": "SEC-1"}, []byte(file.String())...)
	require.Contains(t, r.Text, "Held as", "%s", said(r))
	assert.Contains(t, r.Text, "1,190 of the ids fit nobody under these conditions.")
	assert.Equal(t, []string{"count", "search", "search", "search"}, w.qualys.asked)
	assert.Equal(t, 10, w.held().Users)
}

// P15: the rights are those of the person who sends the form.
func TestAFormIsJudgedByWhoSendsIt(t *testing.T) {
	w := newTown(t)
	f := w.in(alice, "delete").Form
	r := w.fill(rita, f, map[string]string{"users": "id=1000", "reason": "SEC-1"})
	assert.Equal(t, "You may not ask for changes here.", r.Text)
	assert.Equal(t, approvals.Refused, w.last().Kind)
	w.fill(max, f, map[string]string{"users": "id=1000", "reason": "SEC-1"})
	assert.Equal(t, max, w.held().Requester)
}
