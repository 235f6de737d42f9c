package approvals

// The scripts about the log and the commands being worked on. Each names its
// own keys.

// note writes an event that belongs to no request. KEYS: op mark, log, seq.
// ARGV: milliseconds the mark is kept, then the names and values of the event.
var note = newProgram(`
if redis.call('EXISTS', KEYS[1]) == 1 then return redis.call('GET', KEYS[1]) end
local t = redis.call('TIME')
local n = string.format('%.0f', redis.call('INCR', KEYS[3]))
redis.call('SET', KEYS[1], n, 'PX', ARGV[1])
local args = {'XADD', KEYS[2], n .. '-0', 'at', string.format('%.0f', t[1] * 1000 + math.floor(t[2] / 1000))}
for i = 2, #ARGV do args[#args + 1] = ARGV[i] end
redis.call(unpack(args))
return n`)

// leasePoster: KEYS: poster. ARGV: owner, milliseconds.
var leasePoster = newProgram(`
local owner = redis.call('GET', KEYS[1])
if owner and owner ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1`)

// sealEntry: KEYS: poster, sealed. ARGV: owner, seq, sealed entry.
var sealEntry = newProgram(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {'FENCED', ''} end
redis.call('HSETNX', KEYS[2], ARGV[2], ARGV[3])
return {'OK', redis.call('HGET', KEYS[2], ARGV[2])}`)

// entryPosted: KEYS: poster, sealed, posted, log, seq. ARGV: owner, seq, hash,
// oldest event to keep. A number that the log never gave is one that Redis forgot:
// it was set back since the entry was posted.
var entryPosted = newProgram(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {'FENCED', ''} end
local before = tonumber(redis.call('HGET', KEYS[3], 'seq') or '0')
if before >= tonumber(ARGV[2]) then return {'OK', ''} end
if tonumber(ARGV[2]) > tonumber(redis.call('GET', KEYS[5]) or '0') then return {'FENCED', ''} end
redis.call('HSET', KEYS[3], 'seq', ARGV[2], 'hash', ARGV[3])
redis.call('HDEL', KEYS[2], ARGV[2])
redis.call('XTRIM', KEYS[4], 'MINID', ARGV[4])
return {'OK', ''}`)

// ask: KEYS: op mark, asked, askedat. ARGV: op, milliseconds, the command, a
// word that names this one call, so that its repetition is not a second command.
var ask = newProgram(`
local known = redis.call('GET', KEYS[1])
if known then return known == ARGV[4] and 1 or 0 end
local t = redis.call('TIME')
redis.call('SET', KEYS[1], ARGV[4], 'PX', ARGV[2])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[3])
redis.call('ZADD', KEYS[3], string.format('%.0f', t[1] * 1000 + math.floor(t[2] / 1000)), ARGV[1])
return 1`)

// stillAsked: KEYS: askedat. ARGV: op.
var stillAsked = newProgram(`
local t = redis.call('TIME')
redis.call('ZADD', KEYS[1], 'XX', string.format('%.0f', t[1] * 1000 + math.floor(t[2] / 1000)), ARGV[1])
return 1`)

// answered: KEYS: asked, askedat. ARGV: op.
var answered = newProgram(`
redis.call('HDEL', KEYS[1], ARGV[1])
return redis.call('ZREM', KEYS[2], ARGV[1])`)

// abandoned lists the commands that nobody was heard of over for so long, and
// notes that the caller now was. KEYS: asked, askedat. ARGV: milliseconds of silence.
var abandoned = newProgram(`
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local out = {}
for _, op in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', string.format('%.0f', now - ARGV[1]))) do
  local command = redis.call('HGET', KEYS[1], op)
  if command then
    out[#out + 1], out[#out + 2] = op, command
    redis.call('ZADD', KEYS[2], string.format('%.0f', now), op)
  else
    redis.call('ZREM', KEYS[2], op)
  end
end
return out`)

// freezing turns the switch. KEYS: freeze, op mark, log, seq, thawed. ARGV: on or off,
// by, milliseconds the mark is kept, policy hash. It answers who froze, and
// whether anything changed; who may turn it is judged by the caller.
var freezing = newProgram(`
local by = redis.call('HGET', KEYS[1], 'by')
if redis.call('EXISTS', KEYS[2]) == 1 then return {'OK', by or ''} end
if ARGV[1] == 'on' and by then return {'ALREADY', by} end
if ARGV[1] == 'off' and not by then return {'ALREADY', ''} end
local t = redis.call('TIME')
local now = string.format('%.0f', t[1] * 1000 + math.floor(t[2] / 1000))
local kind = 'frozen'
if ARGV[1] == 'on' then
  redis.call('HSET', KEYS[1], 'by', ARGV[2], 'at', now)
else
  kind = 'unfrozen'
  redis.call('DEL', KEYS[1])
  redis.call('SET', KEYS[5], now)
end
local n = string.format('%.0f', redis.call('INCR', KEYS[4]))
redis.call('SET', KEYS[2], n, 'PX', ARGV[3])
redis.call('XADD', KEYS[3], n .. '-0', 'at', now, 'kind', kind, 'by', ARGV[2], 'policy', ARGV[4])
return {'OK', by or ARGV[2]}`)
