-- Lists who has a place, the first to lose it first.
-- KEYS[1] places: a sorted set of holders by the microsecond at which their time is over
-- returns the holders
-- invariant: changes nothing
return redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. micros(time()), '+inf')
