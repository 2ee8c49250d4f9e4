-- Reads what workers say of themselves.
-- KEYS[1] the board
-- returns {worker, summary...}
-- invariant: nothing is changed; reads as many keys as there are workers
local answer = {}
local missing = {}
for _, worker in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], micros(time() / 1000), '+inf')) do
  local name = KEYS[1] .. ':' .. worker
  local readable = not KEYS.declared or KEYS.declared[name]
  local summary = readable and redis.call('HMGET', name, 's')[1]
  if not readable then missing[#missing + 1] = name end
  if summary then
    answer[#answer + 1] = worker
    answer[#answer + 1] = summary
  end
end
if #missing > 0 then error({err = 'NOTDECLARED ' .. table.concat(missing, ' ')}) end
return answer
