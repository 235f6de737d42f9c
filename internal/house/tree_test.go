package house

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// A source is one Go file of the house.
type source struct {
	path string // such as "slack/cards/card.go"
	dir  string // the package: "slack/cards"
	test bool
	file *ast.File
	set  *token.FileSet
}

// read parses every Go file of a tree, whatever its build tags say. Like the go
// command it passes over testdata, vendor and names that begin with a dot or an
// underscore.
func read(tree fs.FS) ([]source, error) {
	var all []source
	set := token.NewFileSet()
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := path.Base(name)
		hidden := name != "." && strings.ContainsAny(base[:1], "._")
		if d.IsDir() {
			if hidden || base == "testdata" || base == "vendor" {
				return fs.SkipDir
			}
			return nil
		}
		if hidden || path.Ext(base) != ".go" {
			return nil
		}
		text, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(set, name, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return fmt.Errorf("parse: %w", err)
		}
		all = append(all, source{name, path.Dir(name), strings.HasSuffix(base, "_test.go"), file, set})
		return nil
	})
	return all, err
}

// imports are the import paths of a file.
func (s source) imports() []string {
	var paths []string
	for _, spec := range s.file.Imports {
		if p, err := strconv.Unquote(spec.Path.Value); err == nil {
			paths = append(paths, p)
		}
	}
	return paths
}

// ours are the packages of the house that a file imports, as folders.
func (s source) ours() []string {
	var dirs []string
	for _, p := range s.imports() {
		if dir, ok := strings.CutPrefix(p, module+"/"); ok {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

// packages groups the sources that are not tests by their folder.
func packages(all []source) map[string][]source {
	dirs := make(map[string][]source)
	for _, s := range all {
		if !s.test {
			dirs[s.dir] = append(dirs[s.dir], s)
		}
	}
	return dirs
}

// check returns what is wrong with a tree: one sentence each, sorted.
func check(tree fs.FS) ([]string, error) {
	all, err := read(tree)
	if err != nil {
		return nil, err
	}
	var faults []string
	for _, find := range []func([]source) []string{
		climbs, loose, strays, impure, uncommented, misnamed, inits, changing,
	} {
		faults = append(faults, find(all)...)
	}
	slices.Sort(faults)
	return slices.Compact(faults), nil
}
