package house

import (
	"fmt"
	"path"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// small is a house in which everything is right, with one line a package.
func small() fstest.MapFS {
	tree := fstest.MapFS{}
	for name, imports := range map[string]string{
		"cmd/bot/main.go":                "countersign/internal/app github.com/alecthomas/kong",
		"cmd/demo/main.go":               "countersign/internal/app countersign/internal/stage os/exec",
		"internal/stage/stage.go":        "countersign/internal/chat countersign/internal/minislack countersign/internal/app",
		"internal/app/app.go":            "countersign/slack countersign/approvals net/http github.com/redis/go-redis/v9",
		"internal/minislack/server.go":   "net/http github.com/coder/websocket",
		"internal/miniqualys/server.go":  "net/http",
		"internal/chat/chat.go":          "io/fs",
		"slack/slack.go":                 "countersign/slack/cards countersign/slack/socket github.com/slack-go/slack",
		"slack/cards/card.go":            "countersign/commands github.com/slack-go/slack",
		"slack/socket/socket.go":         "net/http github.com/slack-go/slack/socketmode golang.org/x/sync/errgroup",
		"commands/desk.go":               "countersign/execution",
		"execution/executor.go":          "countersign/audit",
		"audit/trail.go":                 "countersign/approvals countersign/approvals/rules",
		"approvals/book.go":              "countersign/approvals/rules countersign/qualys github.com/redis/go-redis/v9",
		"approvals/rules/policy.go":      "countersign/qualys github.com/goccy/go-yaml/ast",
		"qualys/client.go":               "net/http",
		"qualys/client_test.go":          "countersign/internal/miniqualys github.com/stretchr/testify/require",
		"qualys/testdata/odd/util.go":    "countersign/cmd/bot",
		"internal/whole/promise_test.go": "countersign/internal/app countersign/internal/stage",
	} {
		write(tree, name, imports, "")
	}
	return tree
}

// write puts a Go file into the tree: imports separated by blanks, and a body.
// The first file of a package carries its comment.
func write(tree fstest.MapFS, name, imports, body string) {
	called := path.Base(path.Dir(name))
	if ok, _ := path.Match("cmd/*/*.go", name); ok {
		called = "main"
	}
	if called == "." {
		called = module
	}
	first := true
	for other := range tree {
		first = first && (other == name || path.Dir(other) != path.Dir(name) || strings.HasSuffix(other, "_test.go"))
	}
	var b strings.Builder
	if first && !strings.HasSuffix(name, "_test.go") {
		fmt.Fprintf(&b, "// Package %s does something.\n", called)
	}
	fmt.Fprintf(&b, "package %s\n", called)
	for _, p := range strings.Fields(imports) {
		fmt.Fprintf(&b, "import %q\n", p)
	}
	b.WriteString(body)
	tree[name] = &fstest.MapFile{Data: []byte(b.String())}
}

func TestASmallSoundHouseHasNoFault(t *testing.T) {
	faults, err := check(small())
	require.NoError(t, err)
	assert.Empty(t, faults)
}

// Each row puts one file into the small house, or replaces one there.
var broken = []struct{ name, path, imports, body, fault string }{
	{
		"an import upward", "audit/verify.go", "countersign/commands", "",
		"audit/verify.go imports countersign/commands: commands stands above audit",
	}, {
		"an import upward from a part", "approvals/rules/may.go", "countersign/execution", "",
		"approvals/rules/may.go imports countersign/execution: execution stands above approvals",
	}, {
		"an import upward from a test", "audit/csv_test.go", "countersign/slack/cards", "",
		"audit/csv_test.go imports countersign/slack/cards: slack stands above audit",
	}, {
		"an import of the very top", "qualys/saq.go", "countersign/cmd/bot", "",
		"qualys/saq.go imports countersign/cmd/bot: cmd/bot stands above qualys",
	}, {
		"an import of the floor one above", "approvals/log.go", "countersign/audit", "",
		"approvals/log.go imports countersign/audit: audit stands above approvals",
	}, {
		"a simulator in the product", "slack/people.go", "countersign/internal/minislack", "",
		"slack/people.go imports countersign/internal/minislack: only tests and cmd/demo may",
	}, {
		"a conversation in the product", "internal/app/run.go", "countersign/internal/chat", "",
		"internal/app/run.go imports countersign/internal/chat: only tests and cmd/demo may",
	}, {
		"the stage in the product", "internal/app/run.go", "countersign/internal/stage", "",
		"internal/app/run.go imports countersign/internal/stage: only tests and cmd/demo may",
	}, {
		"a simulator that knows us", "internal/miniqualys/saq.go", "countersign/qualys", "",
		"internal/miniqualys/saq.go imports countersign/qualys: a room imports nothing of ours",
	}, {
		"a simulator that knows the other", "internal/minislack/api.go", "countersign/internal/miniqualys", "",
		"internal/minislack/api.go imports countersign/internal/miniqualys: a room imports nothing of ours",
	}, {
		"conversations that know a floor", "internal/chat/play.go", "countersign/commands", "",
		"internal/chat/play.go imports countersign/commands: a room imports nothing of ours",
	}, {
		"a simulator's test that knows us", "internal/minislack/api_test.go", "countersign/slack", "",
		"internal/minislack/api_test.go imports countersign/slack: a room imports nothing of ours",
	}, {
		"a package on no floor", "store/store.go", "countersign/qualys", "",
		"store stands on no floor and in no room",
	}, {
		"a package that only begins like a floor", "slackbot/bot.go", "", "",
		"slackbot stands on no floor and in no room",
	}, {
		"Go code beside go.mod", "tools.go", "", "",
		". stands on no floor and in no room",
	}, {
		"a floor that does not stand on the next", "commands/desk.go", "countersign/audit", "",
		"commands does not import execution: the chain is broken",
	}, {
		"a floor that stands on a part of the next", "audit/trail.go", "countersign/approvals/rules", "",
		"audit does not import approvals: the chain is broken",
	}, {
		"a floor that stands on the next in a test only", "execution/executor.go", "countersign/approvals", "",
		"execution does not import audit: the chain is broken",
	}, {
		"a part that its floor does not import", "slack/post/poster.go", "countersign/commands", "",
		"slack does not import its part slack/post: an import upward from there would compile",
	}, {
		"slack-go outside slack", "commands/reply.go", "github.com/slack-go/slack", "",
		"commands/reply.go imports github.com/slack-go/slack: its home is slack",
	}, {
		"a part of slack-go in a simulator", "internal/minislack/api.go", "github.com/slack-go/slack/socketmode", "",
		"internal/minislack/api.go imports github.com/slack-go/slack/socketmode: its home is slack",
	}, {
		"Redis outside the book", "execution/run.go", "github.com/redis/go-redis/v9", "",
		"execution/run.go imports github.com/redis/go-redis/v9: its home is approvals, internal/app",
	}, {
		"HTTP to Qualys from elsewhere", "execution/run.go", "net/http", "",
		"execution/run.go imports net/http: its home is cmd, internal/app, slack, qualys, internal/minislack, internal/miniqualys, internal/stage",
	}, {
		"a part of HTTP elsewhere", "approvals/log.go", "net/http/httputil", "",
		"approvals/log.go imports net/http/httputil: its home is cmd, internal/app, slack, qualys, internal/minislack, internal/miniqualys, internal/stage",
	}, {
		"a bot that starts programs", "internal/app/run.go", "os/exec", "",
		"internal/app/run.go imports os/exec: its home is cmd/demo, internal/stage",
	}, {
		"an in-memory Redis in the product", "approvals/book.go",
		"countersign/approvals/rules countersign/qualys github.com/alicebob/miniredis/v2", "",
		"approvals/book.go imports github.com/alicebob/miniredis/v2: its home is cmd/demo, internal/stage",
	}, {
		"an assertion in the product", "audit/entry.go", "github.com/stretchr/testify/assert", "",
		"audit/entry.go imports github.com/stretchr/testify/assert: its home is tests",
	}, {
		"a library nobody decided on", "qualys/xml.go", "github.com/someone/xml", "",
		"qualys/xml.go imports github.com/someone/xml: it is not among the libraries of the house",
	}, {
		"a library nobody decided on, in a test", "qualys/xml_test.go", "github.com/someone/xml", "",
		"qualys/xml_test.go imports github.com/someone/xml: it is not among the libraries of the house",
	}, {
		"another version of a library", "slack/post.go", "github.com/redis/go-redis", "",
		"slack/post.go imports github.com/redis/go-redis: it is not among the libraries of the house",
	}, {
		"C", "qualys/fast.go", "C", "",
		"qualys/fast.go imports C: it is not among the libraries of the house",
	}, {
		"rules that read a file", "approvals/rules/parse.go", "os", "",
		"approvals/rules/parse.go imports os: approvals/rules is pure",
	}, {
		"cards that use the network", "slack/cards/link.go", "net/url", "",
		"slack/cards/link.go imports net/url: slack/cards is pure",
	}, {
		"rules that know Redis", "approvals/rules/parse.go", "github.com/redis/go-redis/v9", "",
		"approvals/rules/parse.go imports github.com/redis/go-redis/v9: approvals/rules is pure",
	}, {
		"a package called util", "cmd/demo/util/text.go", "", "",
		`cmd/demo/util: "util" says nothing about what is inside`,
	}, {
		"a package called common below a test", "audit/common/text_test.go", "", "",
		`audit/common: "common" says nothing about what is inside`,
	}, {
		"a file called types", "audit/types.go", "", "",
		"audit/types.go: a file is named after a noun or a verb",
	}, {
		"a file called misc", "audit/misc.go", "", "",
		"audit/misc.go: a file is named after a noun or a verb",
	}, {
		"an init function", "audit/trail.go", "countersign/approvals", "func init() {}",
		"audit/trail.go has an init function",
	}, {
		"an init function in a test", "audit/trail_test.go", "", "func init() {}",
		"audit/trail_test.go has an init function",
	},
}

func TestAFaultInTheHouseIsNamed(t *testing.T) {
	for _, row := range broken {
		t.Run(row.name, func(t *testing.T) {
			tree := small()
			write(tree, row.path, row.imports, row.body)
			faults, err := check(tree)
			require.NoError(t, err)
			assert.Equal(t, []string{row.fault}, faults)
		})
	}
}

func TestAMissingFloorBreaksTheChain(t *testing.T) {
	for _, floor := range floors {
		t.Run(floor, func(t *testing.T) {
			tree := small()
			for name := range tree {
				if under(name, floor) {
					delete(tree, name)
				}
			}
			faults, err := check(tree)
			require.NoError(t, err)
			assert.Contains(t, faults, floor+" is missing: the chain is broken")
		})
	}
}

func TestAPackageHasOneComment(t *testing.T) {
	for _, row := range []struct{ name, first, second, fault string }{
		{"none", "package audit", "package audit", "audit has no package comment"},
		{
			"a blank line between", "// Package audit does something.\n\npackage audit", "package audit",
			"audit has no package comment",
		},
		{"only a build tag", "//go:build linux\npackage audit", "package audit", "audit has no package comment"},
		{
			"two", "// Package audit does something.\npackage audit", "// Package audit does more.\npackage audit",
			"audit has several package comments: audit/a.go, audit/b.go",
		},
		{
			"another beginning", "// All about trails.\npackage audit", "package audit",
			`audit/a.go: the package comment does not begin with "Package audit"`,
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			faults, err := check(fstest.MapFS{
				"audit/a.go": {Data: []byte(row.first)},
				"audit/b.go": {Data: []byte(row.second)},
			})
			require.NoError(t, err)
			assert.Contains(t, faults, row.fault)
		})
	}
}

func TestAFileThatDoesNotParseIsAnError(t *testing.T) {
	_, err := check(fstest.MapFS{"audit/a.go": {Data: []byte("package")}})
	require.ErrorContains(t, err, "audit/a.go:1")
}
