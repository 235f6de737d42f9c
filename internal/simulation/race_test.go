//go:build race

package simulation

// The race detector makes everything ten times as slow: fewer schedules.
const raced = true
