// Package cards turns what the bot has to say into Block Kit. It is pure: it
// talks to nobody and keeps nothing.
//
// [Card] renders the card of a request, [Form] a dialog, [Reply] an answer to
// one person, [Entry] a line of the trail. Each but Form returns a [Message]: blocks for the
// eyes and a text that says the same to notifications and screen readers. On the
// way back [ParseValue] reads the value of a pressed button, [Metadata] and
// [Values] read a submitted form.
//
// # Foreign text
//
// Names, reasons and values come from strangers. They stand only in plain_text without
// emoji and in rich_text, where nothing is markup, and, in the text of a message,
// escaped; who posts it sets parse=none. Characters that control, reorder or hide
// text are taken out first. Sentences of replies are mrkdwn that came escaped;
// they are shown verbatim, so that only the mentions and dates that are written
// out in them count.
//
// # Limits
//
// Nothing built here is more than Slack takes, whatever the content: texts are cut with …,
// measured in UTF-16 units after escaping, lists are cut and say that the
// rest is in the CSV. Only blocks that every client knows are used: section,
// divider, header, context, actions, rich_text and input. What can not be cut
// without changing its meaning (what rides in a form, the values of its
// choices) makes [Form] return [ErrTooBig].
//
// # Buttons
//
// The action_id of a button is its [commands.Action], its value
// "<request>:<fingerprint>". A card of a request that is over has no buttons,
// whatever its content says.
package cards
