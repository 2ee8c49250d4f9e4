-- Puts up what is new of a worker.
-- KEYS[1] the board: a sorted set of workers by when their reports end   KEYS[2] what is kept of the worker: a hash of its summary s, the
--   edition e and number n of its newest change, its clock c, x if a reader lacks changes, and the newest 30 by their numbers modulo 30
-- KEYS[3] set while somebody reads
-- ARGV[1] the worker   ARGV[2] how long it stays, in ms   ARGV[3] its summary, or '' for the one that is there
-- ARGV[4] edition of its changes, or '' for none   ARGV[5] number of the newest one   ARGV[6] that one, or '' if it is there
-- ARGV[7] its clock
-- returns 1 if somebody reads + 2 if a reader lacks changes + 4 if the board does + 8 if it lacks the summary
-- invariant: every key ends by itself; the changes that are kept follow each other
local now = time() / 1000
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', micros(now))
redis.call('ZADD', KEYS[1], micros(now + ARGV[2]), ARGV[1])
-- Of another worker a report may stay longer.
redis.call('PEXPIRE', KEYS[1], math.max(ARGV[2], 600000, redis.call('PTTL', KEYS[1])))
local kept = redis.call('HMGET', KEYS[2], 's', 'e', 'n', 'x')
local summary, edition, number = ARGV[3] ~= '' and ARGV[3] or kept[1], ARGV[4], tonumber(ARGV[5])
local starts = edition == '' or (number == 0 and ARGV[6] ~= '')
local fields = {'c', ARGV[7]}
local forgets = starts and kept[2]
if forgets then
  redis.call('DEL', KEYS[2])
  kept[4] = false
end
if summary and (forgets or ARGV[3] ~= '') then fields = {'c', ARGV[7], 's', summary} end
-- Sent twice, it is there already.
local newest = kept[2] == edition and tonumber(kept[3]) or nil
local links = starts or newest == number or (newest == number - 1 and ARGV[6] ~= '')
if edition ~= '' and links and ARGV[6] ~= '' then
  for _, each in ipairs({'e', edition, 'n', micros(number), micros(number % 30), ARGV[6]}) do fields[#fields + 1] = each end
end
redis.call('HSET', KEYS[2], unpack(fields))
redis.call('PEXPIRE', KEYS[2], ARGV[2])
return (redis.call('GET', KEYS[3]) and 1 or 0) + (kept[4] and 2 or 0) + (links and 0 or 4) + (summary and 0 or 8)
