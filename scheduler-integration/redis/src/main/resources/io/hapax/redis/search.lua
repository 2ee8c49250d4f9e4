-- Takes one step of a search for leases or pauses where keys that are not declared may not be read: found.lua reads them.
-- KEYS[1] meta of a bucket, which names namespace and server
-- ARGV[1] where the step before ended, '0' at first   ARGV[2] how large a step   ARGV[3] which kinds of keys
-- returns {where the next step starts, key of each...}
-- invariant: nothing is changed
local wanted = string.match(KEYS[1], '^(hapax:{[^:]+:)') .. '*}:' .. ARGV[3] .. ':*'
local step = redis.call('SCAN', ARGV[1], 'MATCH', wanted, 'COUNT', ARGV[2])
table.insert(step[2], 1, step[1])
return step[2]
