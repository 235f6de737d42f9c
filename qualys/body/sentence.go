package body

import (
	"encoding/json"
	"fmt"
	"html"
	"regexp"
	"strings"
	"unicode"
)

// How much of a foreign text is looked at, in bytes, and how much of it an error
// carries, in runes.
const (
	textLimit    = 64 << 10
	messageLimit = 400
)

var (
	urlShape    = regexp.MustCompile(`(?i)[a-z][a-z0-9+.-]*://[^\s"'<>]+`)
	tokenShape  = regexp.MustCompile(`\beyJ[\w-]+\.[\w-]+\.?[\w-]*|(?i)\b(bearer|basic)\s+[\w.~+/=-]{6,}`)
	secretShape = regexp.MustCompile(`(?i)((?:pass(?:word|wd)?|pwd|secret|token|session(?:id)?)["']?\s*[=:]\s*)("[^"]*"|'[^']*'|[^\s,;&<>]+)`)
	titleShape  = regexp.MustCompile(`(?is)<(title|h1)[^>]*>(.*?)</(?:title|h1)>`)
	hiddenShape = regexp.MustCompile(`(?is)<(?:script|style)[^>]*>.*?</(?:script|style)>|<!--.*?-->`)
	tagShape    = regexp.MustCompile(`(?s)<[^>]*>`)
)

// Clean makes one line of a foreign text: no URLs, nothing that looks like a
// secret, no control or direction characters, capped.
func Clean(text string) string {
	text = strings.ToValidUTF8(text[:min(len(text), textLimit)], "�")
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, text)
	text = urlShape.ReplaceAllString(text, "(address removed)")
	text = tokenShape.ReplaceAllString(text, "***")
	text = secretShape.ReplaceAllString(text, "$1***")
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > messageLimit {
		text = string(runes[:messageLimit]) + "…"
	}
	return text
}

// Sentence says in one line what a body holds that is not what was asked for: a
// JSON error in one of the shapes of the gateway, a page of HTML, or text. Clean
// makes the line of what was found.
func Sentence(body []byte, clean func(string) string) string {
	text := strings.TrimSpace(string(body))
	switch {
	case text == "":
		return ""
	case strings.HasPrefix(text, "{"), strings.HasPrefix(text, "["):
		if said := jsonMessage([]byte(text)); said != "" {
			return clean(said)
		}
	case strings.HasPrefix(text, "<"):
		if m := titleShape.FindStringSubmatch(text); m != nil {
			return clean(fmt.Sprintf("a web page titled %q", strings.TrimSpace(html.UnescapeString(tagShape.ReplaceAllString(m[2], "")))))
		}
		text = html.UnescapeString(tagShape.ReplaceAllString(hiddenShape.ReplaceAllString(text, " "), " "))
	}
	return clean(text)
}

// jsonMessage joins what the known error shapes of the gateway's services say;
// their members may be texts, numbers or lists.
func jsonMessage(body []byte) string {
	var e map[string]json.RawMessage
	if json.Unmarshal(body, &e) != nil {
		return ""
	}
	var said []string
	for _, member := range []string{"error", "errorCode", "message", "errors", "authentication_exceptions"} {
		var text string
		if json.Unmarshal(e[member], &text) != nil {
			text = string(e[member])
		}
		if text != "" && text != "null" {
			said = append(said, text)
		}
	}
	return strings.Join(said, ": ")
}

// Status returns the HTTP status that a JSON body says it is, or 0: the
// gateway may answer 200 and mean 401.
func Status(body []byte) int {
	var e struct {
		Status json.Number `json:"status"`
	}
	if json.Unmarshal(body, &e) != nil {
		return 0
	}
	n, _ := e.Status.Int64()
	if n < 400 || n > 599 {
		return 0
	}
	return int(n)
}
