-- Grants the lease unless the occurrence is done, somebody holds it, or the server is in quarantine.
-- KEYS[1] lease   KEYS[2] done marker   KEYS[3] waiter flag   KEYS[4] meta of the bucket (all in one hash slot)
-- ARGV[1] owner   ARGV[2] ttl in ms     ARGV[3] digest of the run key, or '-'
-- ARGV[4] worker and run, for people    ARGV[5] '1' if the caller waits
-- ARGV[6] the epoch that the caller knows, or ''   ARGV[7] quarantine in ms of a new namespace
-- ARGV[8] quarantine in ms of one that lost its memory   ARGV[9] highest token that the caller has seen
-- returns {code, epoch, value, ms}: code 1 granted (value of the lease), 0 held (value, ttl left),
--   3 done (value of the marker), 2 quarantine (why: new, emptied or restarted; time left)
-- invariant: the token is larger than every token granted before, and no lease of another owner exists
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local micros = function(n) return string.format('%.0f', n) end
local done = redis.call('GET', KEYS[2])
local meta = redis.call('HMGET', KEYS[4], 'run', 'seen', 'until', 'last', 'why')
local run = server()
if meta[1] ~= run then
  meta[5] = meta[1] and 'restarted' or ARGV[6] ~= '' and 'emptied' or 'new'
  meta[2] = micros(now)
  meta[3] = micros(now + 1000 * (meta[5] == 'new' and ARGV[7] or ARGV[8]))
  redis.call('HSET', KEYS[4], 'run', run, 'seen', meta[2], 'until', meta[3], 'why', meta[5])
elseif ARGV[6] ~= '' and ARGV[6] ~= meta[2] and tonumber(meta[3]) < meta[2] + 1000 * ARGV[8] then
  meta[3], meta[5] = micros(meta[2] + 1000 * ARGV[8]), 'emptied'
  redis.call('HSET', KEYS[4], 'until', meta[3], 'why', meta[5])
end
if done then return {3, meta[2], done, 0} end
local held = redis.call('GET', KEYS[1])
if held then
  if string.sub(held, 1, #ARGV[1] + 1) == ARGV[1] .. '|' then
    redis.call('PEXPIRE', KEYS[1], ARGV[2])
    return {1, meta[2], held, 0}
  end
  local left = math.max(redis.call('PTTL', KEYS[1]), 0)
  if ARGV[5] == '1' then redis.call('SET', KEYS[3], '1', 'PX', left + 5000) end
  return {0, meta[2], held, left}
end
if now < tonumber(meta[3]) then
  return {2, meta[2], meta[5] or 'new', math.ceil((meta[3] - now) / 1000)}
end
local token = micros(math.max(now, (meta[4] or 0) + 1, ARGV[9] + 1))
local lease = table.concat({ARGV[1], token, micros(now), ARGV[3], ARGV[4]}, '|')
redis.call('HSET', KEYS[4], 'last', token)
redis.call('SET', KEYS[1], lease, 'PX', ARGV[2])
return {1, meta[2], lease, 0}
