-- Looks up a lease, for people.
-- KEYS[1] lease   KEYS[2] waiter flag
-- returns {value, ttl left in ms, 1 if awaited}, or nothing if nobody holds it
-- invariant: nothing is changed
local value = redis.call('GET', KEYS[1])
if not value then return {} end
return {value, math.max(redis.call('PTTL', KEYS[1]), 0), redis.call('GET', KEYS[2]) and 1 or 0}
