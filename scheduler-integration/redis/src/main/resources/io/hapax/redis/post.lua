-- Puts up what a worker is at.
-- KEYS[1] the board: a sorted set of workers by when their reports end   KEYS[2] the report   KEYS[3] set while somebody reads
-- ARGV[1] the worker   ARGV[2] the report   ARGV[3] how long it stays, in ms
-- returns 1 if somebody reads
-- invariant: every key ends by itself
local now = time() / 1000
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', micros(now))
redis.call('ZADD', KEYS[1], micros(now + ARGV[3]), ARGV[1])
-- Of another worker a report may stay longer.
redis.call('PEXPIRE', KEYS[1], math.max(ARGV[3], 600000, redis.call('PTTL', KEYS[1])))
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
return redis.call('GET', KEYS[3]) and 1 or 0
