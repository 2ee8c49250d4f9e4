-- Looks up a lease, for operators.
-- KEYS[1] meta of the bucket   KEYS[2] lease   KEYS[3] waiter flag
-- ARGV[1] 'slots' if the first slot that is held stands for a lock key that nobody holds, else ''
-- returns {value, ttl left in ms, 1 if awaited, key of the lease}, or nothing if nobody holds it
-- invariant: nothing is changed
local key, value = KEYS[2], redis.call('GET', KEYS[2])
if not value and ARGV[1] == 'slots' then
  local family = slots_of(KEYS[1], KEYS[2])
  local first = family.held(redis.call('GET', family.index), true)[1]
  if first then key, value = first[3], first[4] end
end
if not value then return {} end
return {value, math.max(redis.call('PTTL', key), 0), redis.call('GET', KEYS[3]) and 1 or 0, key}
