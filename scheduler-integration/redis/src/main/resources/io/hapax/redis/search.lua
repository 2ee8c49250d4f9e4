-- Takes one step of a search for leases where keys that are not declared may not be read: found.lua reads them.
-- KEYS[1] meta of a bucket, which names namespace and server
-- ARGV[1] where the step before ended, '0' at first   ARGV[2] how large a step
-- returns {where the next step begins, key of each lease...}
-- invariant: nothing is changed
local leases = string.match(KEYS[1], '^(hapax:{[^:]+:)') .. '*}:[lrs]:*'
local step = redis.call('SCAN', ARGV[1], 'MATCH', leases, 'COUNT', ARGV[2])
table.insert(step[2], 1, step[1])
return step[2]
