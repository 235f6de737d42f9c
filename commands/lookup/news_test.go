package lookup

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"countersign/qualys"
)

// What takes long is said once, and waits are no flood.
func TestNewsAreNoFlood(t *testing.T) {
	for _, tt := range []struct {
		name  string
		heard []qualys.Progress
		want  []string
	}{
		{"a short one", []qualys.Progress{{Rows: 1000, Total: 4200, Calls: 1, Plan: 5, Left: 4 * time.Second}}, nil},
		{"a long one", []qualys.Progress{
			{Rows: 1000, Total: 25_000, Calls: 1, Plan: 25, Left: 90 * time.Second},
			{Rows: 2000, Total: 25_000, Calls: 2, Plan: 25, Left: 80 * time.Second},
		}, []string{"Qualys has 25,000 platform users. Reading them takes 25 calls, about 2 minutes more."}},
		{"of unknown length", []qualys.Progress{{Rows: 1000, Calls: 1, Plan: 9}}, []string{"This takes 9 calls of Qualys."}},
		{"a short wait", []qualys.Progress{{Calls: 1, Wait: 10 * time.Second}}, nil},
		{"long waits", []qualys.Progress{{Calls: 1, Wait: 31500 * time.Millisecond}, {Calls: 2, Wait: time.Minute}, {Calls: 2, Wait: 2 * time.Minute}},
			[]string{
				"Qualys makes me wait 32 seconds; then I go on.",
				"Qualys makes me wait again, 60 seconds this time. I go on by myself, and do not tell you of every wait.",
			}},
		{"a wait before the plan", []qualys.Progress{{Calls: 1, Wait: 5 * time.Minute}, {Rows: 1000, Calls: 2, Plan: 7, Left: time.Second}},
			[]string{"Qualys makes me wait 5 minutes; then I go on.", "This takes 7 calls of Qualys, about 1 second more."}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var told []string
			n := NewNews(func(text string) { told = append(told, text) })
			for _, p := range tt.heard {
				n.hear(p)
			}
			assert.Equal(t, tt.want, told)
		})
	}
}
