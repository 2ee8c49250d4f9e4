-- Reads who has taken leases away.
-- KEYS[1] audit of the bucket
-- ARGV[1] how many entries at most
-- returns {entry...}, the newest first
-- invariant: nothing is changed
return redis.call('LRANGE', KEYS[1], 0, ARGV[1] - 1)
