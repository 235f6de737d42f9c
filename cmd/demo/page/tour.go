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
			Title: "Download platform users", Who: "alice", Type: command + " download", Point: "composer",
			Text:  "The button writes the command for you; press Enter. A CSV of everybody appears, with counts. Open it.",
			Needs: []func(minislack.Event) bool{entry(approvals.Downloaded)},
		}, {
			Title: "Ask for a delete", Who: "alice", Type: remove, Point: "composer",
			Text:  "Press Enter again. Nobody is deleted: a card shows exactly who would be, and waits for somebody else.",
			Needs: []func(minislack.Event) bool{entry(approvals.Requested)},
		}, {
			Title: "Try to approve it yourself", Who: "alice", Point: "action:approve",
			Text:  "Press Approve. You asked for this one, so you cannot. Only you see the answer; the trail keeps it.",
			Needs: []func(minislack.Event) bool{entry(approvals.Refused)},
		}, {
			Title: "Approve it as Bob", Who: "bob", Point: "action:approve", Pull: "slow-qualys",
			Text:  "He types what he approves and can still say no for some seconds. Qualys is slow from now on, so you can watch.",
			Needs: []func(minislack.Event) bool{entry(approvals.Approved)},
		}, {
			Title: "Kill the bot while it works", Who: "bob", Point: "lever:bot-1",
			Text:  "When the bar moves, kill a bot. The other reads back what was done and goes on. Missed it? Delete others.",
			Needs: []func(minislack.Event) bool{killed, entry(approvals.Finished)},
		}, {
			Title: "Read the trail", Who: "bob", Point: "thread",
			Text:  "Every step is a numbered, signed line; one that is edited or deleted is found out. Levers make Qualys fast again.",
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
