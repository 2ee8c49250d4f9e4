-- Takes a lease away from whoever holds it, and wakes waiters.
-- KEYS[1] lease   KEYS[2] waiter flag   KEYS[3] meta of the bucket
-- ARGV[1] channel for wake-ups          ARGV[2] the epoch that the caller knows, or ''
-- ARGV[3] quarantine in ms of a new namespace   ARGV[4] quarantine in ms of one that lost its memory
-- ARGV[5] highest token that the caller has seen
-- returns the value of the lease that was taken away, or false
-- invariant: in quarantine, when a forgotten holder may re-assert its lease, a tombstone with a higher token bars it
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local micros = function(n) return string.format('%.0f', n) end
local meta = redis.call('HMGET', KEYS[3], 'run', 'until', 'last')
local run = server()
if meta[1] ~= run then
  local why = meta[1] and 'restarted' or ARGV[2] ~= '' and 'emptied' or 'new'
  meta[2] = micros(now + 1000 * (why == 'new' and ARGV[3] or ARGV[4]))
  redis.call('HSET', KEYS[3], 'run', run, 'seen', micros(now), 'until', meta[2], 'why', why)
end
local held = redis.call('GET', KEYS[1])
redis.call('DEL', KEYS[1])
if now < tonumber(meta[2]) then
  local token = micros(math.max(now, (meta[3] or 0) + 1, ARGV[5] + 1))
  redis.call('HSET', KEYS[3], 'last', token)
  redis.call('SET', KEYS[1], table.concat({'forced', token, micros(now), '-', 'taken away by force', ''}, '|'),
    'PX', math.ceil((meta[2] - now) / 1000))
end
if redis.call('DEL', KEYS[2]) == 1 then redis.call('PUBLISH', ARGV[1], KEYS[1]) end
return held
