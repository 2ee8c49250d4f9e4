-- Pushes the expiry of leases of one bucket forward that are held, and of no slots; renew.lua is asked about everything else.
-- KEYS[1] meta of the bucket   KEYS[2..] leases
-- ARGV[1] the epoch that the caller knows   ARGV[2..] for each lease: 'owner|token|'; ttl in ms
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
local others, left = {1}, 1
for i = 2, #KEYS do
  local value, arg = held[i - 1], 2 * i - 2
  local grant = ARGV[arg]
  if not value or string.sub(value, 1, #grant) ~= grant or call('PEXPIRE', KEYS[i], ARGV[arg + 1]) ~= 1 then
    left = left + 1
    others[left] = i - 1
  end
end
return others
