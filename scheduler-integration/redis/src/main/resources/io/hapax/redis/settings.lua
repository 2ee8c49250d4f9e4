-- Compares the settings on which all workers of a namespace have to agree, and notes them where nobody has yet.
-- KEYS[1] meta of the bucket
-- ARGV[1] settings of the caller   ARGV[2] '1' to replace others
-- ARGV[3] quarantine in ms after a replacement, at least; more if the old longest ttl was longer
-- returns the settings that hold from now on
-- invariant: settings are replaced only if asked to; then nothing is granted until every lease under the old ones has
--   run out, and every running worker sees an epoch that it does not know
local noted = redis.call('HMGET', KEYS[1], 'settings')[1]
if noted == ARGV[1] or noted and ARGV[2] ~= '1' then return noted end
redis.call('HSET', KEYS[1], 'settings', ARGV[1])
if noted then
  local now = time()
  local old = tonumber(string.match(noted, 'longestTtl=(%d+)ms')) or 0
  local wait = math.max(ARGV[3], old * 11 / 5 + 1000)
  redis.call('HSET', KEYS[1], 'seen', micros(now), 'until', micros(now + 1000 * wait), 'why', 'replaced')
end
return ARGV[1]
