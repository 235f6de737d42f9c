// Package approvals keeps destructive plans until a second person decides.
//
// A [Plan] names the exact users and the exact change; only [NewPlan] makes
// one. [Book.Hold] stores it as a [Pending]; [Book.Decide] takes one [Decision]
// about it; an executor claims, renews and finishes it through a [Run]. What
// was approved is what runs: plan and approvals are bound by
// [Plan.Fingerprint], and record and payload carry seals that Redis cannot
// make.
//
// # The rules
//
// The person who asked never approves. One no ends the matter. A person counts
// once. When the deadline has come, nothing is approved any more, and a
// timeout never approves. Only one plan runs at a time. Terminal states never
// change. Every call is idempotent by its operation id: repeated after a lost
// answer, it returns what the first one did. Rights are judged by the caller
// with package rules; state, people and time are judged here, in Lua, by
// Redis' own clock.
//
// # What is stored in Redis
//
// All keys of an installation share one hash tag, so that one script changes
// record, index and log together, on a single node, Sentinel or Cluster.
//
//	countersign:{TENANT}:r:<id>   hash    the request: private type record
//	countersign:{TENANT}:p:<id>   string  the plan, AES-256-GCM, id as associated data
//	countersign:{TENANT}:c:<id>   hash    the ledger: chunk => sent|… or done|…; o:chunk, b:chunk => encrypted outcomes, and those before the write
//	countersign:{TENANT}:u:<id>   set     ids of the users it holds, while it is open
//	countersign:{TENANT}:due      zset    id => next moment (ms) somebody must look
//	countersign:{TENANT}:log      stream  the events in order, <seq>-0: the outbox
//	countersign:{TENANT}:seq      string  number of the last event
//	countersign:{TENANT}:posted   hash    seq and hash of the last entry that is in the channel
//	countersign:{TENANT}:sealed   hash    seq => entry, sealed and not yet known to be posted
//	countersign:{TENANT}:poster   string  who posts at present; expires
//	countersign:{TENANT}:held     hash    user id => id of the open request that holds it
//	countersign:{TENANT}:open     hash    id => requester, of every open request
//	countersign:{TENANT}:all      zset    id => created (ms)
//	countersign:{TENANT}:running  string  id of the plan that runs
//	countersign:{TENANT}:dirty    set     ids of requests whose card is older than their record
//	countersign:{TENANT}:policy   string  hash of the newest policy
//	countersign:{TENANT}:version  string  the newest version of the bot
//	countersign:{TENANT}:freeze   hash    by and at, while everything stands still
//	countersign:{TENANT}:thawed   string  when a freeze last ended (ms)
//	countersign:{TENANT}:still-shown  string  1 while cards may say that everything stands still
//	countersign:{TENANT}:signer   string  the public key that the trail is sealed with now
//	countersign:{TENANT}:asked    hash    op => a command being worked on
//	countersign:{TENANT}:askedat  zset    op => last sign of life (ms)
//	countersign:{TENANT}:probe    string  written to see whether a replica has everything before it
//	countersign:{TENANT}:op:<op>  string  a mark that an operation was seen; expires
//	countersign:{TENANT}:login:<key>  string  what came of credentials that were shown to Qualys
//
// Records, payloads and ledgers get an expiry only when their request has
// ended, counted anew once its card shows so: an evicting Redis therefore never
// picks an open one, nothing is gone that is still to be posted, and the deadline
// in the record, compared with Redis' TIME, is the only truth about expiry.
//
// # What Redis must let the bot do
//
// A user of Redis for the bot alone needs these commands, on these keys:
//
//	ACL SETUSER countersign on >PASSWORD resetkeys ~countersign:* resetchannels -@all
//	 +del +eval +evalsha +exists +get +hdel +hexists +hget +hgetall +hkeys +hlen +hset +hsetnx +hvals
//	 +incr +info +pexpire +ping +sadd +select +set +smembers +srem +time +wait
//	 +xadd +xrange +xtrim +zadd +zrangebyscore +zrem +zrevrange
//
// On a cluster also +cluster|slots and +command.
//
// # The record
//
// Numbers are decimal strings, times are milliseconds since 1970. a:<person>
// holds an approval as round|at|mac|enterprise|op, o:<op> the answer an
// operation was given, n:<name> a count of users, counted what was counted when
// the request was left to people. Every withdrawal and every review raises
// round; what was approved in a round below floor counts no more.
//
// mac seals what was asked, of whom and until when; verb, users, filter and
// reason are judged by the plan. A record that holds what no script writes is as good as
// forged: it is decided and run no more, and the script that finds it due leaves
// it to people, once. Fields that a newer version adds are passed over and stay.
package approvals
