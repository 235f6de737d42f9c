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
// comes next reads back before anything else. The mark says who needed no write
// by then, so that nobody takes that for the write's doing. Counts come from
// reading, never from what was asked or answered; of a ledger that has forgotten
// what its owner did nothing is counted.
//
// What runs is the plan, not what the record says of it. Before every chunk the
// request is read anew, with its seals and its fingerprint, and so are the
// rights of the people in it; a write that had to wait for over a minute begins
// its chunk anew. A stop ends the run there, partial and counted; a freeze, and
// rights that nobody can look up, pause it.
//
// A write leaves only while the lease is fresh by the local clock, names only
// users that are as they were when the plan was approved, and is repeated only
// for users that a reading proved untouched, after the settle time of its
// [qualys.Fate], three rounds at most. A call that was turned away did nothing:
// the chunk begins anew after the wait, and no round is counted. A replica that is
// told to stop lets go of a wait at once, and the next one waits for the rest; a
// person who stops the run ends the wait, unless a write is to be read back. A refused
// login, lost rights, a broken seal or a fate that stays unknown stop the run
// for people to look at (NEEDS_REVIEW); its users are then unknown where a
// write was not observed to its end, and never called failed.
//
// At each claim the channel is compared with Redis ([Config.Entries]): one that
// knows more of the request than Redis does means that Redis was rolled back.
// Where Redis has replicas, no write leaves before one of them has its mark.
//
// A run whose canary failed, or more than a fifth of a chunk, is STOPPED by
// whichever replica finds it so in the ledger.
//
// # What it costs
//
// One search before the first chunk; then a chunk takes at most two calls: the
// write, and one search that observes this chunk and reads the next. What was
// read serves for [Config.Fresh] and only for users that were asked for.
//
// # Fault points
//
// poll claim.before claim.after chunk.begin reconcile qualys.before qualys.after
// chunk.end finish.before finish.after. Tests strike there; in production they
// do nothing.
package execution
