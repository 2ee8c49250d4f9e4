-- Reads what the workers are at.
-- KEYS[1] the board   KEYS[2] set while somebody reads
-- ARGV[1] for how long somebody reads, in ms; 0 if not
-- returns {worker, report...}
-- invariant: reads as many keys as there are workers
if ARGV[1] ~= '0' then redis.call('SET', KEYS[2], '1', 'PX', ARGV[1]) end
local answer = {}
local missing = {}
for _, worker in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], micros(time() / 1000), '+inf')) do
  local name = KEYS[1] .. ':' .. worker
  local readable = not KEYS.declared or KEYS.declared[name]
  local report = readable and redis.call('GET', name)
  if not readable then missing[#missing + 1] = name end
  if report then
    answer[#answer + 1] = worker
    answer[#answer + 1] = report
  end
end
if #missing > 0 then error({err = 'NOTDECLARED ' .. table.concat(missing, ' ')}) end
return answer
