//go:build race

// Package simulation plays without the race detector only, in a step of its own
// in .ci/run: its people and clouds wake at one moment of the bubble, and the
// detector takes that for a race of theirs. What they drive is raced by the
// tests of its own packages.
package simulation
