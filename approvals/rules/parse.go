package rules

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// keys are the keys of policy.yaml, in the order of the sample.
var keys = []string{
	"channels", "audit_channel", "checkpoint_channel",
	"readers", "requesters", "approvers",
	"approvals", "max_percent", "type_to_confirm_above", "expires_after", "cool_down",
	"protected", "max_open", "retention", "files",
	"same_person", "policy_changes", "new_approvers_wait",
}

// biggest is more than any policy needs.
const biggest = 64 << 10

// Parse reads policy.yaml. It returns a whole policy, or all the [Mistakes] it
// could find.
func Parse(text []byte) (*Policy, error) {
	root, err := document(text)
	if err != nil {
		return nil, err
	}
	p := &Policy{
		Approvals:          []Row{{UpTo: 100, Need: 1}},
		MaxPercent:         20,
		TypeToConfirmAbove: 10,
		ExpiresAfter:       4 * time.Hour,
		CoolDown:           30 * time.Second,
		MaxOpen:            100,
		Retention:          720 * time.Hour,
		Files:              PrivateChannelsOnly,
		PolicyChanges:      Announce,
	}
	r := &reader{written: map[string]ast.Node{}}
	r.mapping(root, "The policy", keys, func(key string, value ast.Node) {
		r.written[key] = value
		r.key(p, key, value)
	})
	r.whole(p)
	if len(r.mistakes) > 0 {
		return nil, r.mistakes.inOrder()
	}
	p.Audit = p.AuditChannel()
	return p, nil
}

// document returns the one mapping that the file consists of.
func document(text []byte) (*ast.MappingNode, error) {
	text = bytes.TrimPrefix(text, []byte("\uFEFF"))
	switch {
	case len(text) > biggest:
		return nil, Mistakes{{Problem: "The policy is larger than 64 KiB.", Hint: "Name user groups instead of people."}}
	case !utf8.Valid(text):
		return nil, Mistakes{{Problem: "The policy is not UTF-8 text.", Hint: "Save it as UTF-8."}}
	}
	file, err := parser.ParseBytes(text, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, Mistakes{syntax(err)}.inOrder()
	}
	docs := slices.DeleteFunc(file.Docs, func(d *ast.DocumentNode) bool { return d == nil || d.Body == nil })
	switch len(docs) {
	case 0:
		return nil, Mistakes{{Problem: "The policy is empty.", Hint: "At least channels, readers, requesters and approvers must be there."}}
	case 1:
	default:
		return nil, Mistakes{at(docs[1].Body.GetToken(), "A second document begins here.", "Keep one, and remove the line ---.")}.inOrder()
	}
	root, ok := docs[0].Body.(*ast.MappingNode)
	if !ok {
		return nil, Mistakes{at(docs[0].Body.GetToken(), "The policy must be keys with values.", "Begin with a line such as channels: [C012AB3CD].")}.inOrder()
	}
	return root, nil
}

// syntax tells what the YAML reader did not like.
func syntax(err error) Mistake {
	hint := "Look here and at the line above: indentation, colons and quotes matter, and ids have neither @ nor #."
	var y yaml.Error
	if !errors.As(err, &y) {
		return Mistake{Problem: fmt.Sprintf("This is not YAML: %v.", err), Hint: hint}
	}
	return at(y.GetToken(), fmt.Sprintf("This is not YAML: %s.", y.GetMessage()), hint)
}

// key reads one key of the file.
func (r *reader) key(p *Policy, key string, n ast.Node) {
	switch key {
	case "channels":
		p.Channels = r.ids(n, key, channel)
	case "audit_channel":
		p.Audit = r.id(n, key, channel)
	case "checkpoint_channel":
		p.Checkpoint = r.id(n, key, channel)
	case "readers":
		p.Readers = r.ids(n, key, personOrGroup)
	case "requesters":
		p.Requesters = r.ids(n, key, personOrGroup)
	case "approvers":
		p.Approvers = r.ids(n, key, personOrGroup)
	case "approvals":
		p.Approvals = r.rows(n)
	case "max_percent":
		p.MaxPercent = r.number(n, key, 1, 100)
	case "type_to_confirm_above":
		p.TypeToConfirmAbove = r.number(n, key, 0, unbounded)
	case "expires_after":
		p.ExpiresAfter = r.duration(n, key, time.Second, 24*time.Hour)
	case "cool_down":
		p.CoolDown = r.duration(n, key, 0, time.Hour)
	case "protected":
		p.Protect = r.protected(n)
	case "max_open":
		p.MaxOpen = r.number(n, key, 1, unbounded)
	case "retention":
		p.Retention = r.duration(n, key, time.Second, forever)
	case "files":
		p.Files = FilePolicy(r.choice(n, key, string(PrivateChannelsOnly), string(AnyChannel)))
	case "same_person":
		p.SamePerson = r.samePerson(n)
	case "policy_changes":
		p.PolicyChanges = ChangePolicy(r.choice(n, key, string(Announce), string(TwoPeople)))
	case "new_approvers_wait":
		p.NewApproversWait = r.duration(n, key, 0, forever)
	}
}

// rows reads approvals.
func (r *reader) rows(n ast.Node) []Row {
	var rows []Row
	for _, entry := range r.list(n, "approvals", "rows") {
		var row Row
		var upTo, need ast.Node
		r.mapping(entry, "A row of approvals", []string{"up_to", "need"}, func(key string, value ast.Node) {
			switch key {
			case "up_to":
				upTo, row.UpTo = value, r.number(value, key, 1, 5000)
			case "need":
				need, row.Need = value, r.number(value, key, 1, unbounded)
			}
		})
		if upTo == nil || need == nil {
			if _, ok := entry.(*ast.MappingNode); ok {
				r.wrong(entry, "A row of approvals needs both up_to and need.", "Write {up_to: 100, need: 1}.")
			}
			continue
		}
		if row.UpTo == 0 || row.Need == 0 {
			continue // said already
		}
		if k := len(rows) - 1; k >= 0 {
			r.ascending(rows[k], row, upTo, need)
		}
		rows = append(rows, row)
	}
	return rows
}

func (r *reader) ascending(before, row Row, upTo, need ast.Node) {
	if row.UpTo <= before.UpTo {
		r.wrong(upTo, fmt.Sprintf("up_to is %d after a row with %d: the rows must ascend.", row.UpTo, before.UpTo),
			"Order the rows by up_to, each number once.")
	}
	if row.Need < before.Need {
		r.wrong(need, fmt.Sprintf("More users would need fewer approvals: %d after %d.", row.Need, before.Need),
			fmt.Sprintf("Write need: %d or more.", before.Need))
	}
}

// protected reads the key of the same name.
func (r *reader) protected(n ast.Node) ProtectedUsers {
	var u ProtectedUsers
	r.mapping(n, "protected", []string{"usernames", "companies", "tags"}, func(key string, value ast.Node) {
		switch key {
		case "usernames":
			u.Usernames = r.texts(value, key)
		case "companies":
			u.Companies = r.texts(value, key)
		case "tags":
			u.Tags = r.texts(value, key)
		}
	})
	if m, ok := n.(*ast.MappingNode); ok && len(m.Values) == 0 {
		r.wrong(n, "protected is empty, so it does nothing.", "Name usernames, companies or tags, or leave the key out.")
	}
	return u
}

// samePerson reads the key of the same name.
func (r *reader) samePerson(n ast.Node) [][]string {
	var humans [][]string
	seen := map[string]bool{}
	for _, entry := range r.list(n, "same_person", "lists of ids") {
		if _, ok := entry.(*ast.SequenceNode); !ok {
			r.wrong(entry, fmt.Sprintf("same_person must be a list of lists; here stands %s.", called(entry)), "Write [[U012AB3CD, U034EF5GH]].")
			continue
		}
		before := len(r.mistakes)
		ids := r.ids(entry, "A list of same_person", person)
		if len(ids) == 1 && len(r.mistakes) == before {
			r.wrong(entry, "One id alone says nothing: a list of same_person names the accounts of one human.", "Write at least two ids.")
		}
		for _, id := range ids {
			if seen[id] {
				r.wrong(entry, fmt.Sprintf("%s stands in two lists of same_person.", id), "Make them one list: they are one human.")
			}
			seen[id] = true
		}
		humans = append(humans, ids)
	}
	return humans
}

// whole checks what only shows when every key has been read.
func (r *reader) whole(p *Policy) {
	for _, key := range []string{"channels", "readers", "requesters", "approvers"} {
		if r.written[key] == nil {
			r.missing(key)
		}
	}
	if len(p.Channels) > 1 && r.written["audit_channel"] == nil {
		r.wrong(r.written["channels"], fmt.Sprintf("There are %d channels and no audit_channel.", len(p.Channels)),
			"Say which channel gets the trail: audit_channel: "+p.Channels[0]+".")
	}
	if n := r.written["checkpoint_channel"]; n != nil && p.Checkpoint != "" && p.Checkpoint == p.AuditChannel() {
		r.wrong(n, "checkpoint_channel is where the trail is: a head beside its own trail proves nothing.", "Name a channel that others keep, or leave the key out.")
	}
	if n := r.written["retention"]; len(r.mistakes) == 0 && p.Retention < p.ExpiresAfter+p.CoolDown {
		if n == nil {
			n = r.written["expires_after"]
		}
		r.wrong(n, fmt.Sprintf("retention is %v: what a request needs would be gone before it expires.", brief(p.Retention)),
			fmt.Sprintf("Write %v or more.", brief(p.ExpiresAfter+p.CoolDown)))
	}
	groups := slices.ContainsFunc(p.Approvers, isGroup)
	if n := r.written["new_approvers_wait"]; n != nil && p.NewApproversWait > 0 && len(p.Approvers) > 0 && !groups {
		r.wrong(n, "new_approvers_wait does nothing: no group is among the approvers.", "Add a group to approvers, or leave the key out.")
	}
	if n := r.written["policy_changes"]; p.PolicyChanges == TwoPeople && len(p.Approvers) > 0 && !groups {
		if have := p.humansIn(p.Approvers); have < 3 {
			r.wrong(n, fmt.Sprintf("two_people needs at least three approvers; there %s.", are(have)), "Name more approvers, or write announce.")
		}
	}
}

// missing notes a mandatory key that is nowhere.
func (r *reader) missing(key string) {
	example := "U012AB3CD"
	if key == "channels" {
		example = "C012AB3CD"
	}
	r.mistakes = append(r.mistakes, Mistake{
		Problem: key + " is missing.",
		Hint:    fmt.Sprintf("Write %s: [%s].", key, example),
	})
}

// humansIn counts the people of a list as far as the policy alone knows them.
func (p *Policy) humansIn(ids []string) int {
	var humans []seen
	for _, id := range ids {
		humans = p.add(humans, seen{Person: Person{ID: id}})
	}
	return len(humans)
}

func are(n int) string {
	if n == 1 {
		return "is 1"
	}
	return fmt.Sprintf("are %d", n)
}

// brief writes a duration as people do: 4h, not 4h0m0s.
func brief(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
