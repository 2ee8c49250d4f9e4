-- Reads who has taken leases away or paused keys, or how the runs of a job ended.
-- KEYS[1] audit of the bucket, or history of a job in it
-- ARGV[1] how many entries at most
-- returns {entry...}, the newest first
-- invariant: nothing is changed
return redis.call('LRANGE', KEYS[1], 0, ARGV[1] - 1)
