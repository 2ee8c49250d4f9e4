-- Pauses a key, or ends its pause, and notes who did it.
-- KEYS[1] pause   KEYS[2] audit of the bucket   KEYS[3] meta of the bucket
-- ARGV[1] for how long, in ms, or '' to end it   ARGV[2] who and why   ARGV[3] what, who and why, for the audit
-- ARGV[4] its length
-- returns 1 if the key was paused before, 0 if it was not, -1 if there may be workers that do not heed pauses
-- invariant: nothing is paused or resumed without an entry in the audit; leases are left alone
local before = redis.call('GET', KEYS[1]) and 1 or 0
local resumes = ARGV[1] == ''
if resumes and before == 0 then return 0 end
local settings = redis.call('HMGET', KEYS[3], 'settings')[1] or ''
if not resumes and string.match(settings, '^format=1 ') then return -1 end
local now = micros(time())
redis.call('LPUSH', KEYS[2], now .. '|' .. ARGV[3] .. (resumes and '|!RESUME' or '|!PAUSE'))
redis.call('LTRIM', KEYS[2], 0, ARGV[4] - 1)
redis.call('PEXPIRE', KEYS[2], 90 * 86400000)
if resumes then
  redis.call('DEL', KEYS[1])
else
  redis.call('SET', KEYS[1], now .. '|' .. ARGV[2], 'PX', ARGV[1])
end
return before
