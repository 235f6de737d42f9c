// Package trail reads the trail back, from where it stands in Slack or from an
// export that Slack made, for whoever checks it. It judges nothing: package audit
// does, with a public key alone.
//
//	live := trail.Live{Web: client, Channel: channel}
//	report, err := audit.Check{Key: key, Bot: bot}.Verify(live.Lines(ctx))
//	report, err = audit.Verify(key, trail.Export("export.zip"))
//
// # In Slack
//
// An entry is a message of the audit channel that carries one, or shows the small
// line of the chain. It stands top-level, or in the thread of a card: so the threads
// that are read are those below messages of the bot's own, and below what is left of
// deleted ones. Lines come with what no export carries: who posted the message,
// whether Slack marks it as edited, and, where [Live.Files] names channels, whether
// the CSV that belongs to an entry is the one that the entry names.
//
// # A CSV and its entry
//
// Messages carry no ids of files, so a CSV is known by its bytes. An entry whose
// file_sha none of the bot's files has is accused of nothing by itself: the file may
// be gone. It is accused when there is a file that has the name of the missing one,
// was posted about then, and belongs to no other entry.
//
// # In an export
//
// Slack exports a workspace as a zip: channels.json and groups.json with ids and
// names, a folder for each channel, in it a file for each day with a JSON array
// of messages, replies among them. Such a zip is read, and the folder that it
// becomes, and the folder of one channel alone. Whether metadata is in it is Slack's
// business; without it a message still shows its number and its heads. Nothing is
// unpacked to disk, no path leads out of the export, and no file of it is read that
// is larger than 32 MiB.
package trail
