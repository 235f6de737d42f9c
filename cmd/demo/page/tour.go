package page

import (
	"encoding/json"
	"strings"

	"countersign/approvals"
	"countersign/audit"
	"countersign/internal/minislack"
)

// tour is a newcomer's way through, six steps long.
func tour() []minislack.Step {
	const remove = command + ` delete firstName=NewVendor reason="SEC-124 contract ended"`
	return []minislack.Step{
		{
			Title: "Download the platform users", Who: "alice", Type: command + " download", Point: "composer",
			Text:  "Press Enter. A complete CSV appears with a count; open it and look inside.",
			Needs: []func(minislack.Event) bool{entry(approvals.Downloaded)},
		}, {
			Title: "Ask for a delete", Who: "alice", Type: remove, Point: "composer",
			Text:  "Nobody is deleted. A card shows exactly who would be, and waits for somebody else.",
			Needs: []func(minislack.Event) bool{entry(approvals.Requested)},
		}, {
			Title: "Try to approve it yourself", Who: "alice", Point: "action:approve",
			Text:  "You asked for this one, so you cannot. The refusal is for your eyes, and the trail keeps it.",
			Needs: []func(minislack.Event) bool{entry(approvals.Refused)},
		}, {
			Title: "Approve it as somebody else", Who: "bob", Point: "action:approve", Pull: "slow-qualys",
			Text: "Bob types what he approves, and a short time is left to say no. " +
				"So that you can watch, Qualys is slow from now on.",
			Needs: []func(minislack.Event) bool{entry(approvals.Approved)},
		}, {
			Title: "Kill the bot while it works", Who: "bob", Point: "lever:bot-1",
			Text: "Wait until the bar moves. Whichever bot you kill, the other one goes on, " +
				"reads back what was really done, and the counts are right.",
			Needs: []func(minislack.Event) bool{killed, entry(approvals.Finished)},
		}, {
			Title: "Read the trail", Who: "bob", Point: "thread",
			Text:  "Every step is a numbered, signed line in the thread of the card. A line that is edited or deleted is found out.",
			Needs: []func(minislack.Event) bool{entry(approvals.Finished), readTrail},
		},
	}
}

// entry wants an entry of the trail.
func entry(kind approvals.Kind) func(minislack.Event) bool {
	return func(e minislack.Event) bool {
		meta := e.Message.Metadata
		if e.Kind != minislack.Posted || meta == nil || meta.Type != audit.EventType {
			return false
		}
		var said struct {
			Kind approvals.Kind `json:"kind"`
		}
		return json.Unmarshal(meta.Payload, &said) == nil && said.Kind == kind
	}
}

func killed(e minislack.Event) bool {
	return e.Kind == minislack.Pulled && strings.HasPrefix(e.Text, "bot-")
}

func readTrail(e minislack.Event) bool { return e.Kind == minislack.Opened && e.Text == "thread" }
