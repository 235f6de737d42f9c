// Package execution carries an approved plan out and observes what happened.
//
// [Executor.Run] polls the book for requests that are due, claims one, and
// works through it chunk by chunk: the first chunk is one user, the canary, the
// others 25. [Prepare] is the other end: what a plan leaves out, and what its
// run will cost, before anybody is asked.
//
// # The rules
//
// Intent, act, outcome. A chunk is marked sent before the call and done after
// what became of it was read back; in between its fate is unknown, and whoever
// comes next reads back before anything else. Counts come from reading, never
// from what was asked or answered.
//
// A write leaves only while the lease is fresh by the local clock, names only
// users that are as they were when the plan was approved, and is repeated only
// for users that a reading proved untouched, after the settle time of its
// [qualys.Fate], three rounds at most. A refused login, lost rights or a fate
// that stays unknown stop the run for people to look at (NEEDS_REVIEW).
//
// # What it costs
//
// One search before the first chunk; then a chunk takes at most two calls: the
// write, and one search that observes this chunk and reads the next.
//
// # Fault points
//
// claim.before claim.after chunk.begin reconcile qualys.before qualys.after
// chunk.end finish.before finish.after. Tests strike there; in production they
// do nothing.
package execution
