package page

import (
	"slices"
	"strings"

	"countersign/approvals"
	"countersign/audit"
	"countersign/slack/cards"
)

// A spoken is something that package slack says by itself, and not the desk. Its
// words are copies: a test compares them with the sources.
type spoken struct {
	label, typed string
	text, hint   string
	public       bool // everybody in the channel sees it
}

// toCard stands below what is written about a request that has a card.
const toCard = "<https://example.slack.com/archives/C0QUALYSADMIN/p100|To its card>"

// letters are direct messages: the sentence of the trail with a name in place of
// an id, for the decisions that a requester hears of.
func letters() []spoken {
	var all []spoken
	decisions := []approvals.Kind{
		approvals.Approved, approvals.Rejected, approvals.Withdrawn, approvals.Expired, approvals.Review, approvals.Closed,
	}
	shown := map[string]bool{}
	for _, e := range events() {
		label, _, _ := strings.Cut(e.label, ":")
		if !slices.Contains(decisions, e.Kind) || shown[label] {
			continue
		}
		shown[label] = true
		text := cards.Escape(audit.Sentence(e.Event))
		if rest, ok := strings.CutPrefix(text, e.By.ID); ok && e.By.ID != "" {
			text = "<@" + e.By.ID + ">" + rest
		}
		all = append(all, spoken{label: label, text: text, hint: toCard})
	}
	return append(all, spoken{
		label: "The card cannot be posted",
		text:  "I cannot show your request K7F3Q in <#C0QUALYSADMIN>: Slack says not_in_channel. Nobody can approve it until I can.",
		hint:  "Check that I am a member of the channel. I keep trying until the request expires.",
	})
}

// mishaps are what people are told when Slack, a bot or a file is late or lost.
func mishaps() []spoken {
	const file = "users-platform-2500-2026-11-21.csv"
	return []spoken{
		{
			label: "An interrupted command", typed: command + " download",
			text: "I was interrupted over your command `" + command + " download` and did not finish it.",
			hint: "Type it again. If a request of yours is open already, `" + command + " requests mine` shows it.",
		},
		{label: "A long wait for Qualys", text: "Qualys makes me wait 2 minutes; then I go on."},
		{label: "One more long wait", text: "Qualys makes me wait again, 4 minutes this time. I go on by myself, and do not tell you of every wait."},
		{label: "A file that failed", text: "The file " + file + " could not be posted.", hint: "Type the command again in a moment."},
		{label: "A file that Slack refuses", text: "The file " + file + " could not be posted: Slack says file_uploads_disabled.", hint: "Type the command again in a moment."},
		{
			label: "A file that comes late",
			text:  "Slack took the file " + file + " but does not show it yet. It may still appear in the channel.",
			hint:  "Look again in a few minutes before you repeat the command.",
		},
		{
			label: "A channel that became public meanwhile",
			text:  "I post files only to private channels that nobody outside shares, and this is not one.",
			hint:  "Use a private channel.",
		},
		{label: "A click that was not decided in time", text: "I could not decide this in time.", hint: "Press again; nothing counts twice."},
		{label: "A form that was not taken in time", text: "I could not take this in time. Send it again; nothing counts twice."},
		{label: "A form that did not open", text: "The form did not open. Nothing was stored.", hint: "Try again."},
		{label: "A file of a form that cannot be read", text: "I could not read the file. Choose it again: a CSV of at most 1 MB."},
		{label: "A button of somebody else's", text: "This is no button of mine. Nothing was stored."},
		{label: "Too many commands at once", text: "Too much is going on, and I did not get to this. Nothing was stored.", hint: "Type it again in a moment."},
		{label: "Too many clicks at once", text: "Too much is going on, and I did not get to this. Nothing was stored.", hint: "Press again in a moment."},
		{label: "Too many forms at once", text: "Too much is going on, and I did not get to this. Nothing was stored. Send it again."},
		{label: "Redis is not there for a command", text: "I cannot reach my memory, so nothing happened.", hint: "Type it again in a moment."},
		{label: "Redis is not there for a form", text: "I cannot reach my memory, so nothing happened.", hint: "Try again in a moment."},
		{label: "Slack does not say who it was", text: "Slack did not tell me in time who you are, so nothing happened.", hint: "Type it again in a moment."},
		{
			label: "Tokens of two apps",
			text:  "This belongs to another Slack app than the one I serve, so nothing happened.",
			hint:  "Tell whoever runs Countersign: the app token and the app in this workspace may not belong together.",
		},
		{label: "A bug in a command", text: "Something went wrong on my side, and nothing was stored. The cause is in my log.", hint: "Try again; if it stays like this, tell whoever runs Countersign."},
		{label: "A bug that was caught late", text: "Something went wrong on my side. It is in my log."},
		{label: "Above the CSV of a request", text: "Request K7F3Q names 49 SAQ users. All values stand in this file.", public: true},
		{label: "Below a card, when half of the time is over", text: "K7F3Q still waits for 1 approval. Otherwise it expires <!date^1795284000^{date_short_pretty} {time}|2026-11-21 18:00 UTC>, and no user is touched.", public: true},
		{label: "Above the CSV of a result", text: "Request K7F3Q: what became of each user. Deleted 49 of 49 SAQ users.", public: true},
		{
			label: "The line at the end of a run", text: "Deleted 49 of 49 SAQ users · <@U0ALICE>",
			hint: "<https://example.slack.com/archives/C0QUALYSADMIN/p100|Request K7F3Q> · the result for each user is a CSV in its thread", public: true,
		},
		{
			label: "The same, while the CSV cannot be posted", text: "Deleted 49 of 49 SAQ users · <@U0ALICE>",
			hint: "<https://example.slack.com/archives/C0QUALYSADMIN/p100|Request K7F3Q>", public: true,
		},
	}
}
