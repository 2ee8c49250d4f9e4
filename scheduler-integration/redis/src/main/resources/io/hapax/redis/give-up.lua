-- Lets go of a place before its time is over.
-- KEYS[1] places, as reserve.lua keeps them
-- ARGV[1] who has one
-- returns 1 if the holder had a place, else 0
-- invariant: other holders keep theirs
local over = redis.call('ZSCORE', KEYS[1], ARGV[1])
redis.call('ZREM', KEYS[1], ARGV[1])
return over and tonumber(over) > time() and 1 or 0
