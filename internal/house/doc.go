// Package house checks the shape of the house: what stands on which floor, and
// which library is allowed there. It is a test and nothing else; run it with
//
//	go test ./internal/house
//
// # The floors
//
// The packages stand on each other like a staircase, and each imports only what
// stands below it:
//
//	cmd/bot → internal/app → slack → commands → execution → audit → approvals → qualys
//
// Each floor imports the next one, and a floor's first package imports all the
// parts into which the floor was split (slack imports slack/cards). So an import
// upward, from any part of any floor, closes a circle and does not compile. This
// holds only as long as the chain is unbroken, which is why the chain itself is
// checked.
//
// # Beside the stairs
//
// Rooms (the small servers, the conversations, this package) import nothing of
// ours, so that they can disagree with us. Stages (internal/stage, cmd/demo) put
// the whole house together and show it, and may import everything. Only tests
// and stages import a room or a stage. The tests of a floor keep to the stairs as
// well; a package that has only tests stands wherever it likes.
//
// # Libraries
//
// A library is used where the list of homes says, and a library that is not in
// the list is not used at all. Tests may use every library of the list; some
// stand in it for the sake of tests only.
//
// # Everything else
//
// Every package has one package comment. No package is called util, common or
// misc, no file types.go. There is no init function, and no package variable
// that changes: assigned to, counted, cleared, handed out by address, or a lock
// or a counter from the start. (What changes behind a pointer or in a callee is
// not seen.)
//
// The checks read a file tree ([io/fs.FS]), so that the tests can feed them
// small bad trees as well as the real one.
package house
