package approvals

import "github.com/redis/go-redis/v9"

// prelude starts every script about a request. KEYS and the first four
// arguments are always the same: id, policy hash, operation id, retention in
// milliseconds. Time comes from Redis alone. All checks come before all writes:
// Lua has no rollback. Lists are looped over, never unpacked; numbers are
// written through ms, since Lua would round and reformat them.
//
// A record that somebody wrote by hand may hold anything, so nothing here may
// fail on what it holds: broken says whether a field that is counted with is no
// whole number, and add counts on all the same.
const prelude = `
local record, payload, ledger, users = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local due, log, seq, posted, held = KEYS[5], KEYS[6], KEYS[7], KEYS[8], KEYS[9]
local open, all, running, dirty, policy = KEYS[10], KEYS[11], KEYS[12], KEYS[13], KEYS[14]
local freeze, thawed = KEYS[16], KEYS[17]
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
local function whole(v) return v == '0' or #v < 16 and string.match(v, '^[1-9]%d*$') ~= nil end
local function broken()
  for _, f in ipairs({'version', 'round', 'have', 'need', 'epoch', 'lease', 'deadline', 'cool_down'}) do
    if not whole(get(f)) then return true end
  end
  for _, f in ipairs({'starts', 'approved_seq', 'floor'}) do
    if get(f) ~= '' and not whole(get(f)) then return true end
  end
  return false
end
local function num(field) return whole(get(field)) and tonumber(get(field)) or 0 end
local function add(field, n)
  local sum = num(field) + n
  set(field, ms(sum))
  return sum
end
local function changed()
  add('version', 1)
  redis.call('SADD', dirty, id)
end
local function event(kind, by, counts, file, have)
  local n = redis.call('INCR', seq)
  redis.call('XADD', log, ms(n) .. '-0', 'kind', kind, 'request', id, 'by', by, 'at', ms(now),
    'fp', get('fp'), 'policy', hash, 'counts', counts or '', 'file', file or '',
    'verb', get('verb'), 'users', get('users'), 'asked', get('by'), 'need', get('need'),
    'have', have or get('have'), 'starts', get('starts'), 'deadline', get('deadline'), 'state', get('state'),
    'why', get('cause'), 'reason', kind == 'requested' and get('reason') or get('why'), 'filter', get('filter'))
  return n
end
local function frozen()
  local at = redis.call('HGET', freeze, 'at')
  return at and (tonumber(at) or now)
end
-- the deadline of an approved request came while everything stood still: under
-- this freeze, or before the last one ended
local function overdue()
  if get('state') ~= 'APPROVED' or broken() then return false end
  return num('deadline') <= (frozen() and now or tonumber(redis.call('GET', thawed) or '') or 0)
end
-- what was approved in time and could not start for a day does not start any more
local function stale()
  return get('state') == 'APPROVED' and not broken() and now >= num('deadline') + 86400000
end
local function free()
  if redis.call('GET', running) == id then redis.call('DEL', running) end
end
local function release()
  for _, u in ipairs(redis.call('SMEMBERS', users)) do
    if redis.call('HGET', held, u) == id then redis.call('HDEL', held, u) end
  end
  redis.call('DEL', users)
  redis.call('HDEL', open, id)
  redis.call('ZREM', due, id)
  free()
end
local function keep(more)
  for _, key in ipairs({record, payload, ledger}) do redis.call('PEXPIRE', key, ms(retention + more)) end
end
local function over(state, kind, by, why, cause, counts, file)
  set('state', state, 'ended', ms(now), 'ended_by', by, 'why', why, 'cause', cause, 'lease', '0')
  release()
  changed()
  event(kind, by, counts, file)
  keep(2592000000) -- 30 days more, until shown says that the channel has it all
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
// person, chunks, filter, milliseconds until the deadline, by how many Redis'
// clock may differ from what the caller took it for (empty where Redis told
// it), then the user ids.
var hold = script(`
if redis.call('EXISTS', record) == 1 then
  if get('op') == op then return answer('OK') end
  return {'COLLISION', ''}
end
if ARGV[23] ~= '' and math.abs(ARGV[13] - ARGV[22] - now) > tonumber(ARGV[23]) then return {'CLOCK', ms(now)} end
local openNow, mine = redis.call('HLEN', open), 0
if openNow >= tonumber(ARGV[18]) then return {'FULL', ''} end
if openNow >= tonumber(ARGV[19]) then
  for _, who in ipairs(redis.call('HVALS', open)) do
    if who == ARGV[5] then mine = mine + 1 end
  end
  if mine >= tonumber(ARGV[19]) then return {'YOURS', ''} end
end
for i = 24, #ARGV do
  local other = redis.call('HGET', held, ARGV[i])
  if other then return {'OVERLAP', other .. ' ' .. ARGV[i]} end
end
set('state', 'PENDING', 'version', '1', 'op', op, 'by', ARGV[5], 'verb', ARGV[7],
  'fp', ARGV[8], 'users', ARGV[9], 'need', ARGV[10], 'channel', ARGV[11], 'reason', ARGV[12],
  'created', ms(now), 'deadline', ARGV[13], 'cool_down', ARGV[14], 'mac', ARGV[15], 'plan_sha', ARGV[16],
  'policy', hash, 'chunks', ARGV[20], 'filter', ARGV[21], 'round', '0', 'have', '0', 'epoch', '0', 'lease', '0', 'chunk', '0')
if ARGV[6] ~= '' then set('enterprise', ARGV[6]) end
redis.call('SET', payload, ARGV[17])
for i = 24, #ARGV do
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
// whether it did. decide calls it first, so that expiry wins ties. What is
// approved in time waits for its turn past the deadline, but not under a freeze.
const expired = `
local function expire()
  local state = get('state')
  local gone = redis.call('EXISTS', payload) == 0
  if state == 'PENDING' and (gone or now >= tonumber(get('deadline'))) or state == 'APPROVED' and gone then
    over('EXPIRED', 'expired', '', '', gone and 'payload-gone' or 'deadline')
    return true
  end
  if overdue() then
    over('EXPIRED', 'expired', '', '', 'frozen')
    return true
  end
  if stale() then
    over('EXPIRED', 'expired', '', '', 'deadline')
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
if get('mac') ~= ARGV[10] or broken() then return answer('FORGED') end
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
  local have = add('have', 1)
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
if get('mac') ~= ARGV[8] or broken() then return answer('FORGED') end
if ARGV[5] == get('by') then return answer('OWN') end
if state ~= 'NEEDS_REVIEW' then return answer('OVER') end
if get('ready') ~= '1' then return answer('NOTREADY') end
if redis.call('EXISTS', payload) == 0 then return answer('GONE') end
if counts(ARGV[5]) then return answer('ALREADY') end
if get('round') ~= ARGV[9] then return answer('ROUND') end
set('o:' .. op, 'OK', 'resuming', '1')
approve(ARGV[5], ARGV[7], ARGV[6])
return answer('OK')`)

// withdraw: by. It raises the round, so that no approval sealed before, and
// still on its way, is stored after it.
var withdraw = script(expired + approvalOf + `
local state = get('state')
if state == '' then return {'NONE', ''} end
local known = get('o:' .. op)
if known ~= '' then return answer(known) end
if state ~= 'PENDING' and state ~= 'APPROVED' then return answer('OVER') end
if broken() then return answer('FORGED') end
if not counts(ARGV[5]) then return answer('NOTYOURS') end
if expire() then return answer('EXPIRED') end
set('o:' .. op, 'OK')
redis.call('HDEL', record, 'a:' .. ARGV[5])
add('round', 1)
local have = add('have', -1)
if state == 'APPROVED' and have < tonumber(get('need')) then
  set('state', 'PENDING', 'starts', '')
  redis.call('ZADD', due, get('deadline'), id)
end
changed()
event('withdrawn', ARGV[5])
return answer('OK')`)

// stop: by. The run's owner sees it before its next chunk; where it has none,
// the next one is to look at once.
var stop = script(`
local state = get('state')
if state == '' then return {'NONE', ''} end
local known = get('o:' .. op)
if known ~= '' then return answer(known) end
if state ~= 'RUNNING' then return answer('OVER') end
set('o:' .. op, 'OK')
if get('stop') == '' then
  set('stop', ARGV[5])
  if num('lease') <= now then redis.call('ZADD', due, ms(now), id) end
  changed()
end
return answer('OK')`)

// cancel: by. It ends what is broken, too.
var cancel = script(expired + `
local state = get('state')
if state == '' then return {'NONE', ''} end
local known = get('o:' .. op)
if known ~= '' then return answer(known) end
if get('by') ~= ARGV[5] then return answer('NOTYOURS') end
if state ~= 'PENDING' and state ~= 'APPROVED' then return answer('OVER') end
if not broken() and expire() then return answer('EXPIRED') end
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

// expireNow has no arguments of its own. A request whose record is lost while
// it was open is void; one in a state that no script wrote is for people.
var expireNow = script(expired + reviewing + `
local state = get('state')
if state == '' then
  redis.call('ZREM', due, id)
  if redis.call('HEXISTS', open, id) == 1 then
    release()
    event('void', '')
    redis.call('PEXPIRE', payload, retention)
    redis.call('PEXPIRE', ledger, retention)
  end
  return {'NONE', ''}
end
if state == 'PENDING' and broken() then
  over('EXPIRED', 'expired', '', '', 'forged')
  return answer('EXPIRED')
end
if expire() then return answer('EXPIRED') end
if state == 'PENDING' then
  redis.call('ZADD', due, 'XX', get('deadline'), id)
elseif state == 'NEEDS_REVIEW' or redis.call('HEXISTS', open, id) == 0 then
  redis.call('ZREM', due, id)
elseif state ~= 'APPROVED' and state ~= 'RUNNING' then
  leave('forged', '')
end
return answer('WAIT')`)

// reviewing leaves a request to people. Its users stay held, and what was
// approved before counts no more; the event says how much that was. A round that
// is no number becomes one that is higher than any was.
const reviewing = `
local function leave(cause, counts)
  local have = get('have')
  if not whole(get('round')) then set('round', ms(now)) end
  local round = add('round', 1)
  set('state', 'NEEDS_REVIEW', 'cause', cause, 'lease', '0', 'counted', counts, 'floor', ms(round), 'have', '0', 'stop', '')
  redis.call('ZREM', due, id)
  free()
  changed()
  event('review', '', counts, '', have)
end
`

// setCard: poster's key is KEYS[15]; owner, then names and values of fields.
const poster = `
if redis.call('GET', KEYS[15]) ~= ARGV[5] then return {'FENCED', ''} end
if redis.call('EXISTS', record) == 0 then
  redis.call('SREM', dirty, id)
  return {'NONE', ''}
end
`

var setCard = script(poster + `
for i = 6, #ARGV, 2 do
  if ARGV[i + 1] ~= get(ARGV[i]) then set(ARGV[i], ARGV[i + 1]) end
end
if get('card_shared') == '1' then set('ready', '1') end
return {'OK', ''}`)

// shown: owner, version. What ended and is shown so is kept for its retention
// from then on.
var shown = script(poster + `
set('card_version', ARGV[6])
if get('version') == ARGV[6] then
  redis.call('SREM', dirty, id)
  if get('ended') ~= '' then keep(0) end
end
return {'OK', ''}`)
