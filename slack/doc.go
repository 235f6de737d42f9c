// Package slack talks to Slack: it hears what people do there, looks people
// up, and posts what happened. It is the only place that knows slack-go.
//
// Begin with [New], which talks to nobody. [Slack.Hello] checks the bot token.
// [Slack.Directory] answers who people are and which groups they are in; the
// desk and the executor judge rights with it. [Slack.Receive] hands commands,
// clicks and forms to a [Desk], and [Slack.Post] brings events and cards to the
// channels:
//
//	s, err := slack.New(config)
//	err = s.Hello(ctx)
//	desk, err := commands.New(commands.Config{Directory: s.Directory(5 * time.Second), Private: s.Private, …})
//	go s.Receive(ctx, desk)
//	go s.Post(ctx)
//	…
//	s.Close()
//
// # Receiving
//
// A command is noted in the book before Slack hears of it, so that another
// replica notices when this one dies over it; its refusal, or "Looking up…",
// travels in the acknowledgement. The slow rest follows it and is answered by a
// message that its person alone sees. A click is judged, and its decision is in
// the book, before it is acknowledged. What is not decided within two seconds is
// not stored: Slack gets its ok and the person is told to press again. Where the
// desk says that it was stored all the same, the person hears that instead. Nothing
// about an open form is kept here: what it is about rides in the form, and who
// acts is whoever sends it. An envelope of another app than the one that Slack
// greeted is answered, and does nothing.
//
// # Posting
//
// Every replica runs [Slack.Post]; the one that has the poster's lease works.
// It first compares the channel with Redis: where the channel knows more, Redis
// was set back or lost everything, and the book is told ([approvals.Outbox.SetBack]).
// Entries of the trail go out one by one, in the order of their numbers: sealed,
// stored, posted, marked. None is dropped; a 429 is waited out. A post whose
// answer was lost, and the first one after the lease changed hands, is looked
// for in the channel, by the number and the hash in its metadata, before it is
// made again. An entry of a request goes to the thread of its card when card and
// trail share a channel, and waits for the card, but never longer than half a
// minute after its event; elsewhere it stands in the audit channel and links the
// card.
//
// A card is drawn from its record whenever the record is newer than the card.
// The CSV of the plan comes first: its file id is stored before its upload is
// completed, files.info says whether it is in the channel, and only then the card is posted;
// its buttons are refused until the record says that it is shown. When a run
// has ended, its CSV goes to the card's thread and one line to the channel.
//
// # Reading the trail back
//
// [Slack.Entries] is what an executor compares Redis with before it starts a
// plan, and whenever it takes one over: the newest number in the channel, and
// the request's entries since its last approval. An entry counts when it was
// posted by this bot and is, to the last byte, what a key of this trail sealed.
// It takes a call for a page of the audit channel, one for the thread of the
// card, and seldom more: entries of other requests are looked for only in threads
// with a newer reply than any entry so far.
//
// # Tokens
//
// Calls of the Web API carry the token in their header and in their form, so that
// it is found wherever a Slack looks. The bytes of a file go to the address that
// Slack gave for them, without a token; a file is read with the token from Slack's
// own hosts and from that of the Web API alone.
//
// # Metadata
//
// Messages of ours can be found again by their metadata:
//
//	countersign_entry    an entry of the trail, see package audit
//	countersign_card     {request}: the card of a request
//	countersign_summary  {request}: the line that ends a run
package slack
