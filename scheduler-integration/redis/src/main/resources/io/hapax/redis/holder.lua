-- Looks up who holds a lease.
-- KEYS[1] lease
-- returns the value of the lease, or false
-- invariant: nothing is changed
return redis.call('GET', KEYS[1])
