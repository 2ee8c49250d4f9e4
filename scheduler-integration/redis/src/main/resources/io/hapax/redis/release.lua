-- Gives a lease back if its owner holds it, leaves a done marker if asked to, and wakes waiters.
-- KEYS[1] lease   KEYS[2] done marker   KEYS[3] waiter flag   KEYS[4] meta of the bucket
-- ARGV[1] owner   ARGV[2] retention of the marker in ms, 0 for none   ARGV[3] channel for wake-ups
-- ARGV[4] value for the marker if the lease was forgotten: owner|token|micros|digest|people
-- returns 1 if the owner held the lease or this repeats a release with a marker, 0 if it was lost
-- invariant: a run that lost its lease changes nothing; only in quarantine, when nobody else can have been granted the
--   lease, is the word of a forgotten holder taken
local held = redis.call('GET', KEYS[1])
local mine = held and string.sub(held, 1, #ARGV[1] + 1) == ARGV[1] .. '|'
if not mine then
  if ARGV[2] == '0' then return 0 end
  local done = redis.call('GET', KEYS[2])
  if done then return string.sub(done, 1, #ARGV[1] + 1) == ARGV[1] .. '|' and 1 or 0 end
  if held then return 0 end
  local t = redis.call('TIME')
  local meta = redis.call('HMGET', KEYS[4], 'run', 'until')
  local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
  if meta[1] == run and t[1] * 1000000 + t[2] >= tonumber(meta[2]) then return 0 end
end
redis.call('DEL', KEYS[1])
if ARGV[2] ~= '0' then redis.call('SET', KEYS[2], ARGV[4], 'PX', ARGV[2]) end
if redis.call('DEL', KEYS[3]) == 1 then redis.call('PUBLISH', ARGV[3], KEYS[1]) end
return 1
