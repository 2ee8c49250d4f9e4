-- Lets go of a place before its time is over.
-- KEYS[1] number of the highest place, see place-keys.lua
-- ARGV[1] who has one
-- returns 1 if the holder had a place, else 0
-- invariant: other holders keep theirs
local it = places()
local own = it.of(ARGV[1])
return own and redis.call('DEL', it.key(own)) or 0
