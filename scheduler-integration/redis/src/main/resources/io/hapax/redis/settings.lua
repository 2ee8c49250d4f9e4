-- Compares the settings on which all workers of a namespace, and their guards, have to agree, and notes them where nobody
-- has yet. Lowers the longest ttl once nobody has had it for long enough.
-- KEYS[1] meta of the bucket
-- ARGV[1] settings of the caller   ARGV[2] '1' to replace others
-- ARGV[3] quarantine in ms after a replacement, at least; more if the old longest ttl was longer
-- ARGV[4] settings of the caller's guard   ARGV[5] '1' if it has a guard yet
-- ARGV[6] longest ttl in ms that the caller's own leases may have   ARGV[7] for how many ms from now they may, by its own clock
-- ARGV[8] who the caller is, for people   ARGV[9], ARGV[10] what it would replace, or '' for whatever there is
-- returns {settings, settings of guards} that hold from now on
-- invariant: settings are replaced only if asked to, and only those that the caller has seen if it names them; then nothing is
--   granted until every lease under the old ones has run out, and every running worker sees an epoch that it does not know.
--   The longest ttl is lowered only when whoever could have leases of that length must have asked again before another one, and
--   those that it had must have run out
local noted = redis.call('HMGET', KEYS[1], 'settings', 'guard', 'seen', 'bounds')
local holds = {noted[1] or ARGV[1], noted[2] or ARGV[4]}
if ARGV[2] == '1' and (ARGV[9] == '' or ARGV[9] == holds[1] and ARGV[10] == holds[2]) then
  holds = {ARGV[1], ARGV[5] == '1' and ARGV[4] or holds[2]}
end
-- In one command: settings without the wait for them would let two guard under different keys.
local fields = {}
local note = function(field, value) fields[#fields + 1], fields[#fields + 2] = field, value end
local bound = function(settings) return tonumber(string.match(settings or '', 'longestTtl=(%d+)ms')) or 0 end
if noted[1] and noted[1] ~= holds[1] or noted[2] and noted[2] ~= holds[2] then
  -- Where callers' clocks count, another one may have been ahead.
  local now = math.max(time(), KEYS.quarantine and (noted[3] or 0) + 1 or 0)
  local wait = math.max(ARGV[3], bound(noted[1]) * 11 / 5 + 1000)
  if KEYS.quarantine then redis.call('SET', KEYS.quarantine, '0|' .. micros(wait), 'PX', math.ceil(wait)) end
  note('seen', micros(now))
  note('until', micros(now + 1000 * wait))
  note('why', 'replaced')
end

-- Until when each longest ttl counts. Not where callers' clocks count: one that is ahead would end the time of others.
if not KEYS.quarantine then
  local now, own, highest = time(), tonumber(ARGV[6]), bound(holds[1])
  -- Beyond the time in which leases are taken, until those must have run out, as after a replacement.
  local ends = function(ttl) return now + 1000 * (ARGV[7] + ttl * 11 / 5 + 1000) end
  local till = {}
  if holds[1] == noted[1] then
    for ttl, ending in string.gmatch(noted[4] or '', '(%d+)=(%d+)') do
      ttl = tonumber(ttl)
      -- No longer than if it was said now: the clock may have been set back.
      ending = math.min(tonumber(ending), ends(ttl))
      if ending > now then till[ttl] = ending end
    end
  end
  -- Nothing is known of whoever has said it, as after a loss of memory.
  if holds[1] ~= noted[1] or not noted[4] then till[highest] = ends(highest) end
  if own <= highest then till[own] = ends(own) end
  local longest, all = 0, {}
  for ttl, ending in pairs(till) do
    longest = math.max(longest, ttl <= highest and ttl or 0)
    all[#all + 1] = micros(ttl) .. '=' .. micros(ending)
  end
  if longest > 0 and longest < highest then
    holds[1] = string.gsub(holds[1], 'longestTtl=%d+ms', 'longestTtl=' .. micros(longest) .. 'ms', 1)
  end
  note('bounds', table.concat(all, ','))
end

if holds[1] ~= noted[1] then
  note('settings', holds[1])
  note('by', ARGV[8])
end
-- Noted also if it says nothing unusual: a guard that does comes too late then.
if ARGV[5] == '1' and holds[2] ~= noted[2] then note('guard', holds[2]) end
if #fields > 0 then redis.call('HSET', KEYS[1], unpack(fields)) end
return holds
