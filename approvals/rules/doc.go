// Package rules says who may do what: people, the policy, and judgement.
//
// It is pure. It opens no connection and keeps nothing; what Slack knows about
// people comes in through a [Directory], which package slack implements. State
// (who has already approved, what is open) is not its business either: package
// approvals keeps that, and asks here before it writes.
//
// Begin with [Parse], which reads policy.yaml. Then ask: [Policy.MayRead],
// [Policy.MayRequest], [Policy.MayApprove]. Nil means yes; anything else is a
// no, and errors.Is or errors.As tells which: [ErrOwnRequest], [ErrSamePerson],
// [ErrNotApprover], [ErrNotRequester], [ErrNotReader], [ErrNoRole],
// [ErrOutsider], [ErrUnreachableQuorum], [ErrLookUp]. They are facts; sentences
// for people are made in commands.
//
// # The rules
//
// There are three roles: reader, requester, approver. A person holds a role when
// the policy names their id, or a user group that has them as a member. No role
// contains another: a requester who should also read is listed as a reader.
// Nobody holds a role by default, and an empty role is no policy.
//
// People are known by id and nothing else. A name is for display; an e-mail
// address never makes two accounts one person in order to allow something. It
// only ever refuses: an approver with the requester's address is the requester.
//
// The requester never approves, whatever their roles. Accounts are one human
// when they are the same account, carry the same id of an Enterprise
// organisation, stand in one list under same_person, or share an address. One
// human counts once in a quorum ([Policy.Distinct]).
//
// Deactivated people, bots, guests and strangers hold no role, even when the
// policy names them.
//
// Who cannot be looked up is refused, with the cause ([ErrLookUp]). "I could not
// find out" is never a yes.
//
// # The policy
//
// policy.yaml is read strictly: a key that is unknown, of the wrong type, out of
// range or without effect is a mistake, and all mistakes are reported together,
// each with its line ([Mistakes]). [Sample] shows every key with its default.
// [Policy.Hash] is over the meaning: comments, layout, the order of names and
// a default spelled out do not change it.
//
//	channels              []   C… or G…, where commands work; mandatory
//	audit_channel         ""   where the trail is; mandatory with two or more channels
//	checkpoint_channel    ""   where a signed head is posted every day
//	readers               []   U…, W… or S…; mandatory
//	requesters            []   the same
//	approvers             []   the same
//	approvals             []   rows {up_to, need}, ascending; the last is the cap
//	max_percent           20   1 to 100
//	type_to_confirm_above 10   0 or more
//	expires_after         4h   1s to 24h
//	cool_down             30s  0s to 1h
//	protected             {}   usernames, companies, tags
//	max_open              100  1 or more
//	retention             720h at least expires_after and cool_down together
//	files                 private_channels_only, or any_channel
//	same_person           []   lists of ids that are one human
//	policy_changes        announce, or two_people
//	new_approvers_wait    0s   needs a group among the approvers
package rules
