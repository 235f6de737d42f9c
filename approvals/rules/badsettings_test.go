package rules_test

// badSettings are keys whose value is wrong.
var badSettings = []mistake{
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
		"a checkpoint_channel beside the trail",
		least + "checkpoint_channel: C1\n",
		"line 5: checkpoint_channel is where the trail is: a head beside its own trail proves nothing. Name a channel that others keep, or leave the key out.",
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
