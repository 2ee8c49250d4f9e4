-- Takes a completion that a majority of servers has taken to one that may have missed it.
-- KEYS[1] done marker   KEYS[2] lease   KEYS[3] waiter flag
-- ARGV[1] owner   ARGV[2] token, see server.lua   ARGV[3] retention in ms   ARGV[4] digest of the run key, worker,
--   run and how the occurrence ended
-- ARGV[5] channel for wake-ups
-- returns 1
-- invariant: the lease of another grant is left alone; the time of a completion that is noted does not change
local done = redis.pcall('GET', KEYS[1])
local same = type(done) == 'string' and granted_as(done, ARGV[1], ARGV[2]) and added(done) == added('|||' .. ARGV[4])
if not same then
  local granted = string.match(ARGV[2], '^0?(%d+)$')
  redis.call('SET', KEYS[1], table.concat({ARGV[1], granted, micros(time()), ARGV[4]}, '|'), 'PX', ARGV[3])
end
local held = redis.pcall('GET', KEYS[2])
if type(held) == 'string' and granted_as(held, ARGV[1], ARGV[2]) then
  redis.call('DEL', KEYS[2])
  local tag = string.match(KEYS[2], '^(.*}:)s:%d+:')
  if tag then
    -- As when a slot is given back.
    local family = slots_of(tag .. 'm', KEYS[2])
    if family.awaited() then redis.call('PUBLISH', ARGV[5], family.whole) end
  elseif redis.call('DEL', KEYS[3]) == 1 then
    redis.call('PUBLISH', ARGV[5], KEYS[2])
  end
end
return 1
