-- Takes a lease away from whoever holds it, and wakes waiters.
-- KEYS[1] lease   KEYS[2] waiter flag   KEYS[3] meta of the bucket
-- ARGV[1] channel for wake-ups          ARGV[2] the epoch that the caller knows, or ''
-- ARGV[3] quarantine in ms of a new namespace   ARGV[4] quarantine in ms of one that lost its memory
-- ARGV[5] highest token that the caller has seen
-- returns the value of the lease that was taken away, or false
-- invariant: in quarantine, when a forgotten holder may re-assert its lease, a tombstone with a higher token bars it
local now = time()
local meta = look(KEYS[3], now, ARGV[2], ARGV[3], ARGV[4])
local till = tonumber(meta[3])
local held = redis.call('GET', KEYS[1])
redis.call('DEL', KEYS[1])
if now < till then
  local token = micros(math.max(now, (meta[4] or 0) + 1, ARGV[5] + 1))
  redis.call('HSET', KEYS[3], 'last', token)
  redis.call('SET', KEYS[1], table.concat({'forced', token, micros(now), '-', 'taken away by force', ''}, '|'),
    'PX', math.ceil((till - now) / 1000))
end
if redis.call('DEL', KEYS[2]) == 1 then redis.call('PUBLISH', ARGV[1], KEYS[1]) end
return held
