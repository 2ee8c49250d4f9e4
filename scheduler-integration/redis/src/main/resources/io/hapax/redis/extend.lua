-- Pushes the expiry of leases of one bucket forward that are held, and of no slots; renew.lua is asked about everything else.
-- KEYS[1] meta of the bucket   KEYS[2..] leases
-- ARGV[1] the epoch that the caller knows   ARGV[2] how long each of these is   ARGV[3] 'owner|token|' of each lease, one after the other
-- ARGV[4..] ttl of each lease in ms, or one for all
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
local held = call('MGET', unpack(KEYS, 2))
local length, grants, ttl = tonumber(ARGV[2]), ARGV[3], #ARGV == 4 and ARGV[4]
local others, left = {1}, 1
for i = 2, #KEYS do
  local value, at, arg = held[i - 1], (i - 2) * length, i + 2
  if not value or string.sub(value, 1, length) ~= string.sub(grants, at + 1, at + length)
    or call('PEXPIRE', KEYS[i], ttl or ARGV[arg]) ~= 1 then
    left = left + 1
    others[left] = i - 1
  end
end
return others
