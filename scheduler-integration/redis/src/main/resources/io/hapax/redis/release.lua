-- Gives a lease back if its owner holds it, leaves a done marker if asked to, and wakes waiters.
-- KEYS[1] lease   KEYS[2] done marker   KEYS[3] waiter flag   KEYS[4] meta of the bucket
-- ARGV[1] owner   ARGV[2] retention of the marker in ms, 0 for none   ARGV[3] channel for wake-ups
-- ARGV[4] token   ARGV[5] digest of the run key, worker and run, for the marker
-- returns 1 if the owner held the lease or this repeats a release with a marker, 0 if it was lost
-- invariant: a run that lost its lease changes nothing; only in quarantine, when nobody else can have been granted the
--   lease, is the word of a forgotten holder taken, unless a later one has shown itself
local held = redis.call('GET', KEYS[1])
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
if held and string.sub(held, 1, #ARGV[1] + 1) == ARGV[1] .. '|' then
  redis.call('DEL', KEYS[1])
else
  local done = ARGV[2] ~= '0' and redis.call('GET', KEYS[2])
  if done then return string.sub(done, 1, #ARGV[1] + 1) == ARGV[1] .. '|' and 1 or 0 end
  if held and (tonumber(string.match(held, '^[^|]+|(%d+)|')) or math.huge) >= tonumber(ARGV[4]) then return 0 end
  local meta = redis.call('HMGET', KEYS[4], 'run', 'until')
  local run = server()
  if meta[1] == run and now >= tonumber(meta[2]) then return 0 end
end
if ARGV[2] ~= '0' then
  local marker = table.concat({ARGV[1], ARGV[4], string.format('%.0f', now), ARGV[5]}, '|')
  redis.call('SET', KEYS[2], marker, 'PX', ARGV[2])
end
if redis.call('DEL', KEYS[3]) == 1 then redis.call('PUBLISH', ARGV[3], KEYS[1]) end
return 1
