package grammar

import "strings"

// near finds the word that was probably meant: the candidate with the fewest
// letters wrong, missing, added or swapped, if they are few enough.
func near(typed string, candidates []string) (string, bool) {
	typed = strings.ToLower(typed)
	best, fewest := "", 3
	for _, c := range candidates {
		wrong := edits(typed, strings.ToLower(c))
		if allowed := min(2, len(c)/3); wrong <= allowed && wrong < fewest {
			best, fewest = c, wrong
		}
	}
	return best, best != ""
}

// edits counts the letters to change, add, drop or swap with their neighbour to
// turn a into b.
func edits(a, b string) int {
	x, y := []rune(a), []rune(b)
	if len(x) > 40 || len(y) > 40 {
		return len(x) + len(y)
	}
	rows := make([][]int, len(x)+1)
	for i := range rows {
		rows[i] = make([]int, len(y)+1)
		rows[i][0] = i
	}
	for j := range y {
		rows[0][j+1] = j + 1
	}
	for i := 1; i <= len(x); i++ {
		for j := 1; j <= len(y); j++ {
			differ := 1
			if x[i-1] == y[j-1] {
				differ = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+differ)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(x)][len(y)]
}
