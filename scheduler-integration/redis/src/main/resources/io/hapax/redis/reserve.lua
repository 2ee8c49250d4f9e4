-- Keeps a place under a name for a time, whoever is alive, unless all places are taken.
-- KEYS[1] places: a sorted set of holders by the microsecond at which their time is over
-- ARGV[1] who asks   ARGV[2] how many places there are   ARGV[3] for how long, in ms
-- returns {'1', '', 1 if it had one before, else 0} if the holder has a place, else {'0', holder of the place that is free first, ms until then}
-- invariant: no holder gets a place while as many others as there are places have one. A clock that was set back prolongs no
--   place beyond the time that is asked for now
local now, length = time(), 1000 * ARGV[3]
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', micros(now))
local kept = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not kept and redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then
  local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
  local left = math.min(first[2] - now, length)
  if first[2] - now > length then
    redis.call('ZADD', KEYS[1], micros(now + length), first[1])
    redis.call('PEXPIRE', KEYS[1], ARGV[3])
  end
  return {'0', first[1], math.ceil(left / 1000)}
end
redis.call('ZADD', KEYS[1], micros(now + length), ARGV[1])
local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')
redis.call('PEXPIRE', KEYS[1], math.ceil((last[2] - now) / 1000))
return {'1', '', kept and 1 or 0}
