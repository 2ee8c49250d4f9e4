-- Looks at the leases or pauses that search.lua has found, of one bucket.
-- KEYS[1] lease, or pause   KEYS[2..] the waiter flag of the lease; then those of the others
-- returns {of each that is there: key, value, ttl left in ms, 1 if awaited}
-- invariant: nothing is changed
local answer = {}
for i = 1, #KEYS, 2 do
  local value, left = redis.pcall('GET', KEYS[i]), redis.pcall('PTTL', KEYS[i])
  if type(value) == 'string' and type(left) == 'number' then
    local awaited = type(redis.pcall('GET', KEYS[i + 1])) == 'string' and 1 or 0
    for _, part in ipairs({KEYS[i], value, math.max(left, 0), awaited}) do answer[#answer + 1] = part end
  end
end
return answer
