-- Keeps a place under a name for a time, whether its holder is alive or not, unless all places are taken.
-- KEYS[1] places: a sorted set of holders by the microsecond at which their time is over; and of '', which is no holder, by
--   the negative microsecond at which the newest place was made
-- ARGV[1] who asks   ARGV[2] how many places there are; 0 prolongs the place of a holder that has one, and makes none
-- ARGV[3] for how long, in ms
-- returns {'1', '', 1 if it had one before, else 0} if the holder has a place, else {'0', holder of the place that is free
--   first, ms until then}; {'0', '', 0} if none was to be made
-- invariant: no holder gets a place while as many others as there are places have one. Nobody's place is shortened, and a clock
--   that was set back prolongs none beyond its own length
local now, length = time(), 1000 * ARGV[3]
local made = -(redis.call('ZSCORE', KEYS[1], '') or 0)
if made > now then
  -- The clock was set back since: what was left to each place then is left to it now.
  local all = redis.call('ZRANGEBYSCORE', KEYS[1], 0, '+inf', 'WITHSCORES')
  for n = 1, #all, 2 do redis.call('ZADD', KEYS[1], micros(all[n + 1] - made + now), all[n]) end
  redis.call('ZADD', KEYS[1], micros(-now), '')
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], 0, micros(now))
local kept = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not kept and ARGV[2] == '0' then return {'0', '', 0} end
if not kept and redis.call('ZRANGEBYSCORE', KEYS[1], 0, '+inf', 'LIMIT', ARGV[2] - 1, 1)[1] then
  local first = redis.call('ZRANGEBYSCORE', KEYS[1], 0, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
  return {'0', first[1], math.ceil((first[2] - now) / 1000)}
end
redis.call('ZADD', KEYS[1], micros(math.max(now + length, tonumber(kept or 0))), ARGV[1], micros(-now), '')
local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')
redis.call('PEXPIRE', KEYS[1], math.ceil((last[2] - now) / 1000))
return {'1', '', kept and 1 or 0}
