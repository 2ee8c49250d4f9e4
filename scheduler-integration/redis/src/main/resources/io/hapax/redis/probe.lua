-- Tells what a store has to know of the server before it trusts it, and fails if the user may not do what the other
-- scripts need.
-- KEYS[1] meta of a bucket
-- ARGV[1..] names of fields of INFO
-- returns {time in micros, value or '' for each field...}
-- invariant: nothing is changed
local t = redis.call('TIME')
redis.call('HMGET', KEYS[1], 'run')
local info = redis.call('INFO')
local answers = {string.format('%.0f', t[1] * 1000000 + t[2])}
for i = 1, #ARGV do answers[i + 1] = string.match(info, '\n' .. ARGV[i] .. ':([^\r\n]*)') or '' end
return answers
