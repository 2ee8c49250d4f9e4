-- Writes the token of a quorum back, so that a majority of servers knows it before it counts.
-- KEYS[1] lease   KEYS[2] meta of the bucket
-- ARGV[1] owner   ARGV[2] token   ARGV[3] when the lease was granted, in microseconds
-- returns 1 if this server has the token now, written by this owner; 0 if it has seen a later one, or another owner's
-- invariant: a token that a majority has accepted is unique, and every later majority grants a larger one. An equal token
--   counts only for the owner who wrote it: two owners may have been granted equal ones by different servers
local held = redis.call('GET', KEYS[1])
if held and string.sub(held, 1, #ARGV[1] + 1) == ARGV[1] .. '|' then
  -- All servers tell people, and a later quarantine, the same of this lease.
  local rest = string.match(held, '^[^|]+|%d+|%d+(|.*)$')
  if rest then redis.call('SET', KEYS[1], table.concat({ARGV[1], ARGV[2], ARGV[3]}, '|') .. rest, 'KEEPTTL') end
end
local last = redis.call('HMGET', KEYS[2], 'last', 'by')
local seen, token = tonumber(last[1] or 0), tonumber(ARGV[2])
if seen > token or (seen == token and last[2] ~= ARGV[1]) then return 0 end
if seen < token then redis.call('HSET', KEYS[2], 'last', ARGV[2], 'by', ARGV[1]) end
return 1
