-- Takes a lease away from whoever holds it, and wakes waiters.
-- KEYS[1] lease   KEYS[2] waiter flag   KEYS[3] meta of the bucket
-- ARGV[1] channel for wake-ups
-- returns the value of the lease that was taken away, or false
-- invariant: in quarantine, when a forgotten holder may re-assert its lease, a tombstone with a higher token bars it
local held = redis.call('GET', KEYS[1])
redis.call('DEL', KEYS[1])
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local meta = redis.call('HMGET', KEYS[3], 'until', 'last')
if meta[1] and now < tonumber(meta[1]) then
  local token = string.format('%.0f', math.max(now, (meta[2] or 0) + 1))
  redis.call('HSET', KEYS[3], 'last', token)
  redis.call('SET', KEYS[1], 'forced|' .. token .. '|' .. string.format('%.0f', now) .. '|-|forced|',
    'PX', math.ceil((meta[1] - now) / 1000))
end
if redis.call('DEL', KEYS[2]) == 1 then redis.call('PUBLISH', ARGV[1], KEYS[1]) end
return held
