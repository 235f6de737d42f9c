// Package grammar reads what people type behind /qualys-users.
//
// [Parse] makes a [Request] of a text. It is told which verbs there are, and for
// each which shape of words may stand behind it; the desk above has that table.
// Everything here is pure: no look-up, no clock, no state.
//
//	download [role=A,B] [sort=username:desc] [timezone=Asia/Kolkata] [limit=n] [offset=n] [format=csv]
//	find     [condition …]
//	count    [condition …]
//	update   condition … set field=value … reason="…"
//	delete   condition … reason="…"
//	requests [open|mine|all]
//	show     id
//	cancel   id
//	withdraw id
//	retry    id [reason="…"]
//	undo     id [reason="…"]
//	stop     id
//	resume   id
//	close    id [reason="…"]
//	freeze
//	unfreeze
//	whoami
//	help     [verb]
//
// # The rules
//
// A condition is field=value, field~value or field contains value; all of them
// must hold. Values with blanks or commas stand in quotes, single or double;
// between double quotes \" is a quote and \\ a backslash. id and tags.tag.id
// take a list: commas, or blanks inside quotes, or a line each. The reason stands
// anywhere before or behind the others. clear, unquoted and behind set, empties a
// field; an empty value is a mistake. Field names ignore case, blanks and dots,
// and have other names besides their own. update and delete alone are bare: they
// ask for a form.
//
// What keyboards and Slack do to text is undone first, and once: curly quotes, em
// dashes, blanks that do not break, entities, links and mentions. Characters that
// cannot be seen are refused. What was parsed can be written again
// ([Request.String]) and means the same.
//
// # Mistakes
//
// A mistake is a [UsageError]: a problem, and a hint that is a whole command and
// is understood. To find the hint, texts that may have been meant are parsed in
// turn, and their mistakes mended in the same way; if none of it helps, the hint
// is the verb's example. A guess never drops a stray word from an update or a
// delete, which could select more users than were meant.
//
// A form has its parts read one by one ([Conditions], [Change], [ReadIDs]), so
// that a value can never end its own field.
package grammar
