-- Writes the token of a quorum back, so that a majority of servers knows it before it counts.
-- KEYS[1] lease   KEYS[2] meta of the bucket
-- ARGV[1] owner   ARGV[2] token   ARGV[3] when the lease was granted, in microseconds
-- returns 1 if this server counts for the token: the owner holds the lease here, and was given no larger one; else 0
-- invariant: a token that counts at a majority is unique for its key, and every later majority grants a larger one. For of
--   two owners with a majority each, one held the lease before the other on some server that counts for both. It left its
--   token in 'last' while it held it, so what the other was granted there is larger. 'last' itself decides nothing: other
--   keys of the bucket raise it all the time. A token with a leading zero is one for which this server does not count.
--   A time with a leading zero says that the token was written back: every majority of servers that is asked after the token
--   has counted has one with such a time, even if another run has drawn a higher one and learns of it late
local held = redis.call('GET', KEYS[1])
if not held or not owned(held, ARGV[1]) then return 0 end
local granted, rest = string.match(held, '^[^|]+|(%d+)|%d+(|.*)$')
if not granted then return 0 end
local counts = string.sub(granted, 1, 1) ~= '0' and tonumber(granted) <= tonumber(ARGV[2])
if counts and tonumber(redis.call('HMGET', KEYS[2], 'last')[1] or 0) < tonumber(ARGV[2]) then
  redis.call('HSET', KEYS[2], 'last', ARGV[2])
end
-- All servers show operators the same lease.
local token = (counts and '' or '0') .. ARGV[2]
redis.call('SET', KEYS[1], table.concat({ARGV[1], token, '0' .. ARGV[3]}, '|') .. rest, 'KEEPTTL')
return counts and 1 or 0
