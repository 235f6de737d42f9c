// Command bot is Countersign: a security team manages its Qualys users from
// Slack, and no change or deletion ever happens on one person's word.
//
// # A tour of the house
//
// Follow one delete through the packages, in the order in which things happen.
// Each package imports only what stands below it.
//
// internal/app reads the settings and puts the parts together ([app.Run]): the
// book on Redis, the client of Qualys, the desk, the executor, and Slack.
//
// slack hears it first. Alice types a command; slack/socket receives the
// envelope, slack notes the command in Redis, so that a crash is noticed, and
// hands it to the desk as a commands.Slash before it acknowledges.
//
// commands reads it. The grammar makes a commands.Request of the text, or
// answers with a problem and a hint. The desk judges Alice's rights with
// approvals/rules and selects the users through qualys.
//
// qualys asks for them, page by page, and checks every user that comes back
// against every condition: a server that ignored a condition would have
// selected everybody.
//
// execution prepares the plan: who is protected or already so is left out, and
// what the run will cost is known before anybody is asked.
//
// approvals seals it. A Plan names each user and the exact change; its
// fingerprint binds everything that follows. The book holds it in Redis, and
// the script that does so writes the event "requested" in the same step.
//
// slack shows it. The poster uploads the plan's CSV, posts the card, and only
// then do its buttons mean anything. commands.Card says what stands on it,
// slack/cards renders that.
//
// audit tells it. Every event becomes a numbered, chained and signed entry with
// one sentence, posted in order to the channel, whose history is the trail.
//
// slack hears Bob click. Who he is comes from Slack, whether he may comes from
// approvals/rules, and one Lua script in approvals checks state, deadline,
// people and fingerprint and stores his decision. Only then does Slack hear
// "ok".
//
// execution carries it out. After the cool-down any replica claims the request,
// with a lease and a fencing epoch. Rights are judged again. One user first,
// then 25 at a time: read, mark sent, call, read back, mark done. Whoever takes
// over after a crash reads back before anything else.
//
// audit and slack close it: a CSV with what was observed of each user, one line
// in the channel with the counts, and a card without buttons.
//
// slack reads it back. Once an hour the poster lets audit check the end of the
// trail where it stands; bot audit verify --live checks all of it for whoever has
// the public key, and slack/trail reads it for both, or an export instead.
package main
