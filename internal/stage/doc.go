// Package stage puts the house on a stage, so that the conversations of
// internal/chat can be played: in tests, and by cmd/demo.
//
// There are two stages, and both are a [chat.Stage].
//
// [NewDesk] is the desk level: the desk, the book, the executor and a Qualys in
// a box, without Slack. People speak to the desk directly, and a poster of a
// few lines shows what it answers. [NewHouse] is the whole house: real bots that
// talk to a Slack, a Qualys and a Redis in a box over their own protocols.
//
// A stage opens at the first thing that somebody does. What stands above it in a
// conversation sets the scene:
//
//	(the policy needs two approvals)
//	alice> /qualys-users delete company=Hooli reason="SEC-124"
//
// # The scene
//
// Alice asks; Bob and Carol approve; Mallory and Gus, a guest, are in the channel
// and have no role. The channel is private and is called #qualys-admin; there is a
// public #lobby as well, in which commands do not work. The policy names the
// groups @requesters and @approvers and has the default of every other key. In
// Qualys there are 2,500 platform users and 700 SAQ users: 49 of NewVendor, 120 of
// Acme, 7 of Globex with nasty names, 3 of Hooli, 2 of Initech, 1 of Stark, and
// 518 of Umbrella. The ids of Hooli's are 767500001 to 767500003, of Initech's
// 767500011 and 767500012, of Stark's 767500021.
//
// # Stage directions
//
// [Directions] lists them all. Those about bots and about Slack itself work in
// the whole house only; a desk answers them with a [chat.UnknownDirection].
//
// # When nothing moves any more
//
// Seen settles. It lets time pass in small steps until people have seen nothing
// new for a while ([Config.Quiet]), so that a file that Slack shows late and a
// message that waits for its turn belong to the act that caused them. The while is
// much shorter than a cool-down: what the cool-down holds back, a stage direction
// such as (31 seconds pass) brings about. Time that passes while a stage settles
// is time on the stage, too.
//
// # What people do not see
//
// Replies in the thread of a card are folded, as they are in Slack: they are seen
// after the direction (the thread is open). What the bots say while they start is
// left out. Entries of the trail in the channel stand behind the messages and files
// that appeared at the same time: the trail is posted on its own, and nobody
// promises which of them is first.
package stage
