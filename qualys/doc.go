// Package qualys talks to Qualys about its users, and is the only place that does.
//
// Begin with [New] and a [Config]; no call is made before the first question.
//
//	c, err := qualys.New(qualys.Config{APIURL: api, GatewayURL: gateway, Username: name, Password: password})
//	for user, err := range c.Search(ctx, filter) { … }
//
// # Two populations
//
// A [PlatformUser] is an account of the platform (Administration API). There is
// one call about them, [Client.Download], which writes a CSV. A [SAQUser] is an
// account of the Questionnaire module, often of a vendor: [Client.Count],
// [Client.Search] and [Client.Find] read them, [Client.Update] and
// [Client.Delete] write. Nothing documents a key between the two, so the types
// never convert, and deleting a SAQ user does not offboard a platform account.
//
// # Filters select, ids write
//
// Qualys' bulk calls take filters, and one without conditions may match
// everybody. So a [Filter] can only be counted and searched, and every user who
// comes back is checked against it ([ErrIgnoredCriteria]). A write takes ids,
// makes the condition "id IN" itself, refuses an empty list ([ErrNobody]) and
// the account that we log in with ([ErrOwnAccount]), and has a request type of
// its own: the body of an update cannot reach the path of the delete, which
// would ignore what it does not know and delete.
//
// A [Change] writes the fields it names; the others are absent from the request
// and stay. An empty value clears its field, and nothing else does.
//
// # May it have happened?
//
// Success is a 2xx status and the code SUCCESS: a wrong password is answered
// with 200. A call that Qualys refused, or whose answer was lost, is an [*Error],
// whose kinds errors.Is finds. Reads are repeated here, with growing pauses, for
// a few minutes at most, and [WithProgress] tells who waits. Writes are never
// repeated here, because Qualys has no key that would tell a second attempt
// from a second order:
//
//   - An error that is not [ErrUnknownOutcome] proves that nothing was done. A
//     409 or 429 ([ErrRateLimited]) is such a proof; [Error.RetryAfter] says how
//     long Qualys wants us to wait, or 0. So is a pause that Qualys asked for
//     earlier: such a write is not even sent.
//   - After one that is, wait [Error.Settle] and read back before anything else.
//     The wait depends on the [Fate]: 3 s after a complete answer that settles
//     nothing ([Answered]), 20 s after the call was sent if the connection broke
//     ([Lost]), 60 s after we stopped waiting for it ([TimedOut]).
//
// What Update and Delete return is Qualys' claim, which [Differ] compares with
// what was named. What happened is what [Client.Find] shows afterwards.
//
// # Logging in
//
// The API server is shown the credentials with every call (Basic), the gateway
// once for a token that lives four hours. Qualys locks accounts whose logins
// keep failing. So credentials that were not accepted within a minute are shown
// by one call at a time, and after a refusal by none: [ErrCredentials] comes
// back at once, and [Client.Refusal] says why. The two servers are two doors:
// wrong credentials are refused twice at most, by one process or, with a
// [Login], by all replicas together.
//
// # On the wire
//
//	POST {api}/qps/rest/1.0/{count,search,update,delete}/saq/user    XML, Basic
//	GET  {api}/qps/rest/portal/version                               XML, Basic
//	POST {gateway}/auth                                              form => token (201)
//	POST {admin}/adminui/user-management/v1/users/download           JSON => CSV, Bearer
//
// Below stand the parts, each with a comment that says more: package wire makes
// the calls (limits, logging in, errors), body reads what answers hold, download
// fetches the pages of platform users, and sheet makes a CSV of them.
//
// What Qualys' pages leave open, and we therefore do not rely on: what a write
// without conditions does, how many ids a write may carry, whether a list is
// sorted, whether limit and offset of the download are heeded, what a list of
// roles means.
package qualys
