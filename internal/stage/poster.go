package stage

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"countersign/approvals"
	"countersign/audit"
	"countersign/commands"
	"countersign/internal/chat"
	"countersign/slack/cards"
)

// A poster shows what is in the outbox of a desk's book, as the poster of package
// slack does it: the file and the card first, then the entries.
type poster struct {
	desk     *Desk
	out      approvals.Outbox
	trail    *audit.Trail
	leased   time.Time        // when the lease was renewed
	unfolded bool             // people look at the thread
	freeze   approvals.Freeze // that the cards are drawn with, or none
	shown    map[string]*card // by request
}

// A card is a card on the wall.
type card struct {
	id, ts, fingerprint string
	content             commands.CardContent
	once                []commands.Button // every button that it ever had
}

func newPoster(d *Desk, keys approvals.Keys) poster {
	p := poster{
		desk: d, out: d.book.Outbox(), trail: audit.NewTrail("default", keys.Sign), unfolded: d.unfolded,
		freeze: d.freeze, shown: d.shown,
	}
	if p.shown == nil {
		p.shown = map[string]*card{}
	}
	return p
}

// cards lists the cards, oldest first.
func (p *poster) cards() []*card {
	var all []*card
	for _, c := range p.shown {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b *card) int { return strings.Compare(a.ts, b.ts) })
	return all
}

// owner is who holds the poster's lease: the only poster there is.
const owner = "desk"

// post shows everything that is new.
func (p *poster) post(ctx context.Context) error {
	if time.Since(p.leased) > time.Minute/2 {
		if held, err := p.out.Lease(ctx, owner, time.Minute); err != nil || !held {
			return errors.Join(err, errors.New("the desk's poster has no lease"))
		}
		p.leased = time.Now()
	}
	stale, err := p.stale(ctx)
	if err != nil {
		return err
	}
	for _, id := range stale {
		if err := p.draw(ctx, id); err != nil {
			return fmt.Errorf("the card of %s: %w", id, err)
		}
	}
	return p.entries(ctx)
}

// stale lists the requests whose card says what is not so any more: the record has
// changed, or a freeze came or went.
func (p *poster) stale(ctx context.Context) ([]string, error) {
	ids, err := p.out.Dirty(ctx)
	if err != nil {
		return nil, err
	}
	on, err := p.desk.book.Frozen(ctx)
	if err != nil {
		return nil, err
	}
	slices.Sort(ids)
	if on == p.freeze {
		return ids, nil
	}
	open, err := p.desk.book.Open(ctx)
	if err != nil {
		return nil, err
	}
	p.freeze = on
	first := map[approvals.State]int{approvals.RUNNING: 2, approvals.APPROVED: 1}
	slices.SortStableFunc(open, func(a, b approvals.Pending) int { return cmp.Compare(first[b.State], first[a.State]) })
	for _, r := range open {
		if !slices.Contains(ids, r.ID) {
			ids = append(ids, r.ID)
		}
	}
	return ids, nil
}

// draw brings a card up to date.
func (p *poster) draw(ctx context.Context, id string) error {
	r, err := p.desk.book.Pending(ctx, id)
	if errors.Is(err, approvals.ErrNoRequest) {
		return p.out.Shown(ctx, owner, id, 0)
	}
	forged := errors.Is(err, approvals.ErrForged)
	if err != nil && !forged {
		return err
	}
	c := p.shown[id]
	if c == nil {
		if forged || !r.State.Open() {
			return p.out.Shown(ctx, owner, id, r.Version)
		}
		var csv bytes.Buffer
		if err := audit.PlanCSV(&csv, r.Plan); err != nil {
			return err
		}
		p.desk.put(chat.Line{Kind: chat.File, Text: fileText(r.PlanFile(), csv.Bytes(), commands.PlanComment(r))})
		c = &card{id: id, ts: fmt.Sprintf("%04d", len(p.shown)+1), fingerprint: r.Short()}
		p.shown[id] = c
		r.Card = approvals.Card{FileID: "F" + id, FileShared: true, Channel: homeID, TS: c.ts}
		if err := p.out.SetCard(ctx, owner, id, r.Card); err != nil {
			return err
		}
		p.hang(c, r, chat.Message)
		return p.out.Shown(ctx, owner, id, r.Version)
	}
	p.hang(c, r, chat.Update)
	if forged {
		return p.out.Shown(ctx, owner, id, r.Version)
	}
	if err := p.end(ctx, &r); err != nil {
		return err
	}
	return p.out.Shown(ctx, owner, id, r.Version)
}

// hang puts a card on the wall.
func (p *poster) hang(c *card, r approvals.Pending, kind chat.Kind) {
	c.content = commands.Card(r, p.freeze)
	if r.Users > p.desk.rules.TypeToConfirmAbove { // then a form asks
		for i, b := range c.content.Buttons {
			if b.Action == commands.ActApprove {
				c.content.Buttons[i].Confirm = nil
			}
		}
	}
	c.once = append(c.once, c.content.Buttons...)
	call := cards.Call{}
	if kind == chat.Message || r.Version == 1 { // who is called stays there until the request changes
		for _, id := range p.desk.rules.Approvers {
			switch {
			case strings.HasPrefix(id, "S"):
				call.Groups = append(call.Groups, id)
			case id != r.Requester.ID:
				call.People = append(call.People, id)
			}
		}
	}
	text, buttons := p.desk.read(cards.Card(c.content, call))
	p.desk.about("card "+c.id, chat.Line{Kind: kind, Text: text, Buttons: labels(buttons)})
}

// end shows the result of a run, once.
func (p *poster) end(ctx context.Context, r *approvals.Pending) error {
	if r.ResultSHA == "" || r.Card.ResultDone {
		return nil
	}
	all, err := p.desk.book.Outcomes(ctx, r.ID)
	if err != nil {
		return err
	}
	var csv bytes.Buffer
	if err := audit.ResultCSV(&csv, r.Plan, all); err != nil {
		return err
	}
	if p.unfolded {
		p.desk.put(chat.Line{Kind: chat.File, Place: "thread", Text: fileText(r.ResultFile(), csv.Bytes(),
			fmt.Sprintf("Request %s: what became of each user. %s.", r.ID, audit.Summary(*r)))})
	}
	text, _ := p.desk.read(cards.Reply(
		cards.Escape(audit.Summary(*r))+" · <@"+r.Requester.ID+">",
		"Request "+r.ID+" · the result for each user is a CSV in its thread"))
	p.desk.put(chat.Line{Kind: chat.Message, Text: text})
	r.Card.ResultID, r.Card.ResultDone = "R"+r.ID, true
	return p.out.SetCard(ctx, owner, r.ID, r.Card)
}

// entries shows the new entries of the trail.
func (p *poster) entries(ctx context.Context) error {
	events, err := p.out.Next(ctx, 100)
	if err != nil {
		return err
	}
	for _, e := range events {
		_, prev, err := p.out.Head(ctx)
		if err != nil {
			return err
		}
		sealed, err := p.trail.Seal(e, prev)
		if err != nil {
			return err
		}
		_, forged := p.desk.book.Pending(ctx, e.Request)
		p.tell(e, sealed, prev, forged == nil)
		if err := p.out.Posted(ctx, owner, e.Seq, sealed.Entry.Hash); err != nil {
			return err
		}
	}
	return nil
}

// tell puts an entry on the wall, and tells the requester of a decision.
// An entry about a request stands in the thread of its card, if that is genuine.
func (p *poster) tell(e approvals.Event, sealed audit.Sealed, prev string, genuine bool) {
	if prev == "" {
		prev = strings.Repeat("0", 64)
	}
	small := fmt.Sprintf("#%d %.6s ← %.6s", e.Seq, sealed.Entry.Hash, prev)
	text, _ := p.desk.read(cards.Entry(sealed.Text, small))
	line := chat.Line{Kind: chat.Message, Text: text}
	if genuine && p.shown[e.Request] != nil && e.Kind != approvals.Refused {
		line.Place = "thread"
	}
	if line.Place == "" || p.unfolded {
		p.desk.put(line)
	}
	if asked := e.Facts.Asked; decisions[e.Kind] && asked.ID != "" && asked != e.By {
		sentence := sealed.Text
		if rest, ok := strings.CutPrefix(sentence, e.By.ID); ok && e.By.ID != "" {
			sentence = "@" + nameOf(e.By.ID) + rest
		}
		p.desk.put(chat.Line{Kind: chat.Direct, To: nameOf(asked.ID), Text: sentence})
	}
}

// decisions are the events that the requester hears of directly.
var decisions = map[approvals.Kind]bool{
	approvals.Approved: true, approvals.Rejected: true, approvals.Withdrawn: true,
	approvals.Expired: true, approvals.Review: true, approvals.Closed: true,
}

// nameOf is the name that an id of the scene shows.
func nameOf(id string) string { return strings.ToLower(strings.TrimPrefix(id, "U0")) }
