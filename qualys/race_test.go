//go:build race

package qualys

// Many is how many rows a test of memory reads. The race detector makes all of
// it ten times as slow: fewer show the same.
const Many = 100_000
