//go:build !race

package qualys

// Many is how many rows a test of memory reads.
const Many = 1_000_000
