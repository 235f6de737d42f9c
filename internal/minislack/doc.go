// Package minislack is a Slack workspace in a box: a small real server, for
// tests and for the demo, that an app talks to over Slack's own protocols.
//
// In a test begin with [RunT], in a synctest bubble with [RunInMemoryT], in a
// program with [New] and [Server.Start]. [Server.URL] is what the app gets as
// its API URL, [BotToken] and [AppToken] are its tokens. [Server.Example] fills
// the workspace with a channel and people; [Server.As] sits a person down at a
// keyboard:
//
//	slack := minislack.RunT(t)
//	slack.Example()
//	// start the app with slack.URL(), minislack.BotToken, minislack.AppToken
//	slack.AwaitConnected(ctx, 1)
//	alice := slack.As("alice")
//	ack, err := alice.Slash("#qualys-admin", "/qualys-users", "help")
//	card, err := slack.Await(ctx, slack.PostedIn("#qualys-admin"))
//	dialog, err := slack.As("bob").Click(card.Message.Ref(), "Approve")
//	err = dialog.Confirm()
//
// People are named by their name or their id, channels by their name, with or
// without #, or by their id, everywhere. A person or channel that does not exist is a
// mistake in the test and panics with a sentence that says so.
//
// # Two ways to reach it
//
// After [Server.Start] it listens on a port. [NewInMemory] opens no port:
// [Server.Dial] is then the only way in, for HTTP and for WebSocket, and
// everything (timers too) lives in the synctest bubble in which the server was
// made. [Server.Close] ends every goroutine and waits for them.
//
// # What it enforces
//
// Tokens, scopes and membership; Block Kit and view limits (counted in UTF-16
// units of what was sent); the shape and size of metadata; trigger ids that live
// three seconds and open one view; socket tickets that open one socket; ten
// sockets; uploads in three steps, completed once; an acknowledgement within
// three seconds and under 20480 bytes; about one message a second in a channel,
// and twenty user-group look-ups a minute.
//
// # What it does because Slack might
//
// It is hostile by default. An envelope goes to one socket, any of them. After a
// disconnect frame nothing more is delivered to that socket. A click that was not
// acknowledged is marked for the person and never sent again. Message text is stored
// with & < > encoded, with links wrapped and emoji spelled as :names:, so it
// comes back changed; only plain_text without emoji survives one decoding. The
// payload of a metadata comes back with its keys in another order. The text of
// a slash command arrives encoded. The share of a file appears late, and nothing
// but files.info tells its message. Block types younger than rich_text are refused.
//
// What text could have notified a whole channel is kept in [Server.Pings]: bare
// @here in mrkdwn that is not verbatim, <!channel> anywhere Slack reads it.
//
// # A page to use it
//
// [Server.Web] is a client for the browser: people, channels, threads, forms,
// files, with completion of commands, levers that break things and a tour, which
// a [Page] hands in. It draws what is stored and does what people do; nothing of
// it is needed by an app. It listens nowhere by itself: whoever wants it serves
// the handler on the loopback.
//
// # Knobs
//
//	chance       Seed
//	calls        FailNext HTTPFail RateLimit LoseAnswer Delay Outage OnCall Calls
//	limits       SetMessageRate SetTier EnforceTiers SetMetadataLimit AcceptBlocks
//	app          SetScopes SetCommands RevokeTokens EncodeSlash
//	workspace    SetPlanWithoutGroups SetProfile SetGroup SetChannel Join Leave
//	history      HideLatestReply
//	sockets      Disconnect DropSockets RefuseConnections StopPings GhostSockets
//	             SetConnectionTime
//	envelopes    DuplicateNext LoseNext DelayNext IgnoreAcks AcksOnSameSocketOnly
//	             SendEvent SendRetry SendRaw
//	files        LateShares
//	tampering    EditMessage DeleteMessage StripMetadata SetFileContent Forge
//
// A method name of "*" in a knob about calls stands for every method.
//
// # Guesses
//
// Where Slack's documentation is silent: metadata may have 8 KB; plain_text is
// encoded literally (each & becomes &amp;) while mrkdwn keeps entities that are
// there already; values typed into forms arrive as typed; the second completion of an
// upload is file_not_found; a thread that does not exist is
// cannot_reply_to_message; a ticket lives 30 s; the upload of another number
// of bytes than announced fails.
//
// # Not simulated
//
// response_url (the URL is there and answers with an explanation), views.publish
// and the Home tab, shortcuts, block_suggestion and external selects, attachments,
// markdown_text, streaming, reactions, pins, scheduled messages, multi-person
// DMs, Enterprise Grid installs, token rotation, IP allow-lists, edit windows and
// retention, unfurling, malware scans, snippets, the total size of a message's
// blocks, unknown keys inside known blocks, acknowledgements split into several
// frames, HTTP delivery (request URLs and signatures), delayed events, and the
// rule that disables subscriptions after many failures.
package minislack
