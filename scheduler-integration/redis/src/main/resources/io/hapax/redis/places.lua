-- Lists who has a place, the first to lose it first.
-- KEYS[1] places, as reserve.lua keeps them
-- returns the holders
-- invariant: changes nothing
return redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. micros(time()), '+inf')
