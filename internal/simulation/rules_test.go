package simulation

import (
	"slices"
	"time"

	"countersign/approvals"
	"countersign/approvals/rules"
	"countersign/execution"
	"countersign/qualys"
)

// What only one script says.
const (
	inDecide = "'ALREADY'"
	inClaim  = "local other = redis.call('GET', running)"
	inSent   = "local mark = 'sent|' .. ARGV[5] .. '|' .. ARGV[8] .. '|'\nif string.sub(before, 1, #mark) ~= mark then"
	inFinish = "set('result_sha', ARGV[11])"
	inSeal   = "redis.call('HSETNX', KEYS[2], ARGV[2], ARGV[3])"
	inPosted = "redis.call('XTRIM', KEYS[4]"
	inClose  = "over('CLOSED'"
	inDoubt  = "if state ~= 'PENDING' and state ~= 'APPROVED' and state ~= 'RUNNING' then return answer('OVER') end"
	inNumber = "local waiting = redis.call('XRANGE'"
	inAsk    = "redis.call('HSET', KEYS[2], ARGV[1], ARGV[3])"
	inLeft   = "'-inf', string.format('%.0f', now - ARGV[1])"
	inForget = "redis.call('HDEL', KEYS[1], ARGV[1])\nreturn redis.call('ZREM', KEYS[2], ARGV[1])"
)

// mutants are the safety rules that are ours, each of them switched off. What
// they guard against is in [faultTable] and [threats].
func mutants() []mutant {
	return slices.Concat(commands(), decisions(), claims(), runs(), seals())
}

// commands are the rules about what people type.
func commands() []mutant {
	return []mutant{
		{
			name: "noted before the work", wrong: "a command is lost with its process",
			lua: []swap{in(inAsk, inAsk, "")},
		}, {
			name: "one answer", wrong: "a command that comes twice is worked on twice",
			lua: []swap{in(inAsk, "if known then return known == ARGV[4] and 1 or 0 end", "")},
		}, {
			name: "told to repeat", wrong: "nobody hears that a command was interrupted",
			lua: []swap{in(inLeft, inLeft, "'-inf', '-inf'")},
		}, {
			name: "told once", wrong: "a person is told again and again",
			lua: []swap{in(inForget, inForget, "return 0")},
		},
	}
}

// decisions are the rules about what people say.
func decisions() []mutant {
	return []mutant{
		{
			name: "atomic approve", wrong: "two decisions rest on the same reading",
			lua: []swap{
				in(inDecide, "if state ~= 'PENDING' and state ~= 'APPROVED' and not resuming then return answer('OVER') end", ""),
				in(inDecide, "if yes and state == 'APPROVED' then return answer('OVER') end", ""),
				in(inDecide, "if expire() then return answer('EXPIRED') end", ""),
			},
		}, {
			name: "deadline", wrong: "something is approved after its time", about: "at the deadline",
			lua: []swap{in(inDecide, "if expire() then return answer('EXPIRED') end", "")},
		}, {
			name: "expiry wins ties", wrong: "something is approved at the deadline", about: "at the deadline",
			lua: []swap{everywhere("now >= tonumber(get('deadline'))) or state", "now > tonumber(get('deadline'))) or state")},
		}, {
			name: "deadline under a freeze", wrong: "something starts late because everything was frozen", about: "a deadline in a freeze",
			lua: []swap{everywhere("local function overdue()", "local function overdue()\n  if true then return false end")},
		}, {
			name: "self-approval", wrong: "who asked approves", about: "approves their own",
			lua: []swap{everywhere("if person == get('by') then return answer('OWN') end", "")},
		}, {
			name: "one person once", wrong: "one person is counted twice",
			lua: []swap{everywhere("if yes and counts(person) then return answer('ALREADY') end", "")},
		}, {
			name: "same answer", wrong: "a click that comes twice is refused the second time",
			lua: []swap{everywhere("if known ~= '' then return answer(known) end", "")},
		}, {
			name: "same command", wrong: "a command that comes twice is refused the second time",
			lua: []swap{everywhere("if get('op') == op then return answer('OK') end", "")},
		}, {
			name: "same freeze", wrong: "a freeze that comes twice is refused the second time", about: "freezes",
			lua: []swap{everywhere("if redis.call('EXISTS', KEYS[2]) == 1 then return {'OK', by or ''} end", "")},
		}, {
			name: "shown first", wrong: "something is approved before anybody can see it",
			lua: []swap{everywhere("if get('ready') ~= '1' then return answer('NOTREADY') end", "")},
		}, {
			name: "button of the plan", wrong: "a forged button approves", about: "presses a forged button",
			lua: []swap{everywhere("if string.sub(get('fp'), 1, 12) ~= ARGV[8] then return answer('FINGERPRINT') end", "")},
		}, {
			name: "withdrawal", wrong: "a plan runs although its quorum is gone", about: "withdraws",
			lua: []swap{everywhere("if state == 'APPROVED' and have < tonumber(get('need')) then", "if false then")},
		}, {
			name: "fresh quorum", wrong: "a review is resumed by fewer than a quorum",
			lua: []swap{everywhere("'floor', ms(round), 'have', '0', ", "")},
		}, {
			name: "due in the same script", wrong: "an approved plan is forgotten",
			lua: []swap{everywhere("redis.call('ZADD', due, ms(now + get('cool_down')), id)", "redis.call('ZREM', due, id)")},
		}, {
			name: "one clock", wrong: "the caller's clock decides",
			lua: []swap{everywhere("local now = t[1] * 1000 +", "local now = 1000 * (string.len(op) % 3) + t[1] * 1000 +")},
		}, {
			name: "overlap", wrong: "two plans hold one user",
			lua: []swap{everywhere("if other then return {'OVERLAP', other .. ' ' .. ARGV[i]} end", "")},
		}, {
			name: "open requests", wrong: "more requests are open than may be", about: "one request may be open",
			lua: []swap{everywhere("if openNow >= tonumber(ARGV[18]) then return {'FULL', ''} end", "")},
		}, {
			name: "open requests of a person", wrong: "one person floods everybody", about: "one request of a person may be open",
			lua: []swap{everywhere("if mine >= tonumber(ARGV[19]) then return {'YOURS', ''} end", "")},
		}, {
			name: "deadline by Redis' clock", wrong: "the clock of whoever asks decides when it expires",
			lua: []swap{everywhere("if ARGV[23] ~= '' and math.abs(ARGV[13] - ARGV[22] - now) > tonumber(ARGV[23]) then return {'CLOCK', ms(now)} end", "")},
		}, {
			name: "deadline in the same script", wrong: "a request that nobody decides is open for ever",
			lua: []swap{everywhere("redis.call('ZADD', due, ARGV[13], id)", "")},
		}, {
			name: "one no", wrong: "a rejected request goes on",
			lua: []swap{in(inDecide, "over('REJECTED', 'rejected', person, ARGV[12], '')", "")},
		}, {
			name: "stored before told", wrong: "a person is told that they approved, and nothing is stored",
			lua: []swap{in(inDecide, "approve(person, ARGV[9], ARGV[6])\nreturn answer('OK')", "return answer('OK')")},
		}, {
			name: "one's own request", wrong: "somebody cancels what they did not ask for", about: "cancels another's",
			lua: []swap{everywhere("if get('by') ~= ARGV[5] then return answer('NOTYOURS') end", "")},
		}, {
			name: "one's own approval", wrong: "somebody withdraws what they never gave", about: "withdraws",
			lua: []swap{everywhere("if not counts(ARGV[5]) then return answer('NOTYOURS') end", "")},
		}, {
			name: "round", wrong: "an approval is stored that was sealed before a withdrawal", about: "withdraws",
			lua: []swap{in(inDecide, "if get('round') ~= ARGV[11] then return answer('ROUND') end", "")},
		}, {
			name: "one's own review", wrong: "who asked resumes", about: "resumes their own",
			lua: []swap{everywhere("if ARGV[5] == get('by') then return answer('OWN') end", "")},
		}, {
			name: "due when resumed", wrong: "a resumed run is forgotten",
			lua: []swap{everywhere("'stop', '')\n      redis.call('ZADD', due, ms(now), id)", "'stop', '')\n      redis.call('ZREM', due, id)")},
		}, {
			name: "closed after a review", wrong: "somebody closes what runs, or waits", about: "closes",
			lua: []swap{in(inClose, "if state ~= 'NEEDS_REVIEW' then return answer('OVER') end", "")},
		},
	}
}

// claims are the rules about what may start.
func claims() []mutant {
	return []mutant{
		{
			name: "deadline stays due", wrong: "a withdrawn request never expires", about: "withdraws at claim.before",
			lua: []swap{in(inClaim, "if state ~= 'PENDING' then redis.call('ZREM', due, id) end", "redis.call('ZREM', due, id)")},
		}, {
			name: "running slot", wrong: "two plans run at once", about: "two requests",
			lua: []swap{in(inClaim, "if other and other ~= id then return answer('BUSY') end", "")},
		}, {
			name: "cool-down", wrong: "nobody has time to think again",
			lua: []swap{
				everywhere("redis.call('ZADD', due, ms(now + get('cool_down')), id)", "redis.call('ZADD', due, ms(now), id)"),
				in(inClaim, "if state == 'APPROVED' and now < tonumber(get('starts')) then return answer('WAIT') end", ""),
			},
		}, {
			name: "plan at the claim", wrong: "a run starts whose plan Redis lost", about: "loses the plan at claim.before",
			lua: []swap{in(inClaim, "if state == 'APPROVED' and redis.call('EXISTS', payload) == 0 then return answer('GONE') end", "")},
		}, {
			name: "policy at the claim", wrong: "a run starts under a policy that is no longer in force", about: "the policy changes",
			lua: []swap{in(inClaim, "if (redis.call('GET', policy) or '') ~= hash then return answer('POLICY') end", "")},
		}, {
			name: "trail at the claim", wrong: "a run starts that nobody can see was approved",
			lua: []swap{in(inClaim, "then return answer('TRAIL') end", "then local _ = 0 end")},
		}, {
			name: "freeze at the claim", wrong: "a run starts while everything is frozen", about: "freezes",
			lua: []swap{in(inClaim, "if since then", "if false then")},
		}, {
			name: "lease at the claim", wrong: "two replicas run one plan",
			lua: []swap{
				in(inClaim, "if tonumber(get('lease')) > now then", "if false then"),
				everywhere("redis.call('ZADD', due, ms(now + ARGV[6]), id)", "redis.call('ZADD', due, ms(now), id)"),
			},
		}, {
			name: "rights at the claim", wrong: "a run starts whose approver has left", about: "leaves",
			rules: []string{"rights-claim"},
		}, {
			name: "look-ups fail closed", wrong: "a run starts although nobody could look people up", about: "slack is down",
			config: func(c *execution.Config) { c.Directory = trusting{c.Directory} },
		}, {
			name: "numbers of the policy", wrong: "a run starts with fewer approvals, or more users, than the policy allows", about: "the policy changes",
			config: lenient(func(p *rules.Policy) { p.Approvals = firstPolicy().Approvals }),
		}, {
			name: "distinct people", wrong: "two accounts of one person are a quorum", about: "UCARLA approves",
			rules: []string{"distinct"},
		}, {
			name: "second account", wrong: "who asked approves with another account", about: "UCARLA approves",
			config: lenient(func(p *rules.Policy) { p.SamePerson = nil }),
		}, {
			name: "channel", wrong: "a run starts in a channel where nobody may ask any more", about: "the policy changes",
			config: lenient(func(p *rules.Policy) { p.Channels = firstPolicy().Channels }),
		}, {
			name: "epoch of a claim", wrong: "two owners are one to Redis",
			lua: []swap{in(inClaim, "add('epoch', 1)", "if num('epoch') == 0 then add('epoch', 1) end")},
		}, {
			name: "rollback", wrong: "a run starts that people ended before Redis forgot", about: rollsBack,
			config: func(c *execution.Config) { c.Entries = nil },
		}, {
			name: "withdrawals in the channel", wrong: "a withdrawn approval counts that somebody put back", about: putsBack,
			config: forgetful(approvals.Withdrawn),
		}, {
			name: "doubt after a setback", wrong: "requests go on of which Redis may have forgotten anything", about: setsBack,
			lua: []swap{in(inDoubt, "leave(ARGV[6], ARGV[7])", "")},
		}, {
			name: "numbers behind the channel", wrong: "a number of the trail is given twice", about: setsBack,
			lua: []swap{in(inNumber, "n = n + 1\nredis.call('XADD'", "n = posted + 1\nredis.call('XADD'")},
		},
	}
}

// runs are the rules of a run.
func runs() []mutant {
	return []mutant{
		{
			name: "freeze at the write", wrong: "a run goes on while everything is frozen", about: "freezes",
			lua: []swap{
				in(inSent, "if redis.call('EXISTS', freeze) == 1 then return {'FROZEN', ''} end", ""),
				everywhere("if since then return {'FROZEN', ms(now - since)} end", ""),
			},
		}, {
			name: "stop", wrong: "a run goes on that a person stopped", about: "stops",
			lua: []swap{everywhere("if get('stop') ~= '' then return {'STOP', get('stop')} end", "")},
		}, {
			name: "epoch", wrong: "a replica that lost its lease writes down results", about: "waits at Sent script",
			lua: []swap{everywhere("or get('epoch') ~= ARGV[5] or tonumber(get('lease')) <= now then\n  return {'FENCED', ''}", "then\n  return {'FENCED', ''}")},
		}, {
			name: "freshness", wrong: "a replica that woke up sends its write", about: "waits at Sent script",
			config: func(c *execution.Config) { c.Fresh = time.Hour },
		}, {
			name: "sent before the call", wrong: "nobody knows that a write may have left",
			lua: []swap{in(inSent, "then redis.call('HSET', ledger, ARGV[7], mark .. ms(now)) end", "then local _ = 0 end")},
		}, {
			name: "done after the call", wrong: "users count as done that nobody wrote",
			lua: []swap{in(inSent, "redis.call('HSET', ledger, ARGV[7], mark .. ms(now))", "redis.call('HSET', ledger, ARGV[7], 'done|' .. ARGV[5] .. '|' .. ms(now))")},
		}, {
			name: "read back", wrong: "a write is repeated blindly",
			rules: []string{"read-back"},
		}, {
			name: "settle time", wrong: "a write still on its way is repeated",
			config: func(c *execution.Config) { c.Settle = func(qualys.Fate) time.Duration { return 0 } },
		}, {
			name: "unsent only on proof", wrong: "a lost answer is taken for a refusal",
			config: lying(turnedAway(qualys.ErrUnknownOutcome)),
		}, {
			name: "one login", wrong: "a login that was refused is tried again", about: "Qualys refuses the login",
			config: lying(turnedAway(qualys.ErrCredentials)),
		}, {
			name: "drift", wrong: "a user is written that changed since people approved", about: "somebody changes a user",
			rules: []string{"drift"},
		}, {
			name: "protected users", wrong: "a user is written that the policy protects by now", about: "the policy changes",
			config: lenient(func(p *rules.Policy) { p.Protect = rules.ProtectedUsers{} }),
		}, {
			name: "failures", wrong: "a run goes on although its canary failed", about: "Qualys says yes and does nothing",
			rules: []string{"failures"},
		}, {
			name: "rights during the run", wrong: "a run goes on whose approver has left", about: "leaves",
			rules: []string{"rights-run"},
		}, {
			name: "fence of a review", wrong: "a replica that lost its lease gives the run up", about: "waits before at Review script; Qualys refuses the login",
			lua: []swap{everywhere("or get('epoch') ~= ARGV[6] or num('lease') <= now then", "then")},
		}, {
			name: "rounds", wrong: "a write that gets lost is repeated for ever", about: "Qualys loses every write",
			lua: []swap{in(inSent, "'|' .. ARGV[8] .. '|'", "'|1|'")},
		}, {
			name: "counted once", wrong: "a chunk counts twice when its answer is lost", about: "Done script: the answer is lost",
			lua: []swap{everywhere("if string.sub(before, 1, 4) == 'done' then return {'OK', ''} end", "")},
		}, {
			name: "counts of the summary", wrong: "the summary calls something by another name", about: "Qualys says yes and does nothing",
			lua: []swap{in(inFinish, "ARGV[9], ARGV[10], ARGV[11])", "ARGV[9], (string.gsub(ARGV[10], 'not%-run', 'skipped')), ARGV[11])")},
		}, {
			name: "every step in the log", wrong: "nobody can see that some requests started",
			lua: []swap{in(inClaim, "event('started', '')", "if get('verb') ~= 'update' then event('started', '') end")},
		}, {
			name: "one summary", wrong: "a run ends twice", about: "waits at finish.before",
			lua: []swap{
				in(inFinish, "if get('epoch') == ARGV[5] and get('state') == ARGV[7] then return answer('OK') end", ""),
				in(inFinish, "if get('state') ~= 'RUNNING' or get('epoch') ~= ARGV[5] or tonumber(get('lease')) <= now then", "if false then"),
			},
		},
	}
}

// seals are the rules about what somebody might write to Redis by hand, and
// about the trail.
func seals() []mutant {
	return []mutant{
		{
			name: "quorum at the claim", wrong: "a run starts with a quorum that only the record's state claims", about: "Mallory claims a quorum",
			rules: []string{"quorum"},
		}, {
			name: "seal of an approval", wrong: "an approval that Redis made up counts", about: "Mallory approves",
			rules: []string{"approval-mac"},
		}, {
			name: "seal of the record", wrong: "a deadline that Redis moved counts", about: "Mallory moves the deadline",
			rules: []string{"record-mac"},
		}, {
			name: "seal of the plan", wrong: "another plan runs than people approved", about: "Mallory swaps the plan",
			rules: []string{"plan-seal"},
		}, {
			name: "sealed once", wrong: "an entry has two hashes",
			lua: []swap{everywhere("redis.call('HSETNX', KEYS[2], ARGV[2], ARGV[3])", "redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])")},
		}, {
			name: "one poster", wrong: "two posters work at once", about: "waits at post.after",
			lua: []swap{
				in(inSeal, "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {'FENCED', ''} end", ""),
				in(inPosted, "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {'FENCED', ''} end", ""),
				in(inPosted, "if before >= tonumber(ARGV[2]) then return {'OK', ''} end", ""),
			},
		},
	}
}
