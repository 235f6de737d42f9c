package chat_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"countersign/internal/chat"
)

// parrot is a stage that answers each step with what it was taught.
type parrot struct {
	taught  map[string][]chat.Line // by the step, in the notation
	heard   []string
	waiting []chat.Line
}

func (p *parrot) hear(step string) error {
	lines, known := p.taught[step]
	if !known {
		return fmt.Errorf("nobody taught me that; I know %s", strings.Join(slices.Sorted(maps.Keys(p.taught)), " / "))
	}
	p.heard = append(p.heard, step)
	p.waiting = append(p.waiting, lines...)
	return nil
}

func (p *parrot) Do(_ context.Context, a chat.Act) error { return p.hear(a.String()) }

func (p *parrot) Pass(_ context.Context, d time.Duration) error { return p.hear(d.String()) }

func (p *parrot) Direct(_ context.Context, text string) error { return p.hear("(" + text + ")") }

func (p *parrot) Seen(context.Context) ([]chat.Line, error) {
	seen := p.waiting
	p.waiting = nil
	return seen, nil
}

// twoPeople answers testdata/two-people.txt, in an order of its own where order
// does not count.
func twoPeople() *parrot {
	return &parrot{taught: map[string][]chat.Line{
		`alice> /qualys-users delete firstName=NewVendor reason="SEC-124"`: {
			{Kind: chat.Direct, To: "bob", Text: "K7F3Q waits for you."},
			{Kind: chat.File, Text: "delete-saq-2-users-3fa9c1d2ab07.csv (2 rows) id,userName,firstName"},
			{Kind: chat.Message, Text: "Delete 2 SAQ users?\nby company: 2 NewVendor \nno others\nfingerprint 3fa9c1d2ab07",
				Buttons: []string{"Approve", "Reject"}},
			{Kind: chat.Ephemeral, To: "alice", Text: "Held as K7F3Q. Bob or Carol can approve until 18:00.\n"},
		},
		`alice* Approve @K7F3Q`: {
			{Kind: chat.Ephemeral, To: "alice", Text: "You asked for this one. A second person has to approve it."},
		},
		`bob* Approve`: {
			{Kind: chat.Dialog, To: "bob", Text: "Delete 2 users: It cannot be undone.", Buttons: []string{"Approve", "Back"}},
		},
		`& carol* Reject @K7F3Q stale`: nil,
		`31s`: {
			{Kind: chat.Message, Place: "thread", Text: "#128 9f3ac1 ← 77b0de"},
			{Kind: chat.Message, Text: "Deleted 2 of 2 SAQ users."},
			{Kind: chat.Update, Text: "Deleted 2 of 2 · 14:03"},
		},
	}}
}

// decided changes what the second press of Approve does: the parrot hears the same
// words twice, as Slack does.
type decided struct{ *parrot }

func (d decided) Do(ctx context.Context, a chat.Act) error {
	if err := d.parrot.Do(ctx, a); err != nil {
		return err
	}
	if a.Who == "carol" {
		d.waiting = []chat.Line{
			{Kind: chat.Update, Text: "Approved by Bob. Starts at 14:03."},
			{Kind: chat.Ephemeral, To: "carol", Text: "This was decided already."},
		}
	}
	return nil
}

// form answers testdata/form.txt.
func form() *parrot {
	return &parrot{taught: map[string][]chat.Line{
		`alice> /qualys-users update`: {
			{Kind: chat.Form, To: "alice", Text: "Change users\nCompany\nLast name\nReason", Buttons: []string{"Submit", "Close"}},
		},
		`alice+ Company=NewVendor | Last name=Left`: {
			{Kind: chat.FormError, To: "alice", Text: "Reason: Say why, for example SEC-123."},
		},
		`alice+ Company=NewVendor | Last name=Left | Reason=SEC-123`: {
			{Kind: chat.Ephemeral, To: "alice", Text: "Held as Q2WLR."},
		},
		`bob> /qualys-users show Q2WLR`: {
			{Kind: chat.Ephemeral, To: "alice", Text: "Bob looked at Q2WLR."},
			{Kind: chat.Ephemeral, To: "bob", Text: "Q2WLR: 49 users", Buttons: []string{"Cancel"}},
		},
		`(mallory joins the channel)`: nil,
		`mallory[#other]> /qualys-users help`: {
			{Kind: chat.Notice, To: "mallory", Text: "This command works in #vendors only."},
		},
	}}
}
