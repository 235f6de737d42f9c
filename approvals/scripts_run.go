package approvals

// The scripts that carry a request out.

// review: cause, epoch (empty before the run), counts.
var review = script(reviewing + `
local state = get('state')
if state == 'NEEDS_REVIEW' and get('cause') == ARGV[5] and get('epoch') == (ARGV[6] == '' and get('epoch') or ARGV[6]) then
  return answer('OK')
end
if ARGV[6] == '' then
  if state ~= 'APPROVED' then return answer('OVER') end
elseif state ~= 'RUNNING' or get('epoch') ~= ARGV[6] or num('lease') <= now then
  return answer('FENCED')
end
leave(ARGV[5], ARGV[7])
return answer('OK')`)

// claim: owner, lease, the longest a freeze may hold a run up, in milliseconds.
// An owner names one attempt, so that a claim whose answer was lost is the same
// claim again. A run that a person stopped is claimed in a freeze, too, and while
// another one runs: only to end it. With the record comes the payload.
var claim = script(reviewing + `
local state = get('state')
if state ~= 'APPROVED' and state ~= 'RUNNING' then
  if state ~= 'PENDING' then redis.call('ZREM', due, id) end -- withdrawn meanwhile: its deadline stays due
  return {'OVER', state}
end
if broken() or get('approved_seq') == '' or state == 'APPROVED' and get('starts') == '' then
  leave('forged', '')
  return {'OVER', 'NEEDS_REVIEW'}
end
if tonumber(get('lease')) > now then
  return answer(get('owner') == ARGV[5] and 'OK' or 'HELD')
end
if state == 'APPROVED' and now < tonumber(get('starts')) then return answer('WAIT') end
if state == 'APPROVED' and redis.call('EXISTS', payload) == 0 then return answer('GONE') end
if overdue() or stale() then
  over('EXPIRED', 'expired', '', '', overdue() and 'frozen' or 'deadline')
  return {'OVER', 'EXPIRED'}
end
if (redis.call('GET', policy) or '') ~= hash then return answer('POLICY') end
if (tonumber(redis.call('HGET', posted, 'seq') or '') or 0) < tonumber(get('approved_seq')) then return answer('TRAIL') end
local stopped = state == 'RUNNING' and get('stop') ~= ''
local other = redis.call('GET', running)
if stopped then other = nil end
if other and other ~= id then return answer('BUSY') end
local since = not stopped and frozen()
if since then
  if state == 'APPROVED' or now - since < tonumber(ARGV[7]) then return answer('FROZEN') end
end
add('epoch', 1)
set('state', 'RUNNING', 'owner', ARGV[5], 'lease', ms(now + ARGV[6]), 'unreplicated', '')
if not stopped then redis.call('SET', running, id) end
redis.call('ZADD', due, ms(now + ARGV[6]), id)
changed()
if get('started') == '' and not stopped then
  set('started', ms(now))
  event('started', '')
end
return answer('OK', redis.call('GET', payload) or '')`)

// fence refuses whoever is no longer the owner: epoch, lease in milliseconds.
// It renews the lease of whoever is. Of a broken record nobody is.
const fence = `
if broken() then return {'FENCED', ''} end
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
local since = frozen()
if since then return {'FROZEN', ms(now - since)} end
return {'OK', ''}`)

// markSent: epoch, lease, chunk, try, what is known of users that are not written
// (kept with the first mark). It answers what the ledger said before.
var markSent = script(fence + `
local before = redis.call('HGET', ledger, ARGV[7]) or ''
if string.sub(before, 1, 4) == 'done' then return {'DONE', before} end
if get('stop') ~= '' then return {'STOP', get('stop')} end
if redis.call('EXISTS', freeze) == 1 then return {'FROZEN', ''} end
renew()
local mark = 'sent|' .. ARGV[5] .. '|' .. ARGV[8] .. '|'
if string.sub(before, 1, #mark) ~= mark then redis.call('HSET', ledger, ARGV[7], mark .. ms(now)) end
if before == '' then
  if ARGV[9] ~= '' then redis.call('HSET', ledger, 'b:' .. ARGV[7], ARGV[9]) else redis.call('HDEL', ledger, 'b:' .. ARGV[7]) end
end
return {'OK', before}`)

// markDone: epoch, lease, chunk, outcomes, then names and numbers of counts.
var markDone = script(fence + `
local before = redis.call('HGET', ledger, ARGV[7]) or ''
if string.sub(before, 1, 4) == 'done' then return {'OK', ''} end
renew()
redis.call('HSET', ledger, ARGV[7], 'done|' .. ARGV[5] .. '|' .. ms(now), 'o:' .. ARGV[7], ARGV[8])
add('chunk', 1)
for i = 9, #ARGV, 2 do add('n:' .. ARGV[i], ARGV[i + 1]) end
changed()
return {'OK', ''}`)

// unsent: epoch, lease, chunk, try, and 1 where the chunk was sent before this
// try was counted as the first. It takes a mark back: the call was turned away,
// so nothing was done. What an earlier try may have done still stands.
var unsent = script(fence + `
local before = redis.call('HGET', ledger, ARGV[7]) or ''
local mark = 'sent|' .. ARGV[5] .. '|' .. ARGV[8] .. '|'
if string.sub(before, 1, #mark) == mark then
  if ARGV[8] == '1' and ARGV[9] ~= '1' then
    redis.call('HDEL', ledger, ARGV[7])
  else
    redis.call('HSET', ledger, ARGV[7], 'sent|' .. ARGV[5] .. '|' .. ms(ARGV[8] - 1) .. '|' .. string.sub(before, #mark + 1))
  end
end
return {'OK', ''}`)

// finish: epoch, lease, state, kind, cause, counts, sha of the result's CSV. It
// is its stopper's only where that is its cause.
var finish = script(`
if get('epoch') == ARGV[5] and get('state') == ARGV[7] then return answer('OK') end
` + fence + `
set('result_sha', ARGV[11])
over(ARGV[7], ARGV[8], ARGV[9] == 'stopped' and get('stop') or '', '', ARGV[9], ARGV[10], ARGV[11])
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
// was not claimed, because no replica of Redis could be shown to have it; counts
// of its users, if it ran, and the epoch in which they were counted.
var unclaimed = script(reviewing + `
local state, late = get('state'), now >= num('deadline')
if state == 'APPROVED' and late then
  over('EXPIRED', 'expired', '', '', 'unreplicated')
elseif state == 'RUNNING' and late and num('lease') <= now and get('epoch') == ARGV[7] then
  leave('unreplicated', ARGV[6])
else
  redis.call('ZADD', due, 'XX', ms(now + ARGV[5]), id)
end
return {'OK', ''}`)

// later: milliseconds until somebody should look again.
var later = script(`
redis.call('ZADD', due, 'XX', ms(now + ARGV[5]), id)
return {'OK', ''}`)
