package cards

import (
	"fmt"
	"regexp"

	"github.com/slack-go/slack"

	"countersign/commands"
)

// The parts of a button's value.
var value = regexp.MustCompile(`^([A-Z2-7]{5,26}):([0-9a-f]{12})$`)

// Value is what a button of a request's card carries.
func Value(request, fingerprint string) string { return request + ":" + fingerprint }

// ParseValue reads what [Value] wrote. The value came through Slack: anything else is an error.
func ParseValue(text string) (request, fingerprint string, err error) {
	parts := value.FindStringSubmatch(text)
	if parts == nil {
		return "", "", fmt.Errorf("%.60q is no value of a button: want K7F3Q:3fa9c1d2ab07", text)
	}
	return parts[1], parts[2], nil
}

// maxButtons is what one row of buttons holds.
const maxButtons = 5

// buttons are what can be pressed. At most one is primary, each action is there once,
// and a button whose value could not be read again is left out.
func buttons(c commands.CardContent) []slack.BlockElement {
	if !c.State.Open() || !value.MatchString(Value(c.Request, c.Fingerprint)) {
		return nil
	}
	var made []slack.BlockElement
	seen := map[commands.Action]bool{}
	primary := false
	for _, b := range c.Buttons {
		if b.Action == "" || len(b.Action) > 255 || seen[b.Action] || len(made) == maxButtons {
			continue
		}
		seen[b.Action] = true
		button := slack.NewButtonBlockElement(
			string(b.Action), Value(c.Request, c.Fingerprint), plain(b.Label, maxButton, string(b.Action)))
		switch {
		case b.Style == string(slack.StyleDanger):
			button.Style = slack.StyleDanger
		case b.Style == string(slack.StylePrimary) && !primary:
			button.Style, primary = slack.StylePrimary, true
		}
		if b.Confirm != nil {
			button.Confirm = confirm(*b.Confirm)
		}
		made = append(made, button)
	}
	return made
}

// confirm is the question before a click.
func confirm(c commands.Confirm) *slack.ConfirmationBlockObject {
	return slack.NewConfirmationBlockObject(
		plain(c.Title, 100, "Are you sure?"),
		plain(c.Text, 300, "Are you sure?"),
		plain(c.Yes, 30, "Yes"),
		plain(c.No, 30, "Back"),
	)
}
