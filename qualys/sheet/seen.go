package sheet

import (
	"cmp"
	"hash/maphash"
	"math/bits"
)

// shards is how many parts a seen has. Only one of them grows at a time, so
// that growing needs no second copy of everything.
const shards = 256

// A seen is the set of the names that have come: 8 bytes of hash each, and up
// to a third more to find them. Go's map takes some 36 (measured with a
// million), and this is the one thing that grows with a download. Two names of
// a million share a hash with a probability of 1 in 37 million.
type seen struct {
	seed   maphash.Seed
	tables [shards][]uint64 // open addressing; 0 is a free place
	used   [shards]int
}

func newSeen() *seen { return &seen{seed: maphash.MakeSeed()} }

// add reports whether the name is new.
func (s *seen) add(name string) bool {
	h := cmp.Or(maphash.String(s.seed, name), 1)
	i := h % shards
	if s.used[i]*8 >= len(s.tables[i])*7 {
		old := s.tables[i]
		s.tables[i] = make([]uint64, len(old)+len(old)/4+8)
		for _, h := range old {
			if h != 0 {
				*place(s.tables[i], h) = h
			}
		}
	}
	at := place(s.tables[i], h)
	if *at == h {
		return false
	}
	*at = h
	s.used[i]++
	return true
}

// place returns where in the table the hash stands, or belongs.
func place(table []uint64, h uint64) *uint64 {
	hi, _ := bits.Mul64(h, uint64(len(table)))
	for i := int(hi); ; i++ {
		if i == len(table) {
			i = 0
		}
		if table[i] == 0 || table[i] == h {
			return &table[i]
		}
	}
}
