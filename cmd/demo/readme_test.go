package main

import (
	"bufio"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// known are the commands of README.md in the order in which a reader comes to
// them, and how each is tried.
var known = []struct {
	command string
	try     func(*reader, string)
}{
	{"go run ./cmd/demo", (*reader).demo},
	{"go test ./...", func(*reader, string) {}}, // runs this test
	{"go build -o bot ./cmd/bot", (*reader).succeeds},
	{"(umask 077; ./bot keygen >> .env)", (*reader).keygen},
	{"./bot > policy.yaml", (*reader).sample},
	{"set -a; . ./.env; set +a", (*reader).settings},
	{"./bot check", (*reader).check},
	{"./bot", (*reader).run},

	{"bot", (*reader).run},
	{"bot run", (*reader).run},
	{"bot check [--json]", (*reader).checkJSON},
	{"bot check --live", func(*reader, string) {}}, // tried while the bot runs
	{"bot keygen", (*reader).succeeds},
	{"bot audit verify [--key PUBLIC] --live", (*reader).verifyLive},
	{"bot audit verify [--key PUBLIC] PATH…", (*reader).verify},
	{"bot audit export", (*reader).export},
	{"bot version", (*reader).succeeds},

	{"docker compose run --rm bot check", (*reader).composeCheck},
	{"docker compose up --build -d", (*reader).composeUp},
	{"docker build -t countersign .", (*reader).image},
}

// slashes are the commands of README.md for Slack, and what comes of each. They
// are typed while the demo runs.
var slashes = [][2]string{
	{"/qualys-users download role=READER", `file> users-platform-\S+ \(1,257 rows\)`},
	{`/qualys-users find company~Acme tags.tag.name="Vendors"`, `file> users-saq-\S+ \(6 rows\)`},
	{`/qualys-users delete firstName=NewVendor reason="SEC-124 contract ended"`, `bot> Delete 49 SAQ users\?`},
	{"/qualys-users help", `bot~alice What you can do here:`},
}

// Whoever types what README.md tells them gets what it promises. A command that
// is added there has to be added here.
func TestEveryCommandInTheREADMEWorks(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	commands, blocks := told(string(text))
	var tried []string
	for _, s := range slashes {
		tried = append(tried, s[0])
	}
	for _, k := range known {
		tried = append(tried, k.command)
	}
	assert.ElementsMatch(t, tried, commands, "what is tried, and what README.md tells people to type")
	r := newReader(t, blocks)
	for _, k := range known {
		t.Run(k.command, func(t *testing.T) {
			r.T = t
			k.try(r, k.command)
		})
	}
}

// A command begins with one of these words.
var begins = regexp.MustCompile(`^(?:\./)?(?:bot|go|make|docker|curl|git|redis-cli|redis-server|/qualys-users|\.ci/run)(?: |$)`)

// spans are the pieces of code inside a line.
var spans = regexp.MustCompile("`([^`]+)`")

// told are the commands of a text: the lines of its blocks of shell and of slash
// commands, and pieces of code that begin like one. Blocks are the others, which
// show what comes out.
func told(text string) (commands, blocks []string) {
	add := func(c string) {
		if c = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(c), "$ ")); c != "" && !slices.Contains(commands, c) {
			commands = append(commands, c)
		}
	}
	var block []string
	language, inside := "", false
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		line := strings.TrimSpace(lines.Text())
		switch fence, is := strings.CutPrefix(line, "```"); {
		case is && !inside:
			language, block, inside = fence, nil, true
		case is:
			inside = false
			shown := strings.Join(block, "\n")
			switch {
			case language == "sh", strings.HasPrefix(shown, "/qualys-users"):
				for _, c := range block {
					add(c)
				}
			case language == "":
				blocks = append(blocks, shown)
			}
		case inside:
			block = append(block, line)
		default:
			for _, m := range spans.FindAllStringSubmatch(line, -1) {
				if begins.MatchString(m[1]) {
					add(m[1])
				}
			}
		}
	}
	return commands, blocks
}

// What is a command in README.md, and what is not.
func TestCommandsAreFoundInAText(t *testing.T) {
	commands, blocks := told(strings.Join([]string{
		"Type `bot check [--json]`, not `check`, and `keep` it.", "```sh", "$ go run ./cmd/demo", "", "make demo", "```", "```", "/qualys-users help",
		"```", "   ```ini", "   A=b", "   ```", "   ```", "   ok  settings", "   ```", "`docker build .`",
	}, "\n"))
	assert.Equal(t, []string{"bot check [--json]", "go run ./cmd/demo", "make demo", "/qualys-users help", "docker build ."}, commands)
	assert.Equal(t, []string{"ok  settings"}, blocks)
}

// copyTree copies the checkout without what git and builds keep in it. What is
// there already stays.
func copyTree(t *testing.T, from, to string) {
	require.NoError(t, filepath.WalkDir(from, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		switch {
		case d.IsDir() && (d.Name() == ".git" || rel == "bin" || rel == filepath.Join("docs", "pictures")):
			return filepath.SkipDir
		case d.IsDir():
			return os.MkdirAll(filepath.Join(to, rel), 0o755)
		case !d.Type().IsRegular(), rel == "bot", rel == "demo", rel == ".env", rel == "policy.yaml":
			return nil
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), content, 0o644)
	}))
}
