// Package web makes calls of Slack's Web API and says what became of them.
//
// Begin with [New], which talks to nobody. [Client.Hello] checks the bot token
// and learns whose it is. [Client.Call] makes any one call, with slack-go's
// client as [Client.API]; what is done in more than one place has a method of
// its own:
//
//	c, err := web.New(config)
//	err = c.Hello(ctx)
//	ts, err := c.Post(ctx, channel, m.Options(web.About(web.CardType, id))...)
//	ts, err = c.Upload(ctx, web.Upload{Channel: channel, Name: "users.csv", …})
//	c.Close()
//
// # Calls
//
// A call that was turned away for being too fast did nothing: it waits as long as
// Slack says, and so does everybody who wants the same call meanwhile. It waits
// only for as long as its context allows, and who has no time hears at once. Messages
// to a channel are about a second apart. Any other failure is the caller's, who asks
// [Is] for Slack's word and [Ambiguous] whether the work may be done all the same.
// A post that has begun is not broken off, or nobody would know what became of it.
//
// # Tokens
//
// Calls carry the token in their header and in their form, so that it is found
// wherever a Slack looks. The bytes of a file go to the address that Slack gave for
// them, without a token; a file is read with the token from Slack's own hosts and
// from that of the Web API alone. No redirect leaves its host, and no address
// inside a network is dialled, unless that is where the Web API or the proxy is.
// No error quotes an address: it may be a ticket.
//
// # Files
//
// Slack shares a file some time after its upload is completed, and only
// files.info says so. Upload.Note hands the id over before anything irreversible
// happens; an upload with that id is taken up where it was left. Where the
// policy wants it, a channel is looked at before each upload, and a file goes
// to private channels only.
//
// # Metadata
//
// Messages of ours can be found again, by their type and what it is about:
//
//	countersign_entry       an entry of the trail, see package audit
//	countersign_card        {request}: the card of a request
//	countersign_summary     {request}: the line that ends a run
//	countersign_checkpoint  {seq, hash}: a signed head of the trail, see package audit
//
// Anybody may write any metadata, so only messages of the bot's own count.
package web
