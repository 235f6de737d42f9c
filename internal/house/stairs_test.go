package house

import (
	"fmt"
	"slices"
	"strings"
)

// climbs finds imports that go upward, or out of a room.
func climbs(all []source) []string {
	inhabited := packages(all)
	var faults []string
	for _, s := range all {
		if _, ok := height(s.dir); !ok && among(s.dir, rooms)+among(s.dir, stages) == "" {
			if len(inhabited[s.dir]) > 0 {
				faults = append(faults, s.dir+" stands on no floor and in no room")
			}
			continue // only tests: they stand wherever they like
		}
		for _, to := range s.ours() {
			if why := barred(s.dir, to, s.test); why != "" {
				faults = append(faults, fmt.Sprintf("%s imports %s/%s: %s", s.path, module, to, why))
			}
		}
	}
	return faults
}

// barred says why a package may not import another one of ours, or nothing.
func barred(from, to string, test bool) string {
	here, floor := height(from)
	there, below := height(to)
	room, stage := among(to, rooms), among(to, stages)
	switch {
	case among(from, stages) != "":
		return ""
	case !floor && among(from, rooms) != room:
		return "a room imports nothing of ours"
	case !floor:
		return ""
	case room+stage != "" && !test:
		return "only tests and cmd/demo may"
	case below && there < here:
		return floors[there] + " stands above " + floors[here]
	}
	return ""
}

// loose finds where the chain is broken: a floor that is missing, one that does
// not import the next, and a part that its own floor does not import.
func loose(all []source) []string {
	var faults []string
	dirs := packages(all)
	for i, floor := range floors {
		if len(dirs[floor]) == 0 {
			faults = append(faults, floor+" is missing: the chain is broken")
			continue
		}
		reached, leaves := walk(dirs, floor)
		for dir, files := range dirs {
			if under(dir, floor) && !reached[dir] && files[0].file.Name.Name != "main" {
				faults = append(faults, fmt.Sprintf("%s does not import its part %s: an import upward from there would compile", floor, dir))
			}
		}
		if next := i + 1; next < len(floors) && !leaves[floors[next]] {
			faults = append(faults, fmt.Sprintf("%s does not import %s: the chain is broken", floor, floors[next]))
		}
	}
	return faults
}

// walk follows the imports of a floor's first package through its own parts. It
// returns the parts it came to, and what these import from elsewhere.
func walk(dirs map[string][]source, floor string) (reached, leaves map[string]bool) {
	reached, leaves = map[string]bool{floor: true}, map[string]bool{}
	for queue := []string{floor}; len(queue) > 0; queue = queue[1:] {
		for _, s := range dirs[queue[0]] {
			for _, to := range s.ours() {
				switch {
				case !under(to, floor):
					leaves[to] = true
				case !reached[to]:
					reached[to] = true
					queue = append(queue, to)
				}
			}
		}
	}
	return reached, leaves
}

// strays finds libraries away from home.
func strays(all []source) []string {
	var faults []string
	for _, s := range all {
		for _, p := range s.imports() {
			library, known := home(p)
			switch {
			case !known && foreign(p):
				faults = append(faults, fmt.Sprintf("%s imports %s: it is not among the libraries of the house", s.path, p))
			case !known || s.test || slices.Contains(homes[library], anywhere):
			case among(s.dir, homes[library]) == "":
				faults = append(faults, fmt.Sprintf("%s imports %s: its home is %s", s.path, p, strings.Join(homes[library], ", ")))
			}
		}
	}
	return faults
}

// home returns the library of the list that an import path belongs to.
func home(p string) (library string, known bool) {
	for library := range homes {
		if under(p, library) {
			return library, true
		}
	}
	return "", false
}

// foreign reports whether an import path is neither ours nor the standard
// library's: those have no dot in their first element.
func foreign(p string) bool {
	first, _, _ := strings.Cut(p, "/")
	return strings.Contains(first, ".") || p == "C"
}

// impure finds pure packages that reach for the world.
func impure(all []source) []string {
	var faults []string
	for _, s := range all {
		if s.test || among(s.dir, pure) == "" {
			continue
		}
		for _, p := range s.imports() {
			if among(p, outside) != "" {
				faults = append(faults, fmt.Sprintf("%s imports %s: %s is pure", s.path, p, s.dir))
			}
		}
	}
	return faults
}
