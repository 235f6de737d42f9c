// Package commands is what people can say, and what they are answered.
//
// A person types a [Slash], presses a button ([Click]) or sends off a form
// ([Submission]); [Desk.Slash], [Desk.Click] and [Desk.Submit] return the
// [Reply] that this one person sees. What everybody sees is no reply: the card
// is made of the record alone ([Card]), and what happened stands in the trail.
// Nothing here knows Slack's blocks; package slack draws what it is given.
//
// What can be said, and how it is read, stands in package grammar; Parse brings
// its shapes and our verbs together.
//
// # A new verb
//
// A verb is a file with a function that returns its line for the table: who may
// use it, what help says, which shape of words may stand behind it, what it does.
//
// # Who may
//
// The policy decides ([rules.Policy]), with profiles and groups from the
// directory; who cannot be looked up is refused. Reads (download, find, count)
// are noted in the trail before their file is handed out; count names nobody, so
// it needs no private channel. Refusals are noted too, one for a person and
// a request (without a request, one an hour of the same cause): no right, the own request, a cap, an
// overlap, a forged record. Typos and late clicks are not.
//
// # Foreign text
//
// The texts of a [Reply] are Slack's mrkdwn and are shown verbatim: what is
// not ours in them went through escape or code. Everything in a [Form], in a file's
// name and title and in a [CardContent] is plain text and escaped by whoever
// draws it.
//
// explain is the only function that turns an error into an answer. The rules
// of the voice stand in package audit.
package commands
