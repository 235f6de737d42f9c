package rules_test

// A mistake is a policy that is wrong, and the sentences it gets.
type mistake struct{ name, text, says string }

// Hints that many mistakes share.
const (
	writeID      = "Write the id of a person, such as U012AB3CD, or of a user group, such as S012AB3CD; bot check finds it."
	writeChannel = "Write the channel's id, such as C012AB3CD; bot check finds it."
	writeNumber  = "Write digits without quotes or leading zeros, such as 10."
	writeTime    = "Write a number with h, m or s, such as 4h or 30s."
	lookHere     = "Look here and at the line above: indentation, colons and quotes matter, and ids have neither @ nor #."
	theKeys      = "The keys are channels, audit_channel, checkpoint_channel, readers, requesters, approvers, approvals, max_percent, type_to_confirm_above, expires_after, cool_down, protected, max_open, retention, files, same_person, policy_changes, new_approvers_wait."
)

// badLists are files that are none, and mistakes about keys, people and channels.
var badLists = []mistake{
	{
		"an empty file",
		"",
		`The policy is empty. At least channels, readers, requesters and approvers must be there.`,
	},
	{
		"a file of comments",
		"# nothing\n",
		`The policy is empty. At least channels, readers, requesters and approvers must be there.`,
	},
	{
		"a list",
		"- channels\n",
		`line 1: The policy must be keys with values. Begin with a line such as channels: [C012AB3CD].`,
	},
	{
		"one word",
		"channels\n",
		`line 1: The policy must be keys with values. Begin with a line such as channels: [C012AB3CD].`,
	},
	{
		"two documents",
		least + "---\nchannels: [C2]\n",
		`line 6: A second document begins here. Keep one, and remove the line ---.`,
	},
	{
		"no YAML",
		"channels: [C1\nreaders: [U1]\n",
		`line 2: This is not YAML: ',' or ']' must be specified. ` + lookHere,
	},
	{
		"wrong indentation",
		"channels: [C1]\n readers: [U1]\n",
		`line 2: This is not YAML: value is not allowed in this context. ` + lookHere,
	},
	{
		"a handle",
		"channels: [C1]\nreaders: [@rita]\n",
		`line 2: This is not YAML: '@' is a reserved character. ` + lookHere,
	},
	{
		"a channel's name",
		"channels: [#general]\n",
		`line 1: This is not YAML: sequence end token ']' not found. ` + lookHere,
	},
	{
		"not UTF-8",
		"channels: [\xff]\n",
		`The policy is not UTF-8 text. Save it as UTF-8.`,
	},
	{
		"UTF-16",
		"\xff\xfec\x00",
		`The policy is not UTF-8 text. Save it as UTF-8.`,
	},
	{
		"no channels",
		"readers: [U1]\nrequesters: [U1]\napprovers: [U2]\n",
		`channels is missing. Write channels: [C012AB3CD].`,
	},
	{
		"no readers",
		"channels: [C1]\nrequesters: [U1]\napprovers: [U2]\n",
		`readers is missing. Write readers: [U012AB3CD].`,
	},
	{
		"no requesters",
		"channels: [C1]\nreaders: [U1]\napprovers: [U2]\n",
		`requesters is missing. Write requesters: [U012AB3CD].`,
	},
	{
		"no approvers",
		"channels: [C1]\nreaders: [U1]\nrequesters: [U1]\n",
		`approvers is missing. Write approvers: [U012AB3CD].`,
	},
	{
		"empty channels",
		"channels: []\nreaders: [U1]\nrequesters: [U1]\napprovers: [U2]\n",
		`line 1: channels is empty. Write at least one entry.`,
	},
	{
		"empty approvers",
		"channels: [C1]\nreaders: [U1]\nrequesters: [U1]\napprovers: []\n",
		`line 4: approvers is empty. Write at least one entry.`,
	},
	{
		"approvers without a value",
		"channels: [C1]\nreaders: [U1]\nrequesters: [U1]\napprovers:\n",
		`line 4: approvers has no value. Give it one, or leave the key out.`,
	},
	{
		"approvers that are null",
		"channels: [C1]\nreaders: [U1]\nrequesters: [U1]\napprovers: ~\n",
		`line 4: approvers has no value. Give it one, or leave the key out.`,
	},
	{
		"an approver that is null",
		"channels: [C1]\nreaders: [U1]\nrequesters: [U1]\napprovers: [~]\n",
		`line 4: An entry of approvers must be the id of a person or user group, not nothing. ` + writeID,
	},
	{
		"an approver that is empty",
		"channels: [C1]\nreaders: [U1]\nrequesters: [U1]\napprovers: [\"\"]\n",
		`line 4: An entry of approvers must be the id of a person or user group, not "". ` + writeID,
	},
	{
		"an entry that was forgotten",
		"channels: [C1]\nreaders: [U1]\nrequesters: [U1]\napprovers:\n  -\n  - U2\n",
		`line 5: An entry of approvers must be the id of a person or user group, not nothing. ` + writeID,
	},
	{
		"an approver without a list",
		"channels: [C1]\nreaders: [U1]\nrequesters: [U1]\napprovers: U2\n",
		`line 4: approvers must be a list of people or user groups, not "U2". Put it in brackets: [ … ].`,
	},
	{
		"approvers with keys",
		"channels: [C1]\nreaders: [U1]\nrequesters: [U1]\napprovers: {bob: U2}\n",
		`line 4: approvers must be a list of people or user groups, not keys with values. Put it in brackets: [ … ].`,
	},
	{
		"a quoted handle",
		"channels: [C1]\nreaders: [U1]\nrequesters: [U1]\napprovers: [\"@bob\"]\n",
		`line 4: An entry of approvers must be the id of a person or user group, not "@bob". ` + writeID,
	},
	{
		"a name",
		"channels: [C1]\nreaders: [U1]\nrequesters: [U1]\napprovers: [bob]\n",
		`line 4: An entry of approvers must be the id of a person or user group, not "bob". ` + writeID,
	},
	{
		"an address",
		"channels: [C1]\nreaders: [U1]\nrequesters: [U1]\napprovers: [bob@example.com]\n",
		`line 4: An entry of approvers must be the id of a person or user group, not "bob@example.com". ` + writeID,
	},
	{
		"a mention",
		"channels: [C1]\nreaders: [U1]\nrequesters: [U1]\napprovers: [\"<@U2>\"]\n",
		`line 4: An entry of approvers must be the id of a person or user group, not "<@U2>". ` + writeID,
	},
	{
		"an id in small letters",
		"channels: [C1]\nreaders: [U1]\nrequesters: [U1]\napprovers: [u2]\n",
		`line 4: An entry of approvers must be the id of a person or user group, not "u2". ` + writeID,
	},
	{
		"an id with a blank",
		"channels: [C1]\nreaders: [U1]\nrequesters: [U1]\napprovers: [\"U2 \"]\n",
		`line 4: An entry of approvers must be the id of a person or user group, not "U2 ". ` + writeID,
	},
	{
		"an id with a line end",
		"channels: [C1]\nreaders: [U1]\nrequesters: [U1]\napprovers: [\"U2\\n\"]\n",
		`line 4: An entry of approvers must be the id of a person or user group, not "U2\n". ` + writeID,
	},
	{
		"an id that is a number",
		"channels: [C1]\nreaders: [U1]\nrequesters: [U1]\napprovers: [2]\n",
		`line 4: An entry of approvers must be the id of a person or user group, not 2. ` + writeID,
	},
	{
		"a channel as an approver",
		"channels: [C1]\nreaders: [U1]\nrequesters: [U1]\napprovers: [C2]\n",
		`line 4: An entry of approvers must be the id of a person or user group, not "C2". ` + writeID,
	},
	{
		"everybody",
		"channels: [C1]\nreaders: [U1]\nrequesters: [U1]\napprovers: [\"*\"]\n",
		`line 4: An entry of approvers must be the id of a person or user group, not "*". ` + writeID,
	},
	{
		"a person as a channel",
		"channels: [U1]\nreaders: [U1]\nrequesters: [U1]\napprovers: [U2]\n",
		`line 1: An entry of channels must be the id of a channel, not "U1". ` + writeChannel,
	},
	{
		"a direct message as a channel",
		"channels: [D1]\nreaders: [U1]\nrequesters: [U1]\napprovers: [U2]\n",
		`line 1: An entry of channels must be the id of a channel, not "D1". ` + writeChannel,
	},
	{
		"a channel twice",
		"channels: [C1, C1]\nreaders: [U1]\nrequesters: [U1]\napprovers: [U2]\naudit_channel: C1\n",
		`line 1: C1 is in channels twice. Keep one of the two.`,
	},
	{
		"an approver twice",
		"channels: [C1]\nreaders: [U1]\nrequesters: [U1]\napprovers: [U2, U3, U2]\n",
		`line 4: U2 is in approvers twice. Keep one of the two.`,
	},
	{
		"a list in a list",
		"channels: [C1]\nreaders: [U1]\nrequesters: [U1]\napprovers: [[U2]]\n",
		`line 4: An entry of approvers must be the id of a person or user group, not a list. ` + writeID,
	},
	{
		"an unknown key",
		least + "webhooks: yes\n",
		`line 5: The policy has no key called "webhooks". ` + theKeys,
	},
	{
		"a misspelt key",
		least + "cooldown: 30s\n",
		`line 5: The policy has no key called "cooldown". Write cool_down.`,
	},
	{
		"a key of another product",
		least + "require_approval: false\n",
		`line 5: The policy has no key called "require_approval". ` + theKeys,
	},
	{
		"a key in capitals",
		least + "Files: any_channel\n",
		`line 5: The policy has no key called "Files". Write files.`,
	},
	{
		"a key twice",
		least + "cool_down: 1s\ncool_down: 2s\n",
		`line 6: cool_down is written twice. Keep one of the two.`,
	},
	{
		"a key that is a number",
		least + "1: 2\n",
		`line 5: The policy has a key that is no plain name. ` + theKeys,
	},
	{
		"a merged map",
		least + "<<: {cool_down: 1s}\n",
		`line 5: The policy has a key that is no plain name. ` + theKeys,
	},
	{
		"an anchor",
		least + "cool_down: &x 1s\n",
		`line 5: cool_down must be a length of time, not an anchor or alias, which are not read here. ` + writeTime,
	},
	{
		"an alias",
		"channels: [C1]\nreaders: &x [U1]\nrequesters: [U1]\napprovers: *x\n",
		`line 2: readers must be a list of people or user groups, not an anchor or alias, which are not read here. Put it in brackets: [ … ].` + "\n" +
			`line 4: approvers must be a list of people or user groups, not an anchor or alias, which are not read here. Put it in brackets: [ … ].`,
	},
	{
		"a YAML tag",
		least + "max_open: !!int 5\n",
		`line 5: max_open must be a whole number, not a YAML tag, which is not read here. ` + writeNumber,
	},
	{
		"a text of several lines",
		least + "files: |\n  any_channel\n",
		`line 5: files must be private_channels_only or any_channel, not a text of several lines. Write one of the two words.`,
	},
}
