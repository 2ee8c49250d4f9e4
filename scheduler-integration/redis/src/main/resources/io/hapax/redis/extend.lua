-- Pushes the expiry of leases of one bucket forward that are held, and of no slots; renew.lua is asked about everything else.
-- KEYS[1] meta of the bucket
-- ARGV[1] the epoch that the caller knows   ARGV[2] how long 'owner|token|' is of each of these
-- ARGV[3] of each lease 'owner|token|', its key without the tag, and '|', one after the other: each argument costs the client more than
--   its text does
-- ARGV[4] ttl in ms for all, or ARGV[4..] one for each lease
-- returns {} if renew.lua has to be asked about all of them, and nothing was renewed; else {1, number of each lease about which it has to
--   be asked, from 1}
-- invariant: that of renew.lua: a lease that belongs to another owner, or was granted with another token, is never touched, and a
--   missing one is never written
local call = redis.pcall
local meta, info = call('HMGET', KEYS[1], 'calm', 'seen'), call('INFO', 'replication')
if not meta[1] or meta[2] ~= ARGV[1] or type(info) ~= 'string' then return {} end
-- As acquire.lua compares it.
local _, at = string.find(info, 'role:master\r', 1, true)
if not at then return {} end
_, at = string.find(info, 'master_replid:', at, true)
if not at or meta[1] ~= string.sub(info, at + 1, at + 40) .. ARGV[1] then return {} end
local sub, find = string.sub, string.find
local text, length, ttl = ARGV[3], tonumber(ARGV[2]), #ARGV == 4 and ARGV[4]
local tag, keys, grants, count, from = sub(KEYS[1], 1, -2), {}, {}, 0, 1
while from <= #text do
  local name = from + length
  local stop = find(text, '|', name, true)
  count = count + 1
  grants[count], keys[count] = sub(text, from, name - 1), tag .. sub(text, name, stop - 1)
  from = stop + 1
end
local held = call('MGET', unpack(keys))
local others, left = {1}, 1
for i = 1, count do
  local value = held[i]
  if not value or sub(value, 1, length) ~= grants[i] or call('PEXPIRE', keys[i], ttl or ARGV[i + 3]) ~= 1 then
    left = left + 1
    others[left] = i
  end
end
return others
