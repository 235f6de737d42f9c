package house

import (
	"errors"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"maps"
	"path"
	"slices"
	"strings"
)

// uncommented finds packages without a package comment, or with several.
func uncommented(all []source) []string {
	var faults []string
	for dir, files := range packages(all) {
		var in []string
		for _, s := range files {
			doc := s.file.Doc.Text()
			if strings.TrimSpace(doc) == "" {
				continue
			}
			in = append(in, s.path)
			name := s.file.Name.Name
			if name != "main" && !strings.HasPrefix(doc, "Package "+name+" ") {
				faults = append(faults, fmt.Sprintf("%s: the package comment does not begin with %q", s.path, "Package "+name))
			}
		}
		switch len(in) {
		case 0:
			faults = append(faults, dir+" has no package comment")
		case 1:
		default:
			faults = append(faults, fmt.Sprintf("%s has several package comments: %s", dir, strings.Join(in, ", ")))
		}
	}
	return faults
}

// misnamed finds packages and files whose names say nothing.
func misnamed(all []source) []string {
	var faults []string
	for _, s := range all {
		for _, part := range append(strings.Split(s.dir, "/"), s.file.Name.Name) {
			if slices.Contains(nameless, part) {
				faults = append(faults, fmt.Sprintf("%s: %q says nothing about what is inside", s.dir, part))
			}
		}
		if base := path.Base(s.path); base == "types.go" || slices.Contains(nameless, strings.TrimSuffix(base, ".go")) {
			faults = append(faults, s.path+": a file is named after a noun or a verb")
		}
	}
	return faults
}

// inits finds init functions, in tests too.
func inits(all []source) []string {
	var faults []string
	for _, s := range all {
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				faults = append(faults, s.path+" has an init function")
			}
		}
	}
	return faults
}

// changing finds package variables that change, our own and other packages'.
func changing(all []source) []string {
	var faults []string
	dirs := packages(all)
	for _, dir := range slices.Sorted(maps.Keys(dirs)) {
		m := survey(dir, dirs[dir])
		for _, s := range dirs[dir] {
			for _, d := range s.file.Decls {
				ast.Inspect(d, func(n ast.Node) bool {
					for _, x := range touched(n) {
						if name := m.variable(x); name != "" {
							faults = append(faults, fmt.Sprintf("%s: the package variable %s changes", s.set.Position(x.Pos()), name))
						}
					}
					return true
				})
				faults = append(faults, locks(s, d)...)
			}
		}
	}
	return faults
}

// A meaning knows what the names in one package stand for.
type meaning struct {
	uses  map[*ast.Ident]types.Object
	scope *types.Scope
}

// survey resolves the names of a package. It follows no import, so types stay
// unknown and the checker complains; that a name means a package variable and
// not a local one is all that is asked.
func survey(dir string, files []source) meaning {
	info := &types.Info{Uses: make(map[*ast.Ident]types.Object)}
	var parsed []*ast.File
	for _, s := range files {
		parsed = append(parsed, s.file)
	}
	conf := types.Config{Importer: nowhere{}, Error: func(error) {}}
	p, _ := conf.Check(module+"/"+dir, files[0].set, parsed, info)
	return meaning{info.Uses, p.Scope()}
}

// nowhere is an importer that has nothing.
type nowhere struct{}

func (nowhere) Import(string) (*types.Package, error) { return nil, errors.New("not looked up") }

// variable returns the name of the package variable at the root of an
// expression such as table[key].field, or nothing.
func (m meaning) variable(x ast.Expr) string {
	for {
		switch e := x.(type) {
		case *ast.ParenExpr:
			x = e.X
		case *ast.StarExpr:
			x = e.X
		case *ast.IndexExpr:
			x = e.X
		case *ast.SliceExpr:
			x = e.X
		case *ast.SelectorExpr:
			if id, ok := e.X.(*ast.Ident); ok {
				if _, ok := m.uses[id].(*types.PkgName); ok {
					return id.Name + "." + e.Sel.Name
				}
			}
			x = e.X
		case *ast.Ident:
			if v, ok := m.uses[e].(*types.Var); ok && v.Parent() == m.scope {
				return e.Name
			}
			return ""
		default:
			return ""
		}
	}
}

// touched returns the expressions that a statement or call changes, or lets
// others change.
func touched(n ast.Node) []ast.Expr {
	switch n := n.(type) {
	case *ast.AssignStmt:
		if n.Tok != token.DEFINE {
			return n.Lhs
		}
	case *ast.IncDecStmt:
		return []ast.Expr{n.X}
	case *ast.RangeStmt:
		if n.Tok == token.ASSIGN {
			return slices.DeleteFunc([]ast.Expr{n.Key, n.Value}, func(x ast.Expr) bool { return x == nil })
		}
	case *ast.UnaryExpr:
		if _, literal := n.X.(*ast.CompositeLit); n.Op == token.AND && !literal {
			return []ast.Expr{n.X}
		}
	case *ast.CallExpr:
		if f, ok := n.Fun.(*ast.Ident); ok && len(n.Args) > 0 && (f.Name == "delete" || f.Name == "clear" || f.Name == "copy") {
			return n.Args[:1]
		}
	}
	return nil
}

// locks finds package variables whose very type is made for changing.
func locks(s source, d ast.Decl) []string {
	g, ok := d.(*ast.GenDecl)
	if !ok || g.Tok != token.VAR {
		return nil
	}
	var faults []string
	for _, spec := range g.Specs {
		v := spec.(*ast.ValueSpec)
		ast.Inspect(v, func(n ast.Node) bool {
			if _, inside := n.(*ast.FuncLit); inside {
				return false
			}
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if id, ok := sel.X.(*ast.Ident); ok && (id.Name == "sync" || id.Name == "atomic") {
				faults = append(faults, fmt.Sprintf("%s: the package variable %s changes: it is a %s.%s",
					s.set.Position(v.Pos()), v.Names[0].Name, id.Name, sel.Sel.Name))
			}
			return true
		})
	}
	return faults
}
