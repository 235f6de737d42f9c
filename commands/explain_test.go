package commands

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/approvals"
	"countersign/approvals/rules"
	"countersign/qualys"
)

// Promise 8: whatever an answer, a help text or a card shows as a command can be
// typed as it stands there.
func TestEveryCommandThatIsShownCanBeTyped(t *testing.T) {
	shown := regexp.MustCompile("`(/qualys-users [^`]+)`|(/qualys-users [a-z]+(?: [A-Z2-7]{5}\\b|$))")
	total := 0
	for _, golden := range []string{"refusal/testdata/*.txt", "card/testdata/*.txt", "../audit/testdata/sentences.txt"} {
		files, err := filepath.Glob(golden)
		require.NoError(t, err)
		for _, file := range files {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			for _, m := range shown.FindAllStringSubmatch(string(text), -1) {
				_, err := Parse(strings.TrimPrefix(m[1]+m[2], "/qualys-users"))
				assert.NoError(t, err, "%s shows %s", file, m[0])
				total++
			}
		}
	}
	assert.Greater(t, total, 50, "the goldens have commands in them")
	for _, v := range table() {
		for _, text := range v.examples {
			_, err := Parse(text)
			assert.NoError(t, err, "help shows %s", text)
		}
	}
}

// What fails around us reaches the log with its cause.
func TestFailuresAreLogged(t *testing.T) {
	for _, err := range []error{rules.ErrLookUp, approvals.ErrUnavailable, approvals.ErrForged, &qualys.Error{Status: 500}, errors.New("a bug")} {
		var log strings.Builder
		d := &Desk{Config{Log: slog.New(slog.NewTextHandler(&log, nil))}}
		d.explain(t.Context(), fmt.Errorf("the cause: %w", err))
		assert.Contains(t, log.String(), "the cause", "%v", err)
	}
	var log strings.Builder
	d := &Desk{Config{Log: slog.New(slog.NewTextHandler(&log, nil))}}
	d.explain(t.Context(), &UsageError{Problem: "x", Hint: "y"})
	assert.Empty(t, log.String(), "a typo is nobody's failure")
}
