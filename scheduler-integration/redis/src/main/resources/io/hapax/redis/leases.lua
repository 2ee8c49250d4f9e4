-- Takes one step of a search through the leases of a server, or the pauses.
-- KEYS[1] meta of a bucket, which names namespace and server
-- ARGV[1] where the step before ended, '0' at first   ARGV[2] how large a step   ARGV[3] which kinds of keys
-- returns {id of the server, where the next step starts, and of each: key, value, ttl left in ms, 1 if a lease is awaited}
-- invariant: nothing is changed
local wanted = string.match(KEYS[1], '^(hapax:{[^:]+:)') .. '*}:' .. ARGV[3] .. ':*'
local step = redis.call('SCAN', ARGV[1], 'MATCH', wanted, 'COUNT', ARGV[2])
local answer, n = {server(), step[1]}, 2
for _, key in ipairs(step[2]) do
  local value = redis.pcall('GET', key)
  local left = redis.pcall('PTTL', key)
  -- While a slot moves, the server does not know of keys that are not there.
  if type(value) == 'string' and type(left) == 'number' then
    local tag, name = string.match(key, '^(hapax:%b{}:)(.+)$')
    answer[n + 1], answer[n + 2] = key, value
    answer[n + 3] = math.max(left, 0)
    local awaited = string.gsub(name, '^s:%d+:', 'l:')
    answer[n + 4] = type(redis.pcall('GET', tag .. 'w:' .. awaited)) == 'string' and 1 or 0
    n = n + 4
  end
end
return answer
