package rules

// Sample is a policy.yaml with every key and its default. [Parse] accepts it;
// the ids must be replaced before it is of use. The program prints it when there
// is no policy file.
const Sample = `# policy.yaml: who may do what, and how carefully.
# Ids only: names can be taken by anybody. bot check turns @handle and #name into ids.
# The file is read when the bot starts. A key that is unknown or does nothing stops the start.

# The channels where commands work. The bot must be a member.
channels: [C012AB3CD]

# Where the trail is kept. One channel needs no answer, two or more do.
# audit_channel: C012AB3CD

# A channel that gets the signed head of the trail once a day. Others should keep it.
# checkpoint_channel: C034EF5GH

# People (U… or W…) and user groups (S…, on paid Slack plans). No role contains
# another: list a person under each role they should have.
readers: [U012AB3CD, U034EF5GH, U056IJ7KL]    # may download, find and count
requesters: [U012AB3CD, U034EF5GH]            # may ask for an update or a delete
approvers: [U034EF5GH, U056IJ7KL]             # may approve what somebody else asked for

# How many approvals a plan needs, by its number of users. The last row is the cap.
approvals:
  - {up_to: 100, need: 1}
#   - {up_to: 500, need: 2}

# A plan may name at most this share of all SAQ users in scope. 10 users are always allowed.
max_percent: 20

# Above this many users the approver types DELETE n or UPDATE n.
type_to_confirm_above: 10

# How long a request waits for approval (1s to 24h).
expires_after: 4h

# How long an approved plan waits before it starts, so that it can be called off (0s to 1h).
cool_down: 30s

# SAQ users that no plan touches. The bot's own account is always among them.
# protected:
#   usernames: [ciso@example.com]
#   companies: ["Example Corp"]
#   tags: ["Do not touch"]

# How many requests may be open at once. One person may have 10.
max_open: 100

# How long plans and outcomes are kept, encrypted, for retry, undo and evidence.
retention: 720h

# CSV files go to private channels that are not shared; any_channel allows others.
files: private_channels_only

# Ids that are one human, who then counts once and never approves their own request.
# same_person:
#   - [U012AB3CD, U078MN9OP]

# announce: a changed policy counts at once, and the channel is told.
# two_people (not in this version): it counts for update and delete after two approvers accepted it.
policy_changes: announce

# How long somebody who joined a group of approvers later must wait. Only 0s in this version.
new_approvers_wait: 0s
`
