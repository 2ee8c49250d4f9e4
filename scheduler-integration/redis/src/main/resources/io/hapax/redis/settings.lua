-- Compares the settings on which all workers of a namespace, and their guards, have to agree, and notes them where nobody
-- has yet.
-- KEYS[1] meta of the bucket
-- ARGV[1] settings of the caller   ARGV[2] '1' to replace others
-- ARGV[3] quarantine in ms after a replacement, at least; more if the old longest ttl was longer
-- ARGV[4] settings of the caller's guard   ARGV[5] '1' if it has a guard yet
-- returns {settings, settings of guards} that hold from now on
-- invariant: settings are replaced only if asked to; then nothing is granted until every lease under the old ones has
--   run out, and every running worker sees an epoch that it does not know
local noted = redis.call('HMGET', KEYS[1], 'settings', 'guard', 'seen')
local holds = {noted[1] or ARGV[1], noted[2] or ARGV[4]}
if ARGV[2] == '1' then holds = {ARGV[1], ARGV[5] == '1' and ARGV[4] or holds[2]} end
-- In one command: settings without the wait for them would let two guard under different keys.
local fields = {}
local note = function(field, value) fields[#fields + 1], fields[#fields + 2] = field, value end
if holds[1] ~= noted[1] then note('settings', holds[1]) end
-- Noted also if it says nothing unusual: a guard that does comes too late then.
if ARGV[5] == '1' and holds[2] ~= noted[2] then note('guard', holds[2]) end
if noted[1] and noted[1] ~= holds[1] or noted[2] and noted[2] ~= holds[2] then
  -- Where callers' clocks count, another one may have been ahead.
  local now = math.max(time(), KEYS.quarantine and (noted[3] or 0) + 1 or 0)
  local old = tonumber(string.match(noted[1] or '', 'longestTtl=(%d+)ms')) or 0
  local wait = math.max(ARGV[3], old * 11 / 5 + 1000)
  if KEYS.quarantine then redis.call('SET', KEYS.quarantine, '0|' .. micros(wait), 'PX', math.ceil(wait)) end
  note('seen', micros(now))
  note('until', micros(now + 1000 * wait))
  note('why', 'replaced')
end
if #fields > 0 then redis.call('HSET', KEYS[1], unpack(fields)) end
return holds
