-- Notes a fencing token of a key unless a higher one was seen, and answers with the highest.
-- KEYS[1] the highest token of the key, in decimal
-- ARGV[1] the token, in decimal without leading zeros   ARGV[2] for how long the key is remembered, in ms
-- returns the highest token
-- invariant: the token of a key never goes back while the key is remembered
local token = ARGV[1]
local seen = redis.call('GET', KEYS[1])
-- As text: numbers of Lua have 53 bits.
if seen and (#seen > #token or (#seen == #token and seen > token)) then
  token = seen
end
redis.call('SET', KEYS[1], token, 'PX', ARGV[2])
return token
