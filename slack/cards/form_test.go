package cards_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"countersign/commands"
	"countersign/slack/cards"
)

// typing is the dialog of an approver who has to type what will happen.
func typing() commands.Form {
	return commands.Form{
		ID: "confirm", Title: "Approve K7F3Q", Submit: "Approve",
		Intro:  []string{"You are about to delete 49 SAQ users.", "Fingerprint 3fa9c1d2ab07."},
		Fields: []commands.FormField{{ID: "words", Kind: commands.FieldText, Label: "Type DELETE 49", Placeholder: "DELETE 49", Max: 40}},
		Click: commands.Click{Request: request, Action: commands.ActApprove, By: bob, Op: "T/U/ts/approve/1",
			Channel: "C0QUALYSADMIN", Message: "1700000000.000100", Fingerprint: fingerprint},
	}
}

// building is the dialog that builds an update.
func building() commands.Form {
	return commands.Form{
		ID: "update", Title: "Update SAQ users", Submit: "Look up", Channel: "C0QUALYSADMIN",
		Fields: []commands.FormField{
			{ID: "field", Kind: commands.FieldChoice, Label: "Select by", Value: "company", Choices: []commands.Choice{
				{Value: "id", Label: "id"}, {Value: "company", Label: "Company"},
			}},
			{ID: "ids", Kind: commands.FieldLong, Label: "Ids", Hint: "One a line, at most 300.", Optional: true},
			{ID: "file", Kind: commands.FieldFile, Label: "or a CSV of ids", Optional: true},
			{ID: "reason", Kind: commands.FieldText, Label: "Reason", Max: 300},
		},
	}
}

func TestEveryKindOfFormLooksAsItShould(t *testing.T) {
	for name, form := range map[string]commands.Form{"form-confirm": typing(), "form-update": building()} {
		t.Run(name, func(t *testing.T) {
			view, err := cards.Form(form)
			require.NoError(t, err)
			viewWithinLimits(t, view)
			golden(t, name, view)
		})
	}
}

func TestWhatRidesInAFormComesBackWithoutWhoClicked(t *testing.T) {
	form := typing()
	form.Channel = "C0OTHER"
	view, err := cards.Form(form)
	require.NoError(t, err)
	require.NotContains(t, view.PrivateMetadata, "U0BOB")
	click, channel, err := cards.Metadata(view.PrivateMetadata)
	require.NoError(t, err)
	want := form.Click
	want.By.Team, want.By.ID = "", ""
	require.Equal(t, want, click)
	require.Equal(t, "C0OTHER", channel)
}

func TestForgedMetadataIsRefused(t *testing.T) {
	for _, forged := range []string{"", "null x", "[]", `{"by":"U0BOB"}`, `"K7F3Q"`, "{"} {
		_, _, err := cards.Metadata(forged)
		require.Error(t, err, "Metadata(%q)", forged)
	}
}

func TestWhatCannotBeCutIsAnError(t *testing.T) {
	for name, spoil := range map[string]func(*commands.Form){
		"metadata":   func(f *commands.Form) { f.Click.Op = strings.Repeat("x", 3000) },
		"name":       func(f *commands.Form) { f.ID = strings.Repeat("x", 256) },
		"field":      func(f *commands.Form) { f.Fields[0].ID = strings.Repeat("x", 256) },
		"no field":   func(f *commands.Form) { f.Fields[0].ID = "" },
		"choice":     func(f *commands.Form) { f.Fields[0].Choices[0].Value = strings.Repeat("x", 76) },
		"no choices": func(f *commands.Form) { f.Fields[0].Choices = nil },
		"fields":     func(f *commands.Form) { f.Fields = make([]commands.FormField, 51) },
	} {
		t.Run(name, func(t *testing.T) {
			form := building()
			spoil(&form)
			_, err := cards.Form(form)
			require.ErrorIs(t, err, cards.ErrTooBig)
		})
	}
	form := building()
	form.Fields[1].ID = form.Fields[0].ID
	_, err := cards.Form(form)
	require.ErrorContains(t, err, "two fields")
}

func TestFilledInValuesAreRead(t *testing.T) {
	var view slack.View
	require.NoError(t, json.Unmarshal([]byte(`{"state":{"values":{
		"reason":{"reason":{"type":"plain_text_input","value":"SEC-124"}},
		"ids":{"ids":{"type":"plain_text_input","value":null}},
		"field":{"field":{"type":"static_select","selected_option":{"value":"company","text":{"type":"plain_text","text":"Company"}}}},
		"file":{"file":{"type":"file_input","files":[{"id":"F1"},{"id":"F2"}]}}}}}`), &view))
	values, files := cards.Values(view)
	require.Equal(t, map[string]string{"reason": "SEC-124", "ids": "", "field": "company"}, values)
	require.Equal(t, []string{"F1", "F2"}, files)
	values, files = cards.Values(slack.View{})
	require.Empty(t, values)
	require.Empty(t, files)
}

func TestErrorsNameTheirFields(t *testing.T) {
	answer := cards.Errors(map[string]string{"words": "Type DELETE 49 exactly."})
	raw, err := json.Marshal(answer)
	require.NoError(t, err)
	require.JSONEq(t, `{"response_action":"errors","errors":{"words":"Type DELETE 49 exactly."}}`, string(raw))
}
