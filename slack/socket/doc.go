// Package socket receives what people do in Slack, over Socket Mode, and loses
// none of it while it can help it.
//
// Begin with [New]; [Receiver.Run] keeps the sockets open until its context
// ends. Every slash command and every interaction (a click, a submitted form)
// becomes an [Envelope] and goes to Config.Handle in a goroutine of its own,
// together with the [Ack] that answers it:
//
//	r := socket.New(socket.Config{API: api, Handle: bot.handle, Busy: bot.busy, Broken: bot.broken})
//	err := r.Run(ctx) // nil after ctx ended, a *PermanentError when Slack will not have us
//
// # Sockets
//
// A process holds two sockets, the second opened some minutes after the first,
// so that Slack does not refresh both at once. When Slack announces a
// disconnect, the next socket is opened before the old one is left, and the old
// one stays until everything it delivered is acknowledged. slack-go's own client
// closes first and opens then, sends the acknowledgements of the old socket on
// the new one, only queues them and drops the queue when it ends; that is why
// this package dials by itself and takes from slack-go the call, the shape of the
// frames and the types of the payloads.
//
// A socket that is silent for half a minute is left. So that it is not silent for
// want of anything to say, Slack pings it, and so do we. Opening is paced: one a second
// on average, and after a failure, or when a socket broke within a minute, a
// wait that doubles up to half a minute, with jitter. Slack's Retry-After is
// obeyed. A refusal that waiting does not mend ends Run with a
// [PermanentError].
//
// # Envelopes
//
// The goroutine that reads a socket does nothing else, so pings are always
// answered. Commands and interactions have Config.Workers workers each: a
// rush of commands keeps no decision waiting. What found no worker for
// two seconds goes to Config.Busy. Handle is meant to judge, store and acknowledge; work
// that takes longer belongs to the caller.
//
// Everything that comes is acknowledged: by the handler, or when it returned
// without doing so, or at once for what this bot does not want: events (none is
// subscribed; one that comes all the same runs nothing), types it does not know, and
// payloads that cannot be read. A first delivery that calls itself a retry is
// handled like any other. Nothing is sorted out as a duplicate here: handlers are
// idempotent.
//
// The exceptions are not acknowledged, are logged, and are shown by Slack to the
// person: what arrives after Run was told to end, and what finds a thousand
// envelopes waiting.
//
// # The end
//
// When its context ends, Run takes nothing new, waits until what it took is
// acknowledged, closes the sockets, waits for the handlers and cancels those that
// are not done after Config.Grace. An acknowledgement is written to the socket
// before [Ack] returns, so none is lost in a queue.
package socket
