package page

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// speakers are the packages whose words people read in Slack. Of package slack
// itself it is the files that speak; the others talk to operators.
var speakers = []string{
	"../../../commands", "../../../audit/sentence.go", "../../../audit/because.go", "../../../slack/cards",
	"../../../slack/click.go", "../../../slack/receive.go", "../../../slack/slash.go", "../../../slack/tell.go",
	"../../../slack/post/inform.go", "../../../slack/post/result.go",
}

// Whatever the bot can say hangs in the gallery: a sentence that is added to the
// bot, or reworded, has to be added here too.
func TestEverySentenceHangsInTheGallery(t *testing.T) {
	all, err := gallery(t.Context())
	require.NoError(t, err)
	var walls []string
	for _, w := range all.Wings {
		for _, e := range w.Exhibits {
			walls = append(walls, words(t, e))
		}
	}
	n := 0
	for where, said := range sentences(t) {
		if _, ok := unsaid[said]; ok {
			continue
		}
		n++
		looks := looksLike(said)
		assert.True(t, slices.ContainsFunc(walls, looks.MatchString), "%s: no exhibit says %q", where, said)
	}
	assert.Greater(t, n, 250, "sentences that were found in the sources")
}

// unsaid are words that look like a sentence and that nobody hears, and why.
var unsaid = map[string]string{
	"Something happened that has no words yet: ": "TestTheGalleryHasEverything knows every kind",
	"I cannot read this file as a CSV: %v.":      "with lazy quotes package csv refuses nothing",
	"Are you sure?":                              "every question has words of its own",
	` \((?:retry|undo) of [A-Z2-7]+\)$`:          "a pattern",
	"told %s %x":                                 "a key in Redis",
}

// verbs are what a format of package fmt leaves open.
var verbs = regexp.MustCompile(`%[0-9.]*[a-zA-Z%]`)

// looksLike fits whatever can be said with a format.
func looksLike(format string) *regexp.Regexp {
	var pieces []string
	for _, p := range verbs.Split(strings.TrimSpace(format), -1) {
		pieces = append(pieces, regexp.QuoteMeta(p))
	}
	return regexp.MustCompile(`(?s)` + strings.Join(pieces, `.*`))
}

// words are everything that an exhibit says, in its order.
func words(t *testing.T, e exhibit) string {
	var all strings.Builder
	raw, err := json.Marshal(e.Errors)
	require.NoError(t, err)
	for _, part := range []json.RawMessage{e.Message, e.View, raw} {
		d := json.NewDecoder(strings.NewReader(string(part)))
		for token, err := d.Token(); err == nil; token, err = d.Token() {
			if text, ok := token.(string); ok {
				all.WriteString(text)
			}
		}
	}
	return strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(all.String())
}

// sentences are the literals of at least three words in the sources of the
// speakers, by where they stand. Errors and lines of the log are none.
func sentences(t *testing.T) map[string]string {
	found := map[string]string{}
	for _, root := range speakers {
		require.NoError(t, fs.WalkDir(os.DirFS(path.Dir(root)), path.Base(root), func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
				return err
			}
			set := token.NewFileSet()
			file, err := parser.ParseFile(set, path.Join(path.Dir(root), name), nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.CallExpr:
					return !forOperators(n.Fun)
				case *ast.FuncDecl:
					return n.Name.Name != "Error"
				case *ast.Field:
					n.Tag = nil
				case *ast.BasicLit:
					text, err := strconv.Unquote(n.Value)
					if n.Kind == token.STRING && err == nil && len(wordly.FindAllString(verbs.ReplaceAllString(text, "…"), 3)) == 3 {
						found[strings.TrimLeft(set.Position(n.Pos()).String(), "./")] = text
					}
				}
				return true
			})
			return nil
		}))
	}
	return found
}

// wordly is a word between blanks.
var wordly = regexp.MustCompile(`(?:^|\s)\S*\pL\S*`)

// forOperators reports whether a call makes an error or a line of the log.
func forOperators(fun ast.Expr) bool {
	s, ok := fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	pkg, _ := s.X.(*ast.Ident)
	return pkg != nil && pkg.Name == "errors" || s.Sel.Name == "Errorf" ||
		strings.HasSuffix(s.Sel.Name, "Context") && !strings.HasPrefix(s.Sel.Name, "New")
}
