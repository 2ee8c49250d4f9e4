-- Takes back what a completion that a majority of servers has not taken has left here, or may leave here later.
-- KEYS[1] done marker   KEYS[2] lease
-- ARGV[1] owner   ARGV[2] token, see server.lua   ARGV[3] how the occurrence ended, as a marker says it
-- returns 1 if there was such a marker, else 0
-- invariant: the marker and the lease of another grant are left alone; a completion of this one that is carried out later
--   finds no lease
local held = redis.pcall('GET', KEYS[2])
if type(held) == 'string' and granted_as(held, ARGV[1], ARGV[2]) then redis.call('DEL', KEYS[2]) end
local done = redis.pcall('GET', KEYS[1])
if type(done) ~= 'string' or not granted_as(done, ARGV[1], ARGV[2]) or added(done) ~= ARGV[3] then return 0 end
return redis.call('DEL', KEYS[1])
