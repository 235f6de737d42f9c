package cards

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/slack-go/slack"

	"countersign/commands"
)

// ErrTooBig means a form holds something that cannot be cut to what Slack takes.
var ErrTooBig = errors.New("the form does not fit into a dialog of Slack")

// The limits of a form.
const (
	maxShort       = 24 // title and labels of the buttons
	maxPrivate     = 3000
	maxInput       = 3000
	maxPlaceholder = 150
	maxLabel       = 300
	maxChoice      = 75
	maxChoices     = 100
	maxIntro       = 5
	maxFields      = 50
)

// carried is what rides in a form. Who clicked does not: whoever sends the form
// is the one who acts.
type carried struct {
	Home        string          `json:"home,omitempty"` // Form.Channel
	Request     string          `json:"request,omitempty"`
	Action      commands.Action `json:"action,omitempty"`
	Op          string          `json:"op,omitempty"`
	Channel     string          `json:"channel,omitempty"`
	Message     string          `json:"message,omitempty"`
	Fingerprint string          `json:"fingerprint,omitempty"`
}

// Form renders a dialog. The block_id of a field is its ID, which is what
// [Errors] needs.
func Form(f commands.Form) (slack.ModalViewRequest, error) {
	private, err := json.Marshal(carried{
		Home: f.Channel, Request: f.Click.Request, Action: f.Click.Action, Op: f.Click.Op,
		Channel: f.Click.Channel, Message: f.Click.Message, Fingerprint: f.Click.Fingerprint,
	})
	if err != nil {
		return slack.ModalViewRequest{}, fmt.Errorf("what rides in the form: %w", err)
	}
	if len(private) > maxPrivate || len(f.ID) > 255 || len(f.Fields) > maxFields {
		return slack.ModalViewRequest{}, ErrTooBig
	}
	var blocks []slack.Block
	for _, text := range f.Intro[:min(len(f.Intro), maxIntro)] {
		if strings.TrimSpace(clean(text, true)) != "" {
			blocks = append(blocks, slack.NewSectionBlock(plain(text, maxInput, "–"), nil, nil))
		}
	}
	seen := map[string]bool{}
	for _, field := range f.Fields {
		block, err := input(field)
		if err != nil {
			return slack.ModalViewRequest{}, err
		}
		if seen[field.ID] {
			return slack.ModalViewRequest{}, fmt.Errorf("two fields are called %.60q", field.ID)
		}
		seen[field.ID] = true
		blocks = append(blocks, block)
	}
	if len(blocks) == 0 {
		blocks = append(blocks, slack.NewDividerBlock())
	}
	return slack.ModalViewRequest{
		Type:            slack.VTModal,
		CallbackID:      f.ID,
		Title:           plain(f.Title, maxShort, "Countersign"),
		Submit:          plain(f.Submit, maxShort, "Send"),
		Close:           plain("Back", maxShort, "Back"),
		Blocks:          slack.Blocks{BlockSet: blocks},
		PrivateMetadata: string(private),
	}, nil
}

// input is one field of a form.
func input(f commands.FormField) (*slack.InputBlock, error) {
	if f.ID == "" || len(f.ID) > 255 {
		return nil, fmt.Errorf("%w: a field is called %.60q", ErrTooBig, f.ID)
	}
	block := slack.NewInputBlock(f.ID, plain(f.Label, maxLabel, f.ID), nil, nil)
	block.Optional = f.Optional
	if strings.TrimSpace(clean(f.Hint, false)) != "" {
		block.Hint = plain(f.Hint, maxLabel, "–")
	}
	switch f.Kind {
	case commands.FieldChoice:
		element, err := choices(f)
		if err != nil {
			return nil, err
		}
		block.Element = element
	case commands.FieldFile:
		file := slack.NewFileInputBlockElement(f.ID)
		file.FileTypes, file.MaxFiles = []string{"csv"}, 1
		block.Element = file
	default:
		block.Element = writing(f)
	}
	return block, nil
}

// placeholder is what stands in an empty field, or nil.
func placeholder(f commands.FormField) *slack.TextBlockObject {
	if strings.TrimSpace(clean(f.Placeholder, false)) == "" {
		return nil
	}
	return plain(f.Placeholder, maxPlaceholder, "–")
}

// writing is a field for text.
func writing(f commands.FormField) *slack.PlainTextInputBlockElement {
	text := slack.NewPlainTextInputBlockElement(placeholder(f), f.ID)
	text.Multiline = f.Kind == commands.FieldLong
	text.MaxLength = maxInput
	if f.Max > 0 {
		text.MaxLength = min(f.Max, maxInput)
	}
	text.InitialValue = cut(clean(f.Value, text.Multiline), text.MaxLength)
	return text
}

// choices is a field with one of several values.
func choices(f commands.FormField) (*slack.SelectBlockElement, error) {
	if len(f.Choices) == 0 || len(f.Choices) > maxChoices {
		return nil, fmt.Errorf("%w: %d choices for %.60q", ErrTooBig, len(f.Choices), f.ID)
	}
	menu := slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, placeholder(f), f.ID)
	for _, c := range f.Choices {
		if c.Value == "" || length(c.Value) > maxChoice {
			return nil, fmt.Errorf("%w: the choice %.90q for %.60q", ErrTooBig, c.Value, f.ID)
		}
		option := slack.NewOptionBlockObject(c.Value, plain(c.Label, maxChoice, c.Value), nil)
		menu.Options = append(menu.Options, option)
		if c.Value == f.Value {
			menu.InitialOption = option
		}
	}
	return menu, nil
}

// Metadata reads what rode in a form: the click that opened it, if a button
// did, and the channel it is about. The click names nobody.
func Metadata(private string) (click commands.Click, channel string, err error) {
	d := json.NewDecoder(bytes.NewReader([]byte(private)))
	d.DisallowUnknownFields()
	var c carried
	err = d.Decode(&c)
	if _, more := d.Token(); err == nil && more != io.EOF {
		err = errors.New("something stands behind it")
	}
	if err != nil {
		return commands.Click{}, "", fmt.Errorf("what rode in the form: %w", err)
	}
	return commands.Click{
		Request: c.Request, Action: c.Action, Op: c.Op,
		Channel: c.Channel, Message: c.Message, Fingerprint: c.Fingerprint,
	}, c.Home, nil
}

// Values reads what was filled in: the texts and choices by the ID of their
// field, and the ids of uploaded files.
func Values(view slack.View) (values map[string]string, files []string) {
	values = map[string]string{}
	if view.State == nil {
		return values, nil
	}
	for field, actions := range view.State.Values {
		for _, a := range actions {
			switch {
			case a.SelectedOption.Value != "":
				values[field] = a.SelectedOption.Value
			case len(a.Files) > 0:
				for _, file := range a.Files {
					files = append(files, file.ID)
				}
			default:
				values[field] = a.Value
			}
		}
	}
	return values, files
}

// Errors answers a form that cannot be taken: a sentence for each field, by its ID.
func Errors(sentences map[string]string) *slack.ViewSubmissionResponse {
	short := make(map[string]string, len(sentences))
	for field, sentence := range sentences {
		short[field] = cut(clean(sentence, false), maxLabel)
	}
	return slack.NewErrorsViewSubmissionResponse(short)
}
