package house

import (
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Each body stands in a package whose other file declares the variables.
const declared = `package audit
var (
	count int
	table = map[string][]int{}
	entry struct{ seq int }
	chain *int
	says  = func() string { return "" }
)`

var bodies = []struct{ name, body, changes string }{
	{"assigned", `func f() { count = 1 }`, "count"},
	{"added to", `func f() { count += 1 }`, "count"},
	{"counted", `func f() { count++ }`, "count"},
	{"an entry of a map", `func f() { table["a"] = nil }`, "table"},
	{"deep inside", `func f() { (table["a"])[0]-- }`, "table"},
	{"a field", `func f() { entry.seq = 2 }`, "entry"},
	{"behind a pointer", `func f() { *chain = 2 }`, "chain"},
	{"deleted from", `func f() { delete(table, "a") }`, "table"},
	{"cleared", `func f() { clear(table) }`, "table"},
	{"copied into", `func f() { copy(table["a"][1:], nil) }`, "table"},
	{"ranged into", `func f() { for count = range 3 {} }`, "count"},
	{"handed out", `func f() *int { return &entry.seq }`, "entry"},
	{"replaced", `func f() { says = nil }`, "says"},
	{"in a function literal", `var g = func() { count = 1 }`, "count"},
	{"another package's", "import \"net/http\"\nfunc f() { http.DefaultClient = nil }", "http.DefaultClient"},
	{"a lock", "import \"sync\"\nvar mu sync.Mutex", "mu"},
	{"a counter", "import \"sync/atomic\"\nvar hits = new(atomic.Int64)", "hits"},

	{"read", `func f() int { return count + len(table["a"]) }`, ""},
	{"a local variable of that name", `func f() { count := 1; count++; _ = count }`, ""},
	{"a parameter of that name", `func f(table map[string]int) { table["a"] = 1 }`, ""},
	{"a field of that name", `type t struct{ count int }; func (x *t) f() { x.count++ }`, ""},
	{"the address of a literal", `func f() any { return &struct{ count int }{1} }`, ""},
	{"a lock inside", "import \"sync\"\nfunc f() { var mu sync.Mutex; mu.Lock() }", ""},
	{"a lock inside a function literal", "import \"sync\"\nvar g = func() { var mu sync.Mutex; mu.Lock() }", ""},
}

func TestNoPackageVariableChanges(t *testing.T) {
	for _, row := range bodies {
		t.Run(row.name, func(t *testing.T) {
			all, err := read(fstest.MapFS{
				"audit/a.go": {Data: []byte(declared)},
				"audit/b.go": {Data: []byte("package audit\n" + row.body)},
			})
			require.NoError(t, err)
			faults := changing(all)
			if row.changes == "" {
				assert.Empty(t, faults, row.body)
				return
			}
			require.Len(t, faults, 1, row.body)
			assert.Contains(t, faults[0], "the package variable "+row.changes+" changes", row.body)
		})
	}
}
