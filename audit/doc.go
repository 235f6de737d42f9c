// Package audit says what happened, to people and to machines.
//
// For people there is [Sentence], the line that the channel reads about an
// event, and [Summary], the line that ends a run. For machines there is the
// trail: [Trail.Seal] turns an event into an [Entry] that is numbered, chained
// and signed, and [Verify] checks a trail with a public key alone. [PlanCSV],
// [ResultCSV] and [UsersCSV] write the files that people open. Nothing here
// posts anything.
//
// # An entry
//
// An entry is the metadata of one Slack message, with the event_type
// countersign_entry. It is a flat JSON object of strings and integers, and
// holds ids, counts and hashes only. Absent values are left out; an empty
// string and a zero never occur.
//
//	v            1, the version of this format
//	chain        the installation (its tenant)
//	seq          1, 2, 3 …: the number, without gaps
//	at           when it happened, RFC 3339 in UTC with three digits of a
//	             second: 2026-11-21T14:03:05.123Z
//	kind         what happened: requested, approved, finished …
//	request      the id of the request
//	by           who did it, TEAM/USER; absent when the bot did
//	fingerprint  of the plan, 64 lower-case hex digits
//	policy       SHA-256 of the policy in force, the same
//	counts       numbers of users, sorted by name: done=47 skipped=2
//	file_sha     SHA-256 of the CSV that belongs to the entry, the same
//	text_sha     SHA-256 of the sentence, the same
//	prev         hash of the entry before, the same; 64 zeros in the first
//	hash         SHA-256 of the entry, the same
//	sig          signature of the entry, base64
//	key          of kind key only: the public key from this entry on, 32 bytes
//	             in base64
//	sig_old      of kind key only: signature with the former key, base64
//
// # How to check one
//
// Take the metadata as it stands, with any field that this list does not name.
// Remove hash and sig. Write the rest as canonical JSON (RFC 8785: names
// sorted, no blanks, UTF-8). Its SHA-256 in lower-case hex is hash. sig is an
// Ed25519 signature over the 32 bytes of that SHA-256 (not over its hex), in
// base64 with the standard alphabet and padding.
//
// text_sha is the SHA-256 over the UTF-8 bytes of the sentence, which stands
// alone in one plain_text block of the message. Slack gives it back with
// & < > written as &amp; &lt; &gt;: undo that first.
//
// Then the chain: sorted by seq, each number follows the one before, and prev
// is the hash there. The same number with the same hash twice is harmless (a
// post was repeated after its answer was lost); with another hash somebody
// rewrote history. Entries cut off at the end leave no trace in the chain
// itself: compare the last hash with the bot's log.
//
// In an entry of kind key, sig is made with the new key, and sig_old with the
// former one over the hash that the entry has without hash, sig and sig_old.
//
// # A trail as a file
//
// An export is JSON lines: each line, ended by \n, is the canonical JSON of
//
//	{"channel": …, "entry": {the metadata}, "text": the sentence, "ts": …}
//
// What other tools spaced, ordered or escaped in their own way is read too, and
// noted: hashes are made of the canonical form of what a line says. A trail
// begins with #1; one that begins later is broken.
//
// channel and ts say where the message was found; no hash covers them, so a
// wrong one misleads who looks for the message and nobody else.
//
// # A checkpoint
//
// The last hash shows that a trail was cut off only to who kept one. A checkpoint is
// one to keep: a signed note (c2sp.org/signed-note) of three lines, with an Ed25519
// signature by the key of the trail under the name of the origin:
//
//	countersign/<chain>     the chain as in a URL's query
//	128                     the number
//	nzrB…=                  the hash there, 32 bytes in base64
//
//	— countersign/<chain> <signature>
//
// # CSV files
//
// UTF-8 without a byte order mark, a header, commas, quotes where they are
// needed (as encoding/csv writes them), \n after each row: \r\n would change
// line breaks inside values. The same plan gives the same bytes. A SAQ user is
//
//	id,userName,firstName,lastName,emailAddress,company,title,tags
//
// with the names of the tags joined by "; ". An update adds old:<field> and
// new:<field> for each field it sets (an empty new value clears it), a result
// adds approved,sent,answer,observed,outcome. A cell that a spreadsheet might
// take for a formula gets a leading apostrophe, and so does a cell that begins
// with one: take one away to get the value back.
package audit
