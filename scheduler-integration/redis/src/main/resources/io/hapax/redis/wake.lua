-- Passes on a wake-up that was for a process in which nobody waits any more, or removes a process that ends from the waiting ones.
-- KEYS[1] lease   KEYS[2] its waiter flag   KEYS[3] index of the slots of the lock key, if it can have any
-- ARGV[1] channel for wake-ups   ARGV[2] the process that ends, or ''
-- returns 1 if another waiting process was notified; 0 if nobody waits, or the lease is held again
-- invariant: changes the flag alone
local flag = redis.call('GET', KEYS[2])
if not flag then return 0 end
local limit, names = string.match(flag, '^(%d+)(;.*)$')
local from, to = string.find(names or '', ';' .. ARGV[2] .. ';', 1, true)
local rest = from and string.sub(names, 2, from) .. string.sub(names, to + 1)
local held, slots = redis.call('GET', KEYS[1]), KEYS[3] and redis.call('GET', KEYS[3])
if not held and not slots then
  redis.call('DEL', KEYS[2])
  if rest == '' then return 0 end
  wake(ARGV[1], KEYS[1], KEYS[2], rest and limit .. ';' .. rest or flag)
  return 1
end
if from then
  local left = redis.call('PTTL', KEYS[2])
  redis.call('DEL', KEYS[2])
  if rest ~= '' and left > 0 then redis.call('SET', KEYS[2], limit .. ';' .. rest, 'PX', left) end
end
-- Who waits for a slot receives every release anyway.
if held or ARGV[2] ~= '' then return 0 end
-- Some slots are held, and others may be free: all that wait ask, and nobody overtakes them until then.
redis.call('PEXPIRE', KEYS[2], 5000, 'LT')
redis.call('PUBLISH', ARGV[1], KEYS[1])
return 1
