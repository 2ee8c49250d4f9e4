-- Forgets that an occurrence is over, and notes who did it.
-- KEYS[1] done marker   KEYS[2] audit of the bucket
-- ARGV[1] the marker that the caller has seen   ARGV[2] what, who and why, for the audit   ARGV[3] its length
-- returns 1 if it was there, else 0
-- invariant: a marker of a later completion is left alone, whenever this is carried out; nothing is forgotten without an entry in
--   the audit
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('LPUSH', KEYS[2], micros(time()) .. '|' .. ARGV[2] .. '|!RUN_AGAIN')
redis.call('LTRIM', KEYS[2], 0, ARGV[3] - 1)
redis.call('PEXPIRE', KEYS[2], 90 * 86400000)
return redis.call('DEL', KEYS[1])
