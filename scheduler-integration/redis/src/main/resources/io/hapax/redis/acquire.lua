-- Takes one lease that is not of a slot, where nothing is out of the ordinary; exchange.lua is asked for everything else.
-- KEYS[1] meta of the bucket   KEYS[2] lease   KEYS[3] its waiter flag   KEYS[4] pause of the key   KEYS[5] done marker
-- KEYS[6] index of the slots of the lock key, if it can have any (all in one hash slot)
-- ARGV[1] the epoch that the caller knows   ARGV[2] highest token that the caller has seen   ARGV[3] 'owner|'
-- ARGV[4] '|digest of the run key, or -|worker and run'   ARGV[5] ttl in ms   ARGV[6] longest ttl of the namespace in ms
-- ARGV[7] the caller's process if it waits, else 0   ARGV[8] 1 if there is a run key, else 0
-- returns {} if exchange.lua has to be asked, and nothing was granted; else {'', and what exchange.lua answers to an acquire}
-- invariant: that of exchange.lua. The field 'calm' of the bucket names the server, as a master since it became one (no other has its
--   master_replid, and none that was a replica meanwhile), and the epoch under which exchange.lua has granted a lease
local call = redis.pcall
local meta, info = call('HMGET', KEYS[1], 'calm', 'seen', 'until', 'last'), call('INFO', 'replication')
if not meta[1] or not meta[3] or not meta[4] or meta[2] ~= ARGV[1] or type(info) ~= 'string' then return {} end
local _, at = string.find(info, 'role:master\r', 1, true)
if not at then return {} end
_, at = string.find(info, 'master_replid:', at, true)
if not at or meta[1] ~= string.sub(info, at + 1, at + 40) .. ARGV[1] then return {} end
if ARGV[8] == '1' then
  -- Alone, as one that is no text would be left out where several are read at once.
  local done = call('GET', KEYS[5])
  if done then return type(done) == 'string' and {'', 3, done, 0} or {} end
end
local read = KEYS[6] and call('MGET', KEYS[2], KEYS[4], KEYS[6]) or call('MGET', KEYS[2], KEYS[4])
if read.err then return {} end
local held = read[1]
if held then
  if string.sub(held, 1, #ARGV[3]) == ARGV[3] then return {} end
  local left = call('PTTL', KEYS[2])
  if type(left) ~= 'number' or left < 0 or left > tonumber(ARGV[6]) then return {} end
  if ARGV[7] ~= '0' then
    -- As waits_too in values.lua, under the smallest limit.
    local flag = call('GET', KEYS[3])
    local names = type(flag) == 'string' and string.match(flag, '^%d+;(.*)$') or ''
    if not string.find(';' .. names, ';' .. ARGV[7] .. ';', 1, true) then names = names .. ARGV[7] .. ';' end
    if #names > 700 then
      local all = string.find(names, '*', 1, true)
      names = string.match(string.sub(names, -700), '^[^;]*;(.*)$')
      if all and not string.find(names, '*', 1, true) then names = '*;' .. names end
    end
    if call('SET', KEYS[3], '1;' .. names, 'PX', left + 5000).err then return {} end
  end
  return {'', 0, held, left}
end
-- Paused, or there may be slots.
if read[2] or read[3] then return {} end
local t = call('TIME')
if t.err then return {} end
local now = t[1] * 1000000 + t[2]
-- A quarantine, or the clock was set back.
if now < tonumber(meta[3]) or now < tonumber(meta[2]) then return {} end
local token = math.max(now, meta[4] + 1, ARGV[2] + 1)
local text = string.format('%.0f', token)
local since = token == now and text or string.format('%.0f', now)
-- The token first: of a lease without it, a later grant could have a lower one.
if type(call('HSET', KEYS[1], 'last', text)) ~= 'number' then return {} end
local kept = call('SET', KEYS[2], ARGV[3] .. text .. '|' .. since .. ARGV[4], 'PX', ARGV[5], 'NX')
-- False if something is there that cannot be read as a lease.
if not kept or kept.err then return {} end
return {'', 1, text, since}
