-- Looks up whether a key is paused.
-- KEYS[1] pause
-- returns {value, ms left}, or nothing
-- invariant: nothing is changed
local value = redis.call('GET', KEYS[1])
return value and {value, math.max(redis.call('PTTL', KEYS[1]), 0)} or {}
