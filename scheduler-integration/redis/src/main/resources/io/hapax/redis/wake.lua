-- Passes a wake-up on: it was for a process in which nobody waits any more.
-- KEYS[1] lease   KEYS[2] its waiter flag
-- ARGV[1] channel for wake-ups
-- returns 1 if another waiting process was notified; 0 if nobody waits, or the lease is held again
-- invariant: changes the flag alone
if redis.call('GET', KEYS[1]) then return 0 end
local flag = redis.call('GET', KEYS[2])
if not flag then return 0 end
redis.call('DEL', KEYS[2])
wake(ARGV[1], KEYS[1], KEYS[2], flag)
return 1
