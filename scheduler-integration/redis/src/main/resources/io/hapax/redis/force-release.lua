-- Takes a lease away from its holder, notes who did it, and wakes waiters.
-- KEYS[1] lease   KEYS[2] waiter flag   KEYS[3] meta of the bucket   KEYS[4] audit of the bucket
-- ARGV[1] channel for wake-ups          ARGV[2] the epoch that the caller knows, or ''
-- ARGV[3] quarantine in ms of a new namespace   ARGV[4] quarantine in ms of one that lost its memory
-- ARGV[5] highest token that the caller has seen
-- ARGV[6] only from this owner, '|' if nobody holds it, '' from anybody   ARGV[7] who, why and what, for the audit   ARGV[8] its length
-- returns the value of the lease that was taken away, or false
-- invariant: in quarantine, when a forgotten holder may re-assert its lease, a tombstone with a higher token bars it;
--   nothing is taken away without an entry in the audit
local now = time()
local held = redis.call('GET', KEYS[1])
local anybody, nobody = ARGV[6] == '', ARGV[6] == '|'
if nobody and held then return false end
if not anybody and not nobody and not (held and owned(held, ARGV[6])) then return false end
-- An operator's tool may not know the workers' longest ttl.
local noted = redis.call('HMGET', KEYS[3], 'settings')[1] or ''
local longest = tonumber(string.match(noted, 'longestTtl=(%d+)ms')) or 0
local lost = math.max(ARGV[4], longest * 11 / 5 + 1000)
local meta = look(KEYS[3], now, ARGV[2], ARGV[3], lost)
local till = tonumber(meta[3])
redis.call('LPUSH', KEYS[4], micros(now) .. '|' .. ARGV[7] .. '|' .. (held or ''))
redis.call('LTRIM', KEYS[4], 0, ARGV[8] - 1)
redis.call('PEXPIRE', KEYS[4], 90 * 86400000)
if now < till then
  -- In place of the lease, so that it is barred or still there, whatever Redis refuses.
  local token = micros(math.max(now, (meta[4] or 0) + 1, ARGV[5] + 1))
  redis.call('HSET', KEYS[3], 'last', token)
  redis.call('SET', KEYS[1], table.concat({'forced', token, micros(now), '-', 'taken away by force', ''}, '|'),
    'PX', math.ceil((till - now) / 1000))
else
  redis.call('DEL', KEYS[1])
end
if string.byte(KEYS[1], #KEYS[3]) == 115 then
  local family = slots_of(KEYS[3], KEYS[1])
  if family.awaited() then redis.call('PUBLISH', ARGV[1], family.whole) end
elseif redis.call('DEL', KEYS[2]) == 1 then
  redis.call('PUBLISH', ARGV[1], KEYS[1])
end
return held
