//go:build !race

package simulation

// raced says whether the race detector watches: it makes a schedule several
// times as long.
const raced = false
