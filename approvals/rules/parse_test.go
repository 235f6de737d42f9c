package rules_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/approvals/rules"
)

// Hints that many mistakes share.
const (
	writeID      = "Write the id of a person, such as U012AB3CD, or of a user group, such as S012AB3CD; bot check finds it."
	writeChannel = "Write the channel's id, such as C012AB3CD; bot check finds it."
	writeNumber  = "Write digits without quotes or leading zeros, such as 10."
	writeTime    = "Write a number with h, m or s, such as 4h or 30s."
	lookHere     = "Look here and at the line above: indentation, colons and quotes matter, and ids have neither @ nor #."
	theKeys      = "The keys are channels, audit_channel, checkpoint_channel, readers, requesters, approvers, approvals, max_percent, type_to_confirm_above, expires_after, cool_down, protected, max_open, retention, files, same_person, policy_changes, new_approvers_wait."
)

// bad are policies with one mistake, or the same mistake twice, and the
// sentences they get. Guards P26 (an empty role) and P56 (a setting that
// silently does nothing).
var bad = []struct {
	name, text string
	says       string
}{
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
	{
		"two channels and no audit_channel",
		"channels: [C1, C2]\nreaders: [U1]\nrequesters: [U1]\napprovers: [U2]\n",
		`line 1: There are 2 channels and no audit_channel. Say which channel gets the trail: audit_channel: C1.`,
	},
	{
		"an audit_channel that is a list",
		least + "audit_channel: [C1]\n",
		`line 5: audit_channel must be the id of a channel, not a list. ` + writeChannel,
	},
	{
		"an audit_channel by name",
		least + "audit_channel: \"#audit\"\n",
		`line 5: audit_channel must be the id of a channel, not "#audit". ` + writeChannel,
	},
	{
		"a checkpoint_channel that is a person",
		least + "checkpoint_channel: U1\n",
		`line 5: checkpoint_channel must be the id of a channel, not "U1". ` + writeChannel,
	},
	{
		"approvals that are a number",
		least + "approvals: 2\n",
		`line 5: approvals must be a list of rows, not 2. Put it in brackets: [ … ].`,
	},
	{
		"approvals without rows",
		least + "approvals: []\n",
		`line 5: approvals is empty. Write at least one entry.`,
	},
	{
		"a row that is a number",
		least + "approvals: [2]\n",
		`line 5: A row of approvals must have keys with values, not 2. The keys are up_to, need.`,
	},
	{
		"a row without need",
		least + "approvals: [{up_to: 100}]\n",
		`line 5: A row of approvals needs both up_to and need. Write {up_to: 100, need: 1}.`,
	},
	{
		"a row without up_to",
		least + "approvals: [{need: 1}]\n",
		`line 5: A row of approvals needs both up_to and need. Write {up_to: 100, need: 1}.`,
	},
	{
		"an empty row",
		least + "approvals: [{}]\n",
		`line 5: A row of approvals needs both up_to and need. Write {up_to: 100, need: 1}.`,
	},
	{
		"an unknown key in a row",
		least + "approvals: [{up_to: 100, need: 1, by: S1}]\n",
		`line 5: A row of approvals has no key called "by". The keys are up_to, need.`,
	},
	{
		"a need of nobody",
		least + "approvals: [{up_to: 100, need: 0}]\n",
		`line 5: need is 0: too low. Write 1 or more.`,
	},
	{
		"a negative need",
		least + "approvals: [{up_to: 100, need: -1}]\n",
		`line 5: need is -1: too low. Write 1 or more.`,
	},
	{
		"a row for nobody",
		least + "approvals: [{up_to: 0, need: 1}]\n",
		`line 5: up_to is 0: too low. Write 1 to 5000.`,
	},
	{
		"a row for too many",
		least + "approvals: [{up_to: 5001, need: 1}]\n",
		`line 5: up_to is 5001: too high. Write 1 to 5000.`,
	},
	{
		"rows that descend",
		least + "approvals:\n  - {up_to: 100, need: 1}\n  - {up_to: 50, need: 2}\n",
		`line 7: up_to is 50 after a row with 100: the rows must ascend. Order the rows by up_to, each number once.`,
	},
	{
		"two rows for the same number",
		least + "approvals:\n  - {up_to: 100, need: 1}\n  - {up_to: 100, need: 2}\n",
		`line 7: up_to is 100 after a row with 100: the rows must ascend. Order the rows by up_to, each number once.`,
	},
	{
		"fewer approvals for more users",
		least + "approvals:\n  - {up_to: 100, need: 2}\n  - {up_to: 500, need: 1}\n",
		`line 7: More users would need fewer approvals: 1 after 2. Write need: 2 or more.`,
	},
	{
		"half a user",
		least + "max_percent: 0.5\n",
		`line 5: max_percent must be a whole number, not 0.5. ` + writeNumber,
	},
	{
		"a percent sign",
		least + "max_percent: 20%\n",
		`line 5: max_percent must be a whole number, not "20%". ` + writeNumber,
	},
	{
		"no percent",
		least + "max_percent: 0\n",
		`line 5: max_percent is 0: too low. Write 1 to 100.`,
	},
	{
		"too many percent",
		least + "max_percent: 101\n",
		`line 5: max_percent is 101: too high. Write 1 to 100.`,
	},
	{
		"a number in quotes",
		least + "max_percent: \"20\"\n",
		`line 5: max_percent must be a whole number, not "20". ` + writeNumber,
	},
	{
		"an octal number",
		least + "max_percent: 024\n",
		`line 5: max_percent must be a whole number, not 024. ` + writeNumber,
	},
	{
		"a hexadecimal number",
		least + "max_percent: 0x14\n",
		`line 5: max_percent must be a whole number, not 0x14. ` + writeNumber,
	},
	{
		"a number with an underscore",
		least + "max_open: 1_000\n",
		`line 5: max_open must be a whole number, not 1_000. ` + writeNumber,
	},
	{
		"a number larger than any",
		least + "max_open: 99999999999999999999\n",
		`line 5: max_open is 99999999999999999999: too high. Write 1 or more.`,
	},
	{
		"a negative threshold",
		least + "type_to_confirm_above: -1\n",
		`line 5: type_to_confirm_above is -1: too low. Write 0 or more.`,
	},
	{
		"a threshold that is a word",
		least + "type_to_confirm_above: never\n",
		`line 5: type_to_confirm_above must be a whole number, not "never". ` + writeNumber,
	},
	{
		"no open request",
		least + "max_open: 0\n",
		`line 5: max_open is 0: too low. Write 1 or more.`,
	},
	{
		"a time without a unit",
		least + "expires_after: 4\n",
		`line 5: expires_after must be a length of time, not 4. Write the unit too: 4s, 4m or 4h.`,
	},
	{
		"a time in days",
		least + "retention: 30d\n",
		`line 5: retention must be a length of time, not "30d". ` + writeTime,
	},
	{
		"a time in words",
		least + "expires_after: four hours\n",
		`line 5: expires_after must be a length of time, not "four hours". ` + writeTime,
	},
	{
		"a time that is a clock",
		least + "expires_after: 4:00\n",
		`line 5: expires_after must be a length of time, not "4:00". ` + writeTime,
	},
	{
		"no expiry",
		least + "expires_after: 0s\n",
		`line 5: expires_after is 0s: too short. Write 1s to 24h.`,
	},
	{
		"a negative expiry",
		least + "expires_after: -4h\n",
		`line 5: expires_after is -4h: too short. Write 1s to 24h.`,
	},
	{
		"an expiry after a day",
		least + "expires_after: 24h1s\n",
		`line 5: expires_after is 24h1s: too long. Write 1s to 24h.`,
	},
	{
		"expiry never",
		least + "expires_after: never\n",
		`line 5: expires_after must be a length of time, not "never". ` + writeTime,
	},
	{
		"a cool-down of more than an hour",
		least + "cool_down: 61m\n",
		`line 5: cool_down is 61m: too long. Write 0s to 1h.`,
	},
	{
		"a negative cool-down",
		least + "cool_down: -1s\n",
		`line 5: cool_down is -1s: too short. Write 0s to 1h.`,
	},
	{
		"a retention of nothing",
		least + "retention: 0s\n",
		`line 5: retention is 0s: too short. Write 1s or more.`,
	},
	{
		"a retention that is too short",
		least + "retention: 4h\n",
		`line 5: retention is 4h: what a request needs would be gone before it expires. Write 4h0m30s or more.`,
	},
	{
		"a time longer than any",
		least + "retention: 9999999999h\n",
		`line 5: retention must be a length of time, not "9999999999h". ` + writeTime,
	},
	{
		"protected as a list",
		least + "protected: [ciso]\n",
		`line 5: protected must have keys with values, not a list. The keys are usernames, companies, tags.`,
	},
	{
		"protected without keys",
		least + "protected: {}\n",
		`line 5: protected is empty, so it does nothing. Name usernames, companies or tags, or leave the key out.`,
	},
	{
		"protected with an unknown key",
		least + "protected: {users: [ciso]}\n",
		`line 5: protected has no key called "users". The keys are usernames, companies, tags.`,
	},
	{
		"protected usernames without a list",
		least + "protected: {usernames: ciso}\n",
		`line 5: usernames must be a list of texts, not "ciso". Put it in brackets: [ … ].`,
	},
	{
		"an empty list of protected companies",
		least + "protected: {companies: []}\n",
		`line 5: companies is empty. Write at least one entry.`,
	},
	{
		"a protected company without a name",
		least + "protected: {companies: [Acme, \" \"]}\n",
		`line 5: An entry of companies is blank. Write a text, or remove it.`,
	},
	{
		"a protected company that cannot be seen",
		least + "protected: {companies: [\"\\u200b\"]}\n",
		`line 5: An entry of companies is blank. Write a text, or remove it.`,
	},
	{
		"a protected company that is a number",
		least + "protected: {companies: [3]}\n",
		`line 5: An entry of companies must be text, not 3. Put it in quotes.`,
	},
	{
		"a protected company that is a truth",
		least + "protected: {companies: [true]}\n",
		`line 5: An entry of companies must be text, not true. Put it in quotes.`,
	},
	{
		"a protected company with a line end",
		least + "protected: {companies: [\"a\\nb\"]}\n",
		`line 5: An entry of companies holds a control character. Write it on one line, as people see it.`,
	},
	{
		"a protected tag twice",
		least + "protected: {tags: [VIP, \" vip\"]}\n",
		`line 5: " vip" is in tags twice. Keep one of the two: case and blanks make no difference.`,
	},
	{
		"a word that files does not know",
		least + "files: public\n",
		`line 5: files must be private_channels_only or any_channel, not "public". Write one of the two words.`,
	},
	{
		"files that are a list",
		least + "files: [any_channel]\n",
		`line 5: files must be private_channels_only or any_channel, not a list. Write one of the two words.`,
	},
	{
		"files that are a truth",
		least + "files: true\n",
		`line 5: files must be private_channels_only or any_channel, not true. Write one of the two words.`,
	},
	{
		"same_person as one list",
		least + "same_person: [U1, U2]\n",
		`line 5: same_person must be a list of lists; here stands "U1". Write [[U012AB3CD, U034EF5GH]].` + "\n" +
			`line 5: same_person must be a list of lists; here stands "U2". Write [[U012AB3CD, U034EF5GH]].`,
	},
	{
		"same_person with one id",
		least + "same_person: [[U1]]\n",
		`line 5: One id alone says nothing: a list of same_person names the accounts of one human. Write at least two ids.`,
	},
	{
		"same_person without ids",
		least + "same_person: [[]]\n",
		`line 5: A list of same_person is empty. Write at least one entry.`,
	},
	{
		"same_person with one id twice",
		least + "same_person: [[U1, U1]]\n",
		`line 5: U1 is in a list of same_person twice. Keep one of the two.`,
	},
	{
		"same_person with a group",
		least + "same_person: [[U1, S1]]\n",
		`line 5: An entry of a list of same_person must be the id of a person, not "S1". Write the person's id, such as U012AB3CD; bot check finds it.`,
	},
	{
		"one id in two lists of same_person",
		least + "same_person: [[U1, U2], [U3, U1]]\n",
		`line 5: U1 stands in two lists of same_person. Make them one list: they are one human.`,
	},
	{
		"a word that policy_changes does not know",
		least + "policy_changes: ignore\n",
		`line 5: policy_changes must be announce or two_people, not "ignore". Write one of the two words.`,
	},
	{
		"two_people with one approver",
		least + "policy_changes: two_people\n",
		`line 5: two_people needs at least three approvers; there is 1. Name more approvers, or write announce.`,
	},
	{
		"two_people with three accounts of two people",
		"channels: [C1]\nreaders: [U1]\nrequesters: [U1]\napprovers: [U2, U3, U4]\nsame_person: [[U3, U4]]\npolicy_changes: two_people\n",
		`line 6: two_people needs at least three approvers; there are 2. Name more approvers, or write announce.`,
	},
	{
		"new_approvers_wait without a group",
		least + "new_approvers_wait: 24h\n",
		`line 5: new_approvers_wait does nothing: no group is among the approvers. Add a group to approvers, or leave the key out.`,
	},
	{
		"a negative new_approvers_wait",
		"channels: [C1]\nreaders: [U1]\nrequesters: [U1]\napprovers: [S2]\nnew_approvers_wait: -1s\n",
		`line 5: new_approvers_wait is -1s: too short. Write 0s or more.`,
	},
}

func TestABadPolicyIsExplained(t *testing.T) {
	sentences := map[string]bool{}
	for _, tt := range bad {
		t.Run(tt.name, func(t *testing.T) {
			p, err := rules.Parse([]byte(tt.text))
			require.Nil(t, p)
			assert.Equal(t, tt.says, strings.Join(told(t, err), "\n"))
		})
		sentences[tt.says] = true
	}
	assert.Greater(t, len(sentences), 80, "different sentences")
}

// told returns problem and hint of every mistake.
func told(t *testing.T, err error) []string {
	t.Helper()
	var all rules.Mistakes
	require.ErrorAs(t, err, &all)
	var says []string
	for _, m := range all {
		assert.Regexp(t, `^[^\n]+\.$`, m.Problem, "a problem is a sentence")
		assert.Regexp(t, `^[A-Z][^\n]+\.$`, m.Hint, "a hint is a sentence")
		if m.Line > 0 {
			assert.Contains(t, m.Source, fmt.Sprintf("%d |", m.Line), "the line is shown")
		}
		says = append(says, m.String())
	}
	return says
}

func TestOneMistakeIsShownWithItsSurroundings(t *testing.T) {
	_, err := rules.Parse([]byte(least + "# a joke\ncool_down: 2h\nmax_open: 5\n"))
	require.EqualError(t, err, `policy: 1 mistake
line 6: cool_down is 2h: too long. Write 0s to 1h.
   3 | requesters: [U1]
   4 | approvers: [U2]
   5 | # a joke
>  6 | cool_down: 2h
                  ^
   7 | max_open: 5`)
	assert.NotContains(t, err.Error(), "\x1b", "no colours")
}

func TestAllMistakesAreReportedTogether(t *testing.T) {
	_, err := rules.Parse([]byte("channels: [C1, C2]\nreaders: [\"@rita\"]\ncool_down: 2h\nrequesters: []\nfoo: 1\n"))
	require.EqualError(t, err, `policy: 6 mistakes
line 1: There are 2 channels and no audit_channel. Say which channel gets the trail: audit_channel: C1.
>  1 | channels: [C1, C2]
                 ^
line 2: An entry of readers must be the id of a person or user group, not "@rita". `+writeID+`
>  2 | readers: ["@rita"]
                 ^
line 3: cool_down is 2h: too long. Write 0s to 1h.
>  3 | cool_down: 2h
                  ^
line 4: requesters is empty. Write at least one entry.
>  4 | requesters: []
                   ^
line 5: The policy has no key called "foo". `+theKeys+`
>  5 | foo: 1
       ^
approvers is missing. Write approvers: [U012AB3CD].`)

	var all rules.Mistakes
	require.ErrorAs(t, err, &all)
	assert.Equal(t, "@rita", all[1].Value, "bot check can look the handle up")
}

func TestAHundredMistakesAreCounted(t *testing.T) {
	_, err := rules.Parse([]byte(least + strings.Repeat("x: 1\n", 100)))
	require.ErrorContains(t, err, "policy: 100 mistakes\nline 5: ")
	assert.True(t, strings.HasSuffix(err.Error(), "\nand 80 more"), "the end of %s", err)
}

func TestAPolicyOfUnreasonableSizeIsRefused(t *testing.T) {
	_, err := rules.Parse([]byte(least + strings.Repeat("# no end\n", 10_000)))
	require.Equal(t, []string{"The policy is larger than 64 KiB. Name user groups instead of people."}, told(t, err))
	_, err = rules.Parse([]byte("channels: " + strings.Repeat("[", 5_000)))
	var all rules.Mistakes
	require.ErrorAs(t, err, &all, "deep nesting ends as a mistake")
	assert.Less(t, len(err.Error()), 1_000, "and is not cited at length")
}

// A quorum that the people named cannot meet is found at request time, where
// groups and requesters are known; it does not stop the start.
func TestAnUnreachableQuorumIsNoMistake(t *testing.T) {
	p := parse(t, least+"approvals: [{up_to: 100, need: 3}]\n")
	_, err := p.Quorum(t.Context(), newOffice(), rules.Person{}, 3)
	assert.True(t, errors.As(err, new(rules.ErrUnreachableQuorum)), "got %v", err)
}

// Any bytes are mistakes, or a policy that can be written again and means the
// same, and that keeps what the table promises.
func FuzzParse(f *testing.F) {
	f.Add([]byte(rules.Sample))
	f.Add(parseSeed(rules.Sample))
	for _, tt := range bad {
		f.Add([]byte(tt.text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := rules.Parse(text)
		if err != nil {
			var all rules.Mistakes
			require.ErrorAs(t, err, &all)
			require.NotEmpty(t, all)
			require.Nil(t, p)
			return
		}
		again, err := rules.Parse(p.Canonical())
		require.NoError(t, err, "of %s", p.Canonical())
		require.Equal(t, p.Hash(), again.Hash())
		require.Equal(t, string(p.Canonical()), string(again.Canonical()))
		require.NotEmpty(t, p.Channels)
		require.NotEmpty(t, p.AuditChannel())
		require.NotEmpty(t, p.Readers)
		require.NotEmpty(t, p.Requesters)
		require.NotEmpty(t, p.Approvers)
		need, ok := p.Need(1)
		require.True(t, ok && need >= 1, "one user needs %d approvals", need)
		require.LessOrEqual(t, p.Cap(), 5000)
		require.Positive(t, p.ExpiresAfter)
	})
}

// parseSeed is a policy in its canonical form.
func parseSeed(text string) []byte {
	p, err := rules.Parse([]byte(text))
	if err != nil {
		return []byte(text)
	}
	return p.Canonical()
}
