// Package slack talks to Slack: it hears what people do there, looks people
// up, and posts what happened. It and its parts are the only place that knows
// slack-go.
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
// # Parts
//
// What is done here is to hear people and to answer them. Below it stand
//
//	slack/post    posts the trail, the cards and direct messages, and reads the trail back
//	slack/web     makes the calls of the Web API: tokens, pace, errors, uploads
//	slack/socket  receives over Socket Mode
//	slack/cards   draws messages and forms, and reads what comes back from them
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
// # Looking people up
//
// An answer is never older than its [Slack.Directory] allows, and a profile never
// older than a minute. A burst of questions is one call. What cannot be looked up is
// an error: nobody has rights because Slack did not answer.
package slack
