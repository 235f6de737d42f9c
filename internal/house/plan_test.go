package house

import "strings"

const module = "countersign"

// floors, from the top. A package imports only what stands below it.
var floors = []string{
	"cmd/bot", "internal/app", "slack", "commands",
	"execution", "audit", "approvals", "qualys",
}

// rooms stand beside the stairs and import nothing of ours, nor do they share
// anything with each other.
var rooms = []string{
	"internal/minislack", "internal/miniqualys", "internal/chat", "internal/house",
}

// stages put the whole house together and show it: they import what they like.
var stages = []string{"cmd/demo", "internal/stage"}

// pure packages judge and draw. They ask nobody: no network, no file, no Redis.
var pure = []string{
	"approvals/rules", "slack/cards",
	"commands/grammar", "commands/words", "commands/card", "commands/refusal", "commands/form",
}

// outside is what a pure package stays away from.
var outside = []string{"net", "os", "github.com/redis/go-redis/v9"}

// Two homes that are no folder.
const (
	anywhere = "anywhere"
	tests    = "tests"
)

// homes says where a library may be used, besides tests. Two packages of the
// standard library are in the list because of what they reach: HTTP to Qualys
// is qualys' business alone, and the bot starts no other program.
var homes = map[string][]string{
	"github.com/slack-go/slack":           {"slack"},
	"github.com/gorilla/websocket":        {"slack"},
	"github.com/redis/go-redis/v9":        {"approvals", "internal/app"},
	"github.com/alecthomas/kong":          {"cmd"},
	"github.com/goccy/go-yaml":            {"approvals/rules"},
	"github.com/gowebpki/jcs":             {"approvals", "audit"},
	"github.com/prometheus/client_golang": {"internal/app"},
	"github.com/coder/websocket":          {"internal/minislack"},
	"github.com/alicebob/miniredis/v2":    stages,
	"github.com/cenkalti/backoff/v5":      {anywhere},
	"golang.org/x/mod":                    {"audit"},
	"golang.org/x/sync":                   {anywhere},
	"golang.org/x/text":                   {anywhere},
	"golang.org/x/time":                   {anywhere},
	"github.com/stretchr/testify":         {tests},
	"go.uber.org/goleak":                  {tests},
	"github.com/chromedp/chromedp":        {tests},
	"github.com/chromedp/cdproto":         {tests},
	"net/http":                            {"cmd", "internal/app", "slack", "qualys", "internal/minislack", "internal/miniqualys", "internal/stage"},
	"os/exec":                             stages,
}

// nameless are names that say nothing about what is inside.
var nameless = []string{"util", "utils", "common", "misc"}

// under reports whether a path is a floor or a library, or stands below it:
// slack/socket is floor slack, slack-go/slack/socketmode is slack-go.
func under(path, top string) bool {
	return path == top || strings.HasPrefix(path, top+"/")
}

// among returns the one of the tops that a path is under, or the empty string.
func among(path string, tops []string) string {
	for _, top := range tops {
		if under(path, top) {
			return top
		}
	}
	return ""
}

// height counts the floors from the top; what is on none of them has none.
func height(path string) (at int, ok bool) {
	for i, floor := range floors {
		if under(path, floor) {
			return i, true
		}
	}
	return 0, false
}
