package audit

import (
	"cmp"
	"crypto/ed25519"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
)

// A Check says how to check a trail. Only Key is needed.
type Check struct {
	Key ed25519.PublicKey // any that the chain was ever signed with

	// Bot is who posts the entries; what others posted does not count. Without it, it
	// is whoever posted most of the entries that Key signed.
	Bot string

	// First and Last are the part of the trail that is checked: all of it must be
	// there, and what stands outside does not matter. Without them it is
	// everything from #1 on, up to wherever it ends.
	First, Last int64
	Head        string // the hash of #Last, if that is known

	Checkpoints []Checkpoint // heads that stand elsewhere, and must be on the chain
}

// Verify checks a whole trail with a public key alone.
func Verify(key ed25519.PublicKey, lines iter.Seq2[Line, error]) (Report, error) {
	return Check{Key: key}.Verify(lines)
}

// Verify checks the lines of a trail, whatever their order: that each entry fits
// its hash and its sentence, that it is signed, that it follows the one before,
// and that no number is missing or there twice with two meanings.
//
// The report is complete as far as the lines went. The error says that reading
// them ended early; a [*LineError] is a problem in the report instead.
func (c Check) Verify(lines iter.Seq2[Line, error]) (Report, error) {
	v := verifier{Check: c}
	for line, err := range lines {
		var bad *LineError
		switch {
		case errors.As(err, &bad):
			v.broken(0, "", "%v", bad)
		case err != nil:
			v.report.Ended = err
		default:
			v.line(line)
		}
		if v.report.Ended != nil {
			break
		}
	}
	if v.respelt > 0 {
		v.note(0, "", "%s not spelt as an export spells them; what they say was checked", are(v.respelt, "line"))
	}
	v.ours()
	v.chain()
	v.signatures()
	v.checkpoints()
	slices.SortStableFunc(v.report.Problems, func(a, b Finding) int { return cmp.Compare(a.Seq, b.Seq) })
	return v.report, v.report.Ended
}

type verifier struct {
	Check
	links  []link
	report Report

	respelt int // lines that say the same in another spelling
}

func (v *verifier) broken(seq int64, where, format string, args ...any) {
	v.report.Problems = append(v.report.Problems, Finding{Seq: seq, Where: where, Text: fmt.Sprintf(format, args...)})
}

// missing says that entries are not there.
func (v *verifier) missing(first, last int64, text string) {
	v.report.Problems = append(v.report.Problems, Finding{Seq: first, Until: last, Text: text})
}

func (v *verifier) note(seq int64, where, format string, args ...any) {
	v.report.Notes = append(v.report.Notes, Finding{Seq: seq, Where: where, Text: fmt.Sprintf(format, args...)})
}

// line reads one line, and checks what it says of itself.
func (v *verifier) line(l Line) {
	k := read(l)
	if k.seq < v.First || v.Last > 0 && k.seq > v.Last {
		return
	}
	if l.Respelt {
		v.respelt++
	}
	v.links = append(v.links, k)
}

// ours leaves out what others posted, and says what is wrong with each of the rest.
func (v *verifier) ours() {
	bot := cmp.Or(v.Bot, v.author())
	home := map[string]bool{}                                     // the channels where the trail is
	chains := map[string]bool{}                                   // of ours
	own := func(k link) bool { return k.by == bot || k.by == "" } // JSON lines do not say who posted them
	for _, k := range v.links {
		home[k.channel] = home[k.channel] || own(k)
		chains[k.chain] = chains[k.chain] || own(k)
	}
	elsewhere := 0
	v.links = slices.DeleteFunc(v.links, func(k link) bool {
		switch {
		case own(k):
			v.itself(k)
		case home[k.channel] && (k.visible || chains[k.chain]):
			v.broken(k.seq, k.where, "%s posted it, and not Countersign (%s): it does not count", foreign(k.by, 40), foreign(bot, 40))
		default:
			elsewhere++
		}
		return !own(k)
	})
	if elsewhere > 0 {
		v.note(0, "", "left out: %s of others, in other channels", Plural(elsewhere, "entry", "entries"))
	}
}

// itself tells what is wrong with an entry whatever the others say.
func (v *verifier) itself(k link) {
	if v.report.Chain == "" {
		v.report.Chain = k.chain
	}
	if k.visible {
		v.report.Visible++
	} else if k.chain != v.report.Chain {
		v.broken(k.seq, k.where, "belongs to another chain, %s", quote(k.chain, 60))
	}
	for _, text := range k.wrong {
		v.broken(k.seq, k.where, "%s", text)
	}
	for _, text := range k.unsure {
		v.note(k.seq, k.where, "%s", text)
	}
}

// author is who posted most of the entries that the key signed; if it signed
// none, most of all.
func (v *verifier) author() string {
	signed, all := map[string]int{}, map[string]int{}
	for _, k := range v.links {
		if k.by == "" {
			continue
		}
		all[k.by]++
		if k.sig != nil && ed25519.Verify(v.Key, k.sum[:], k.sig) {
			signed[k.by]++
		}
	}
	if len(signed) == 0 {
		signed = all
	}
	names := slices.SortedFunc(maps.Keys(signed), func(a, b string) int {
		return cmp.Or(cmp.Compare(signed[b], signed[a]), cmp.Compare(a, b))
	})
	return strings.Join(names[:min(1, len(names))], "")
}

// chain puts the entries in order and checks that each follows the one before.
func (v *verifier) chain() {
	slices.SortStableFunc(v.links, func(a, b link) int {
		return cmp.Or(cmp.Compare(a.seq, b.seq), cmp.Compare(len(b.hash), len(a.hash))) // a whole one before its visible head
	})
	var last link
	for i, k := range v.links {
		switch {
		case i == 0:
			v.report.First = k.seq
			v.begins(k)
		case k.seq == last.seq && agree(k.hash, last.hash) && agree(k.prev, last.prev):
			v.note(k.seq, k.where, "was posted twice, the same both times")
			continue
		case k.seq == last.seq:
			v.broken(k.seq, k.where, "is there twice and says different things; the other is %s", last.where)
			continue
		case k.seq > last.seq+1:
			v.missing(last.seq+1, k.seq-1, fmt.Sprintf("%s missing between #%d and #%d",
				are(int(k.seq-last.seq-1), "entry", "entries"), last.seq, k.seq))
		case !agree(k.prev, last.hash):
			v.broken(k.seq, k.where, "does not follow #%d: its prev is %.6s, the hash there is %.6s", last.seq, k.prev, last.hash)
		}
		last = k
		v.report.Entries++
	}
	v.report.Last, v.report.Head = last.seq, last.hash
	v.ends(last)
}

// begins checks the first entry that is there.
func (v *verifier) begins(k link) {
	switch first := max(1, v.First); {
	case v.report.Ended != nil && k.seq > first: // perhaps it was not read yet
	case k.seq > first:
		v.missing(first, k.seq-1, which(first, k.seq-1)+" missing")
	case k.seq == 1 && !agree(k.prev, genesis):
		v.broken(k.seq, k.where, "is the first entry, but follows another one")
	}
}

// ends checks the last entry that is there, where it is known which one has to be.
func (v *verifier) ends(last link) {
	switch {
	case v.Last == 0:
	case last.seq < v.Last:
		first := max(1, v.First, last.seq+1)
		v.missing(first, v.Last, which(first, v.Last)+" missing")
	case v.Head != "" && !agree(last.hash, v.Head):
		v.broken(last.seq, last.where, "is not the entry that was posted: its hash is %.6s, and was %.6s", last.hash, v.Head)
	}
}

// which names entries that are not there.
func which(first, last int64) string {
	switch {
	case first == 1 && last == 1:
		return "the first entry is"
	case first == last:
		return "the entry is"
	}
	return fmt.Sprintf("entries #%d to #%d are", first, last)
}

// are says how many of what there are: "1 line is", "2 lines are".
func are(n int, one string, many ...string) string {
	if n == 1 {
		return "1 " + one + " is"
	}
	return Plural(n, one, many...) + " are"
}

// agree compares two hashes, of which people see only the beginning.
func agree(a, b string) bool {
	n := min(len(a), len(b))
	return n >= shownDigits && a[:n] == b[:n]
}

// signatures checks every entry under the key of its time. Key entries divide
// the chain: each names the key from itself on. A key before the given one is
// believed because the chain, signed later, contains it; one after it, because
// sig_old vouches for it.
func (v *verifier) signatures() {
	changes := []int{} // where in links a new key begins
	full := 0
	for i, k := range v.links {
		if k.key != nil {
			changes = append(changes, i)
		}
		if !k.visible {
			full++
		}
	}
	given := slices.IndexFunc(changes, func(i int) bool { return v.links[i].key.Equal(v.Key) })
	current := v.Key
	if given >= 0 {
		current = nil // the key before the first change stands nowhere
	}
	unknown, bad := 0, 0
	for _, k := range v.links {
		if k.key != nil {
			changes = changes[1:]
			if current != nil && !k.key.Equal(current) && k.sigOld != nil && !ed25519.Verify(current, k.sumOld[:], k.sigOld) {
				v.broken(k.seq, k.where, "the former key did not sign this change of keys")
			}
			current = k.key
		}
		switch {
		case k.sig == nil:
		case current == nil:
			unknown++
		case !ed25519.Verify(current, k.sum[:], k.sig) && !v.early(k, changes, current):
			bad++
			v.broken(k.seq, k.where, "the signature does not fit the key")
		}
	}
	v.report.Unsigned = unknown
	v.report.WrongKey = bad > 0 && bad == full
}

// early reports whether an event that waited while the key was changed is signed
// with the next one, for which the current one vouches.
func (v *verifier) early(k link, changes []int, current ed25519.PublicKey) bool {
	if len(changes) == 0 {
		return false
	}
	next := v.links[changes[0]]
	return next.sigOld != nil && ed25519.Verify(current, next.sumOld[:], next.sigOld) && ed25519.Verify(next.key, k.sum[:], k.sig)
}
