// Package commands is what people can say, and what they are answered.
//
// A person types a [Slash], presses a button ([Click]) or sends off a form
// ([Submission]); [Desk.Slash], [Desk.Click] and [Desk.Submit] return the
// [Reply] that this one person sees. What everybody sees is no reply: the card
// is made of the record alone ([Card]), and what happened stands in the trail.
// Nothing here knows Slack's blocks; package slack draws what it is given.
//
// # The parts
//
// Here stand the desk and its verbs: who may, in which order, what is stored and
// noted. Below it, each importing only those behind it:
//
//	lookup    finds users in Qualys and drafts plans of them
//	form      what is filled in, and how it is read
//	refusal   what is refused, and the words for every error
//	card      what a card and a list say of a request
//	words     how things are said: escaping, names, times, counts
//	grammar   how what was typed is read
//
// Names that others use are aliases here: a Form is a form.Form.
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
// not ours in them went through package words. Everything in a [Form], in a file's
// name and title and in a [CardContent] is plain text and escaped by whoever
// draws it.
//
// explain is the only function that turns an error into an answer. The rules
// of the voice stand in package audit.
package commands
