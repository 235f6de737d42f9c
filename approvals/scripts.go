package approvals

import "github.com/redis/go-redis/v9"

// prelude starts every script about a request. KEYS and the first four
// arguments are always the same: id, policy hash, operation id, retention in
// milliseconds. Time comes from Redis alone. All checks come before all writes:
// Lua has no rollback. Lists are looped over, never unpacked; numbers are
// written through ms, since Lua would round and reformat them.
const prelude = `
local record, payload, ledger, users = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local due, log, seq, posted, held = KEYS[5], KEYS[6], KEYS[7], KEYS[8], KEYS[9]
local open, all, running, dirty, policy = KEYS[10], KEYS[11], KEYS[12], KEYS[13], KEYS[14]
local freeze = KEYS[16]
local id, hash, op, retention = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local function ms(n) return string.format('%.0f', n) end
local function get(field) return redis.call('HGET', record, field) or '' end
local function set(...) redis.call('HSET', record, ...) end
local function answer(code, more)
  local out = {code, more or ''}
  for _, v in ipairs(redis.call('HGETALL', record)) do out[#out + 1] = v end
  return out
end
local function changed()
  redis.call('HINCRBY', record, 'version', 1)
  redis.call('SADD', dirty, id)
end
local function event(kind, by, counts, file)
  local n = redis.call('INCR', seq)
  redis.call('XADD', log, ms(n) .. '-0', 'kind', kind, 'request', id, 'by', by, 'at', ms(now),
    'fp', get('fp'), 'policy', hash, 'counts', counts or '', 'file', file or '',
    'verb', get('verb'), 'users', get('users'), 'asked', get('by'), 'need', get('need'),
    'have', get('have'), 'starts', get('starts'), 'deadline', get('deadline'), 'state', get('state'),
    'why', get('cause'), 'reason', kind == 'requested' and get('reason') or get('why'), 'filter', get('filter'))
  return n
end
local function free()
  if redis.call('GET', running) == id then redis.call('DEL', running) end
end
local function over(state, kind, by, why, cause, counts, file)
  set('state', state, 'ended', ms(now), 'ended_by', by, 'why', why, 'cause', cause, 'lease', '0')
  for _, u in ipairs(redis.call('SMEMBERS', users)) do
    if redis.call('HGET', held, u) == id then redis.call('HDEL', held, u) end
  end
  redis.call('DEL', users)
  redis.call('HDEL', open, id)
  redis.call('ZREM', due, id)
  free()
  changed()
  event(kind, by, counts, file)
  redis.call('PEXPIRE', record, retention)
  redis.call('PEXPIRE', payload, retention)
  redis.call('PEXPIRE', ledger, retention)
end
`

// A program is a script, with the text that it is.
type program struct {
	text string
	*redis.Script
}

func newProgram(text string) *program { return &program{text, redis.NewScript(text)} }

func script(body string) *program { return newProgram(prelude + body) }

// hold: by, enterprise, verb, fingerprint, users, need, channel, reason,
// deadline, cool-down, mac, sha of the CSV, payload, max open, max of one
// person, chunks, filter, then the user ids.
var hold = script(`
if redis.call('EXISTS', record) == 1 then
  if get('op') == op then return answer('OK') end
  return {'COLLISION', ''}
end
if redis.call('HLEN', open) >= tonumber(ARGV[18]) then return {'FULL', ''} end
local mine = 0
for _, who in ipairs(redis.call('HVALS', open)) do
  if who == ARGV[5] then mine = mine + 1 end
end
if mine >= tonumber(ARGV[19]) then return {'YOURS', ''} end
for i = 22, #ARGV do
  local other = redis.call('HGET', held, ARGV[i])
  if other then return {'OVERLAP', other .. ' ' .. ARGV[i]} end
end
set('state', 'PENDING', 'version', '1', 'op', op, 'by', ARGV[5], 'enterprise', ARGV[6], 'verb', ARGV[7],
  'fp', ARGV[8], 'users', ARGV[9], 'need', ARGV[10], 'channel', ARGV[11], 'reason', ARGV[12],
  'created', ms(now), 'deadline', ARGV[13], 'cool_down', ARGV[14], 'mac', ARGV[15], 'plan_sha', ARGV[16],
  'policy', hash, 'chunks', ARGV[20], 'filter', ARGV[21], 'round', '0', 'have', '0', 'epoch', '0', 'lease', '0', 'chunk', '0')
redis.call('SET', payload, ARGV[17])
for i = 22, #ARGV do
  redis.call('HSET', held, ARGV[i], id)
  redis.call('SADD', users, ARGV[i])
end
redis.call('HSET', open, id, ARGV[5])
redis.call('ZADD', all, ms(now), id)
redis.call('ZADD', due, ARGV[13], id)
redis.call('SADD', dirty, id)
event('requested', ARGV[5], '', ARGV[16])
return answer('OK')`)

// expire ends a request whose time is up, or whose plan is gone, and says
// whether it did. decide calls it first, so that expiry wins ties.
const expired = `
local function expire()
  local state = get('state')
  local gone = redis.call('EXISTS', payload) == 0
  if state == 'PENDING' and (gone or now >= tonumber(get('deadline'))) or state == 'APPROVED' and gone then
    over('EXPIRED', 'expired', '', '', gone and 'payload-gone' or 'deadline')
    return true
  end
  return false
end
`

// decide: by, enterprise, yes or no, 12 digits of the fingerprint, mac of the
// approval, mac of the record it was judged on, round, reason.
//
// A request that needs review takes a yes only while somebody resumes it, and
// no no: it is closed instead.
var decide = script(expired + approvalOf + `
local state = get('state')
if state == '' then return {'NONE', ''} end
local known = get('o:' .. op)
if known ~= '' then return answer(known) end
local yes, person = ARGV[7] == 'yes', ARGV[5]
local resuming = yes and state == 'NEEDS_REVIEW' and get('resuming') == '1'
if get('mac') ~= ARGV[10] then return answer('FORGED') end
if string.sub(get('fp'), 1, 12) ~= ARGV[8] then return answer('FINGERPRINT') end
if state ~= 'PENDING' and state ~= 'APPROVED' and not resuming then return answer('OVER') end
if person == get('by') then return answer('OWN') end
if get('ready') ~= '1' then return answer('NOTREADY') end
if yes and counts(person) then return answer('ALREADY') end
if expire() then return answer('EXPIRED') end
if yes and state == 'APPROVED' then return answer('OVER') end
if get('round') ~= ARGV[11] then return answer('ROUND') end
set('o:' .. op, 'OK')
if not yes then
  over('REJECTED', 'rejected', person, ARGV[12], '')
  return answer('OK')
end
approve(person, ARGV[9], ARGV[6])
return answer('OK')`)

// approvalOf counts an approval when it was given since the last review, and
// writes one down. The approval that completes the quorum lets the request
// start after its cool-down, or go on at once where it was resumed.
const approvalOf = `
local function counts(person)
  local round = string.match(get('a:' .. person), '^(%d+)|')
  return round and tonumber(round) >= tonumber(get('floor') ~= '' and get('floor') or '0')
end
local function approve(person, mac, enterprise)
  set('a:' .. person, get('round') .. '|' .. ms(now) .. '|' .. mac .. '|' .. enterprise .. '|' .. op)
  local have = redis.call('HINCRBY', record, 'have', 1)
  local resumed = get('state') == 'NEEDS_REVIEW'
  if have >= tonumber(get('need')) then
    if resumed then
      set('state', 'RUNNING', 'resuming', '', 'cause', '', 'lease', '0', 'stop', '')
      redis.call('ZADD', due, ms(now), id)
    else
      set('state', 'APPROVED', 'starts', ms(now + get('cool_down')))
      redis.call('ZADD', due, ms(now + get('cool_down')), id)
    end
  end
  changed()
  local kind = 'approved'
  if resumed and have >= tonumber(get('need')) then kind = 'resumed' end
  set('approved_seq', ms(event(kind, person)))
end
`

// resume: by, enterprise, mac of the approval, mac of the record, round. Who
// resumes is the first to approve anew.
var resume = script(approvalOf + `
local state = get('state')
if state == '' then return {'NONE', ''} end
local known = get('o:' .. op)
if known ~= '' then return answer(known) end
if get('mac') ~= ARGV[8] then return answer('FORGED') end
if ARGV[5] == get('by') then return answer('OWN') end
if state ~= 'NEEDS_REVIEW' then return answer('OVER') end
if redis.call('EXISTS', payload) == 0 then return answer('GONE') end
if counts(ARGV[5]) then return answer('ALREADY') end
if get('round') ~= ARGV[9] then return answer('ROUND') end
set('o:' .. op, 'OK', 'resuming', '1')
approve(ARGV[5], ARGV[7], ARGV[6])
return answer('OK')`)

// withdraw: by. It raises the round, so that the withdrawn approval can never
// be put back.
var withdraw = script(expired + approvalOf + `
local state = get('state')
if state == '' then return {'NONE', ''} end
local known = get('o:' .. op)
if known ~= '' then return answer(known) end
if state ~= 'PENDING' and state ~= 'APPROVED' then return answer('OVER') end
if not counts(ARGV[5]) then return answer('NOTYOURS') end
if expire() then return answer('EXPIRED') end
set('o:' .. op, 'OK')
redis.call('HDEL', record, 'a:' .. ARGV[5])
redis.call('HINCRBY', record, 'round', 1)
local have = redis.call('HINCRBY', record, 'have', -1)
if state == 'APPROVED' and have < tonumber(get('need')) then
  set('state', 'PENDING', 'starts', '')
  redis.call('ZADD', due, get('deadline'), id)
end
changed()
event('withdrawn', ARGV[5])
return answer('OK')`)

// stop: by. The run's owner sees it before its next chunk.
var stop = script(`
local state = get('state')
if state == '' then return {'NONE', ''} end
local known = get('o:' .. op)
if known ~= '' then return answer(known) end
if state ~= 'RUNNING' then return answer('OVER') end
set('o:' .. op, 'OK')
if get('stop') == '' then
  set('stop', ARGV[5])
  changed()
end
return answer('OK')`)

// cancel: by.
var cancel = script(expired + `
local state = get('state')
if state == '' then return {'NONE', ''} end
local known = get('o:' .. op)
if known ~= '' then return answer(known) end
if get('by') ~= ARGV[5] then return answer('NOTYOURS') end
if state ~= 'PENDING' and state ~= 'APPROVED' then return answer('OVER') end
if expire() then return answer('EXPIRED') end
set('o:' .. op, 'OK')
over('CANCELLED', 'cancelled', ARGV[5], '', '')
return answer('OK')`)

// closeIt: by, reason.
var closeIt = script(`
local state = get('state')
if state == '' then return {'NONE', ''} end
local known = get('o:' .. op)
if known ~= '' then return answer(known) end
if state ~= 'NEEDS_REVIEW' then return answer('OVER') end
set('o:' .. op, 'OK')
over('CLOSED', 'closed', ARGV[5], ARGV[6], get('cause'), get('counted'))
return answer('OK')`)

// expireNow has no arguments of its own.
var expireNow = script(expired + `
if get('state') == '' then
  redis.call('ZREM', due, id)
  return {'NONE', ''}
end
if expire() then return answer('EXPIRED') end
if get('state') == 'PENDING' then redis.call('ZADD', due, 'XX', get('deadline'), id) end
return answer('WAIT')`)

// reviewing leaves a request to people. Its users stay held, and what was
// approved before counts no more.
const reviewing = `
local function leave(cause, counts)
  local round = redis.call('HINCRBY', record, 'round', 1)
  set('state', 'NEEDS_REVIEW', 'cause', cause, 'lease', '0', 'counted', counts, 'floor', ms(round), 'have', '0', 'stop', '')
  redis.call('ZREM', due, id)
  free()
  changed()
  event('review', '', counts)
end
`

// review: cause, epoch (empty before the run), counts.
var review = script(reviewing + `
local state = get('state')
if state == 'NEEDS_REVIEW' and get('cause') == ARGV[5] and get('epoch') == (ARGV[6] == '' and get('epoch') or ARGV[6]) then
  return answer('OK')
end
if ARGV[6] == '' then
  if state ~= 'APPROVED' then return answer('OVER') end
elseif state ~= 'RUNNING' or get('epoch') ~= ARGV[6] or tonumber(get('lease')) <= now then
  return answer('FENCED')
end
leave(ARGV[5], ARGV[7])
return answer('OK')`)

// claim: owner, lease, the longest a freeze may hold a run up, in milliseconds. An owner names one attempt, so that a
// claim whose answer was lost is the same claim again.
var claim = script(`
local state = get('state')
if state ~= 'APPROVED' and state ~= 'RUNNING' then
  if state ~= 'PENDING' then redis.call('ZREM', due, id) end -- withdrawn meanwhile: its deadline stays due
  return {'OVER', state}
end
if tonumber(get('lease')) > now then
  return answer(get('owner') == ARGV[5] and 'OK' or 'HELD')
end
if state == 'APPROVED' and now < tonumber(get('starts')) then return answer('WAIT') end
if state == 'APPROVED' and redis.call('EXISTS', payload) == 0 then return answer('GONE') end
if (redis.call('GET', policy) or '') ~= hash then return answer('POLICY') end
if tonumber(redis.call('HGET', posted, 'seq') or '0') < tonumber(get('approved_seq')) then return answer('TRAIL') end
local other = redis.call('GET', running)
if other and other ~= id then return answer('BUSY') end
local since = redis.call('HGET', freeze, 'at')
if since then
  if state == 'APPROVED' and now >= tonumber(get('deadline')) then
    over('EXPIRED', 'expired', '', '', 'frozen')
    return {'OVER', 'EXPIRED'}
  end
  if state == 'APPROVED' or now - since < tonumber(ARGV[7]) then return answer('FROZEN') end
end
redis.call('HINCRBY', record, 'epoch', 1)
set('state', 'RUNNING', 'owner', ARGV[5], 'lease', ms(now + ARGV[6]), 'unreplicated', '')
redis.call('SET', running, id)
redis.call('ZADD', due, ms(now + ARGV[6]), id)
changed()
if get('started') == '' then
  set('started', ms(now))
  event('started', '')
end
return answer('OK')`)

// fence refuses whoever is no longer the owner: epoch, lease in milliseconds.
// It renews the lease of whoever is.
const fence = `
if get('state') ~= 'RUNNING' or get('epoch') ~= ARGV[5] or tonumber(get('lease')) <= now then
  return {'FENCED', ''}
end
local function renew()
  set('lease', ms(now + ARGV[6]))
  redis.call('ZADD', due, ms(now + ARGV[6]), id)
end
`

var renew = script(fence + `
renew()
if get('stop') ~= '' then return {'STOP', get('stop')} end
local since = redis.call('HGET', freeze, 'at')
if since then return {'FROZEN', ms(now - since)} end
return {'OK', ''}`)

// markSent: epoch, lease, chunk, try. It answers what the ledger said before.
var markSent = script(fence + `
local before = redis.call('HGET', ledger, ARGV[7]) or ''
if string.sub(before, 1, 4) == 'done' then return {'DONE', before} end
if get('stop') ~= '' then return {'STOP', get('stop')} end
if redis.call('EXISTS', freeze) == 1 then return {'FROZEN', ''} end
renew()
local mark = 'sent|' .. ARGV[5] .. '|' .. ARGV[8] .. '|'
if string.sub(before, 1, #mark) ~= mark then redis.call('HSET', ledger, ARGV[7], mark .. ms(now)) end
return {'OK', before}`)

// markDone: epoch, lease, chunk, outcomes, then names and numbers of counts.
var markDone = script(fence + `
local before = redis.call('HGET', ledger, ARGV[7]) or ''
if string.sub(before, 1, 4) == 'done' then return {'OK', ''} end
renew()
redis.call('HSET', ledger, ARGV[7], 'done|' .. ARGV[5] .. '|' .. ms(now), 'o:' .. ARGV[7], ARGV[8])
redis.call('HINCRBY', record, 'chunk', 1)
for i = 9, #ARGV, 2 do redis.call('HINCRBY', record, 'n:' .. ARGV[i], ARGV[i + 1]) end
changed()
return {'OK', ''}`)

// unsent: epoch, lease, chunk, try. It takes a mark back: the call was turned
// away, so nothing was done. What an earlier try may have done still stands.
var unsent = script(fence + `
local before = redis.call('HGET', ledger, ARGV[7]) or ''
local mark = 'sent|' .. ARGV[5] .. '|' .. ARGV[8] .. '|'
if string.sub(before, 1, #mark) == mark then
  if ARGV[8] == '1' then
    redis.call('HDEL', ledger, ARGV[7])
  else
    redis.call('HSET', ledger, ARGV[7], 'sent|' .. ARGV[5] .. '|' .. ms(ARGV[8] - 1) .. '|' .. string.sub(before, #mark + 1))
  end
end
return {'OK', ''}`)

// finish: epoch, lease, state, kind, cause, counts, sha of the result's CSV.
var finish = script(`
if get('epoch') == ARGV[5] and get('state') == ARGV[7] then return answer('OK') end
` + fence + `
set('result_sha', ARGV[11])
over(ARGV[7], ARGV[8], get('stop'), '', ARGV[9], ARGV[10], ARGV[11])
return answer('OK')`)

// release: epoch, lease, milliseconds until somebody may look again.
var release = script(fence + `
set('lease', '0')
redis.call('ZADD', due, ms(now + ARGV[7]), id)
return {'OK', ''}`)

// unreplicated has no arguments of its own.
var unreplicated = script(`
local state = get('state')
if (state == 'PENDING' or state == 'APPROVED' or state == 'RUNNING' or state == 'NEEDS_REVIEW') and get('unreplicated') ~= '1' then
  set('unreplicated', '1')
  changed()
end
return answer('OK')`)

// unclaimed: milliseconds until somebody should look again at a request that
// was not claimed, because no replica of Redis could be shown to have it.
var unclaimed = script(reviewing + `
local state, late = get('state'), now >= tonumber(get('deadline') ~= '' and get('deadline') or '0')
if state == 'APPROVED' and late then
  over('EXPIRED', 'expired', '', '', 'unreplicated')
elseif state == 'RUNNING' and late and tonumber(get('lease')) <= now then
  leave('unreplicated', '')
else
  redis.call('ZADD', due, 'XX', ms(now + ARGV[5]), id)
end
return {'OK', ''}`)

// later: milliseconds until somebody should look again.
var later = script(`
redis.call('ZADD', due, 'XX', ms(now + ARGV[5]), id)
return {'OK', ''}`)

// setCard: poster's key is KEYS[15]; owner, then names and values of fields.
const poster = `
if redis.call('GET', KEYS[15]) ~= ARGV[5] then return {'FENCED', ''} end
if redis.call('EXISTS', record) == 0 then
  redis.call('SREM', dirty, id)
  return {'NONE', ''}
end
`

var setCard = script(poster + `
for i = 6, #ARGV, 2 do set(ARGV[i], ARGV[i + 1]) end
if get('card_shared') == '1' then set('ready', '1') end
return {'OK', ''}`)

// shown: owner, version.
var shown = script(poster + `
set('card_version', ARGV[6])
if get('version') == ARGV[6] then redis.call('SREM', dirty, id) end
return {'OK', ''}`)
