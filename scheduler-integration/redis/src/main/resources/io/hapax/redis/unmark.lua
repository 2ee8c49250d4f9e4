-- Takes back the done marker of a completion that a majority of servers has not taken.
-- KEYS[1] done marker
-- ARGV[1] owner
-- returns 1 if there was such a marker, else 0
-- invariant: the marker of another owner is left alone
local done = redis.call('GET', KEYS[1])
if not done or not owned(done, ARGV[1]) then return 0 end
return redis.call('DEL', KEYS[1])
