// Package post brings what happened to Slack, and reads it back from there.
//
// Begin with [New]. Every replica runs [Poster.Run]; the one that has the poster's
// lease works. [Poster.Stir] wakes it when there may be something to post, and
// [Poster.Trouble] says why it cannot.
//
//	p := post.New(post.Config{Web: client, Book: book, Trail: trail, AuditChannel: channel, …})
//	go p.Run(ctx)
//	head, entries, err := p.Entries(ctx, request)
//
// # Entries
//
// Whoever takes the lease first compares the channel with Redis: where the channel
// knows more, Redis was set back or lost everything, and the book is told
// ([approvals.Outbox.SetBack]). Entries of the trail go out one by one, in the
// order of their numbers: sealed, stored, posted, marked. None is dropped; a 429 is
// waited out. A post whose answer was lost, and the first one after the lease
// changed hands, is looked for in the channel, by the number and the hash in its
// metadata, before it is made again. An entry of a request goes to the thread of its
// card when card and trail share a channel, and waits for the card, but never longer
// than half a minute after its event; elsewhere it stands in the audit channel and
// links the card. Who asked hears of decisions by direct message, in their order;
// the trail does not wait for that.
//
// # Cards
//
// A card is drawn from its record whenever the record is newer than the card.
// The CSV of the plan comes first: its file id is stored before its upload is
// completed, files.info says whether it is in the channel, and only then the card is
// posted; its buttons are refused until the record says that it is shown. A freeze
// changes no record: while it is on, and when it ends, the open cards are drawn anew
// one by one, more slowly than Slack allows, so that no decision waits for them. The
// key still-shown in Redis tells whoever posts next that cards may show a freeze. When a run
// has ended, its CSV goes to the card's thread and one line to the channel. While
// approvals are awaited the approvers are called once more, in the card's thread,
// when half of the time is over.
//
// # Checking the trail
//
// Once an hour whoever posts reads the last 200 entries back, slowly, and lets package
// audit check them. What is wrong in two readings, minutes apart, is an entry of kind
// alarm, once, a line of the log, and [Poster.Problems]. A channel that cannot be read
// is a line of the log and nothing else. Once a day the head goes, signed, to the channel
// of the checkpoints, if there is one.
//
// # Reading the trail back
//
// [Poster.Entries] is what an executor compares Redis with before it starts a
// plan, and whenever it takes one over: the newest number in the channel, and
// the request's entries since its last approval. An entry counts when it was
// posted by this bot and is, to the last byte, what a key of this trail sealed.
// It takes a call for a page of the audit channel, one for the thread of the
// card, and seldom more: entries of other requests are looked for only in threads
// with a newer reply than any entry so far.
package post
