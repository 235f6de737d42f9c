// Package miniqualys is a Qualys subscription in a box: a small, real HTTP
// server for tests and the demo, with the manners of the real one. It has
// platform users (the Administration API's) and SAQ users (the
// Questionnaire's), lets tests read and change both directly, and has knobs
// for everything that goes wrong out there.
//
// In a test, begin with [RunT]; inside a testing/synctest bubble, where real
// sockets do not work, with [RunInMemoryT]:
//
//	api := miniqualys.RunT(t)
//	api.AddSAQUsers(49, "NewVendor")
//	api.LoseAnswers(miniqualys.Delete, 1) // failure is a knob
//	…                                     // talk to api.URL()
//	require.Empty(t, api.SAQUsers())      // state can be read directly
//
// In memory, hand [Server.Dial] to the client's transport: it answers for any
// address, so that [Server.URL] needs no network. Every goroutine of a server
// ends at [Server.Close]. Channels belong to the bubble they were made in, so
// a server used in a bubble is also made in it. Time comes from package time
// and is the bubble's; elsewhere [Server.SetTime] and [Server.Advance] move
// the server's clock.
//
// # What it serves
//
// One host plays API server, gateway and administration:
//
//	POST /auth                                          user name and password => JWT (201)
//	POST /adminui/user-management/v1/users/download     JSON in, CSV out, with the JWT
//	POST /qps/rest/1.0/{search,count,update,delete}/saq/user   XML, with Basic
//	GET  /qps/rest/1.0/count/saq/user                   everybody in scope
//	GET  /qps/rest/portal/version                       versions, with Basic
//
// The last slash of the /qps paths is optional. Any other call gets a 404 that
// names it.
//
// # Manners
//
// It is hostile where Qualys is or may be. Refusals of /qps come as HTTP 200
// with a responseCode. A filter without criteria selects everybody, on delete
// as well; [Server.Wild] counts such writes. A delete ignores the data of an
// update that reached the wrong path. Ids that do not exist or are out of
// scope are passed over in silence. Searches return users in no useful order,
// though always in the same one. Deleting answers with ids alone. A download
// holds at most 1,000 rows whatever was asked. The default password only
// survives a proper form encoding. Work that has begun is finished although
// the client has gone.
//
// # Knobs
//
// Faults hit the next n calls of an operation (a negative n: every call, until
// [Server.Heal]). A call passes them in this order: it is noted; a
// [Server.SetLimit] may turn it away; it waits at a [Server.Gate] or a
// [Server.Hang]; it waits as [Server.Slow] says; a [Server.RateLimit] or
// [Server.Fail] answers it; [Server.LoseCalls] breaks its connection; the work
// is done; it waits at a [Server.GateAnswer] or [Server.HangAnswers];
// [Server.LoseAnswers] breaks its connection; it is answered. [Quirks] are lasting oddities, such as a server that ignores a
// criterion. [Server.Control] opens all this to another process.
//
// # The truth
//
// [Server.SAQUsers] is what is really there, [Server.Deletes] and
// [Server.Updates] say how often a write reached a user, [Server.Requests] what
// came over the wire, without secrets.
//
// How near all this is to the real one shows TestCompare, which
// sends the same reading calls to both; it is run by hand.
//
// # Not simulated
//
//   - TLS, the compression of bodies, HTTP/2, cookies and sessions, /auth/oidc.
//   - JSON on /qps; create, get, and the single forms update/{id} and
//     delete/{id}; the XSD files; the preferences startFromId and verbose.
//   - Writes of tags (their syntax is not documented), and of id, uuid and
//     userName: all are refused as INVALID_REQUEST.
//   - Settling: what was written is found at once.
//   - A cap on bulk writes (none is documented), and answers of bulk writes in
//     several pages.
//   - Roles and permissions of the API account beyond [Server.DenyAPI]; several
//     subscriptions; tokens bound to an address.
//   - The other calls of the Administration API, its filters besides role, and
//     the legacy /api and /msp.
//   - The wording of errors that nobody has recorded: it is a guess, and so is
//     the shape of the Administration API's errors.
//   - Real verification of the token's signature by the client: it is signed
//     with a key that nobody publishes.
package miniqualys
