package house

import (
	"fmt"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// required are the modules that go.mod asks for directly.
func required(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("../../go.mod")
	require.NoError(t, err)
	var modules []string
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(strings.TrimPrefix(strings.TrimSpace(line), "require "))
		if len(fields) == 2 && strings.HasPrefix(fields[1], "v") {
			modules = append(modules, fields[0])
		}
	}
	require.NotEmpty(t, modules)
	return modules
}

func TestTheModuleIsTheOneChecked(t *testing.T) {
	text, err := os.ReadFile("../../go.mod")
	require.NoError(t, err)
	first, _, _ := strings.Cut(string(text), "\n")
	assert.Equal(t, "module "+module, first)
}

// Whoever adds a library says in docs/decisions why, who keeps it and what it
// pulls in, and gives it a home here. Whoever drops one takes both away.
func TestEveryLibraryHasAHomeAndAReason(t *testing.T) {
	var listed []string
	for _, library := range slices.Sorted(maps.Keys(homes)) {
		if foreign(library) {
			listed = append(listed, library)
		}
	}
	assert.ElementsMatch(t, required(t), listed)

	text, err := os.ReadFile("../../docs/decisions/0003-libraries.md")
	require.NoError(t, err)
	for _, library := range listed {
		assert.Contains(t, string(text), "| `"+library+"` |")
	}
	assert.Equal(t, len(listed), strings.Count(string(text), "\n| `"), "rows of the table")
}

// Decisions are numbered without gaps and have the same four parts.
func TestEveryDecisionNamesItsPrice(t *testing.T) {
	names, err := os.ReadDir("../../docs/decisions")
	require.NoError(t, err)
	require.NotEmpty(t, names)
	for i, entry := range names {
		text, err := os.ReadFile(path.Join("../../docs/decisions", entry.Name()))
		require.NoError(t, err)
		number, _, _ := strings.Cut(entry.Name(), "-")
		assert.Equal(t, fmt.Sprintf("%04d", i+1), number, entry.Name())
		assert.True(t, strings.HasPrefix(string(text), "# "+number+": "), "%s does not begin with its number", entry.Name())
		at := -1
		for _, part := range []string{"\n## Context\n", "\n## Options\n", "\n## Choice\n", "\n## Price\n"} {
			next := strings.Index(string(text), part)
			assert.Greater(t, next, at, "%s: %s is missing or out of place", entry.Name(), strings.TrimSpace(part))
			at = next
		}
	}
}
