// Package wire makes single calls to Qualys, and says what became of each.
//
// For most uses, use package qualys, which stands on this one and knows what
// the calls mean. Here is what they have in common: [Open] checks a [Config]
// and returns a [Line]; [Line.Basic] calls the API server, [Line.Bearer] the
// Administration API with a token of the gateway; [Read] repeats a read.
//
// # One attempt
//
// A [Call] is one HTTP exchange. No redirect is followed (Go turns a redirected
// POST into a GET, and one of Qualys' deletes is a GET) and no cookie is kept.
// Bodies of errors are read up to 64 KiB, lists up to 32 MiB. What went wrong is
// an [*Error]: its kind says what can be done, its [Fate] whether a write may
// have happened. Its texts are one line without addresses, secrets or markup.
//
// # How fast
//
// Two reads and one write run at once for each host, the others wait. Qualys'
// X-RateLimit headers are heeded where they come, on whatever answer, for each
// kind of call (they are documented as limits "per API"), and spelled in any of
// the ways its pages and services show:
//
//	X-RateLimit-Limit, -Window-Sec, -Remaining   how many calls, in how many seconds, how many are left
//	X-RateLimit-ToWait-Sec, Retry-After          no call before that
//	X-Concurrency-Limit-Limit                    1 lets one read run at a time
//
// The last tenth of what a window allows is spent slowly, one call each
// window/limit, so that others who share the subscription are not starved. A
// read waits for its turn, five minutes at most, and [OnWait] tells who asked
// for it. A write never waits here: it comes back as [ErrRateLimited], which
// proves that nothing was done.
//
// # Logging in
//
// Qualys locks accounts whose logins keep failing. Credentials count as proven
// for a minute after they were accepted. Unproven ones are shown by one call at
// a time, and after a refusal by none: [ErrCredentials] comes back at once. The
// API server and the gateway are two doors, so credentials that are wrong are
// refused twice at most, and a [Login] makes that true for all replicas
// together. When a password is changed while calls are under way, each of
// these may be refused; in one process there are three at most.
//
// # On the wire
//
// A ServiceResponse is read as a stream ([ReadAnswer]). The order of its
// elements, their case and the schema location do not matter, nothing is ever
// fetched, and success is a 2xx status *and* the code SUCCESS: a wrong password
// is answered with 200.
//
// Sources: https://docs.qualys.com/en/vm/api/assets/get_started/api_limits.htm,
// https://docs.qualys.com/en/oca/api/v2/version_2_apis/fetch_authentication_token.htm
package wire
