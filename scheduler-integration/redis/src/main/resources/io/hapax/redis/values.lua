-- Stands before every script: how times and leases are written and read.
local micros = function(n) return string.format('%.0f', n) end
local owned = function(value, owner) return string.sub(value, 1, #owner + 1) == owner .. '|' end
-- Whether a value is the grant with this token, of which '0' stands for any. One that starts with a zero was written back to a
-- quorum, whose servers granted tokens of their own: one that has not received it yet knows the grant by its owner alone.
local granted_as = function(value, owner, token)
  -- As text first, which nearly every renewal and release is: patterns take longer.
  local grant = owner .. '|' .. token .. '|'
  if string.sub(value, 1, #grant) == grant then return true end
  if not owned(value, owner) then return false end
  if token == '0' then return true end
  local kept, since = string.match(value, '^[^|]+|(%d+)|(%d)')
  if not kept then return false end
  return tonumber(kept) == tonumber(token) or since ~= '0' and string.sub(token, 1, 1) == '0'
end
-- What a value says beyond six parts; of a marker, how the occurrence ended.
local added = function(value) return string.match(value, '^[^|]*|[^|]*|[^|]*|[^|]*|[^|]*|[^|]*(.*)$') or '' end
-- A value that is not the guard's counts as a later holder's.
local token_of = function(value) return tonumber(string.match(value, '^[^|]+|(%d+)|')) or math.huge end
-- Who waits for a lease, in its waiter flag: the smallest limit under which somebody does, and the processes that do, in the order
-- in which they were refused, as in '1;a;b;'. '*' stands for those who hear of every release, as they may not go with each other.
-- Of too many, the first ones are left out: those that have ended do not come back, and the others do when they ask again.
local waits_too = function(flag, limit, name)
  local least, names = string.match(flag or '', '^(%d+);?(.*)$')
  names = names or ''
  if not string.find(';' .. names, ';' .. name .. ';', 1, true) then names = names .. name .. ';' end
  if #names > 700 then
    local all = string.find(names, '*', 1, true)
    names = string.match(string.sub(names, -700), '^[^;]*;(.*)$')
    if all and not string.find(names, '*', 1, true) then names = '*;' .. names end
  end
  return math.min(least or limit, limit) .. ';' .. names
end
-- Tells the first of them, who asks soon, and leaves the others in the flag, which was deleted.
local wake = function(channel, lease, name, flag)
  local limit, first, rest = string.match(flag, '^(%d+);([^;*]+);([^*]*)$')
  redis.call('PUBLISH', channel, first and ';' .. first .. ';' .. lease or lease)
  if first and rest ~= '' then redis.pcall('SET', name, limit .. ';' .. rest, 'PX', 5000) end
end
