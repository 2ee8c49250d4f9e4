-- Reads what is new of the workers, and asks those for all of their lines that are not known and have put up more than is kept.
-- KEYS[1] the board   KEYS[2] set while somebody reads
-- ARGV[1] for how long somebody reads, in ms; 0 if not   ARGV[2..] of each worker that is known: its name, the edition of its changes, and
--   the number of the last one that is known
-- returns {of each: worker, edition, number of the first change here, summary or '', its clock, how many changes, change...}
-- invariant: reads as many keys as there are workers
local known = {}
for at = 2, #ARGV, 3 do known[ARGV[at]] = at end
-- Another reader may stay longer.
if ARGV[1] ~= '0' and tonumber(ARGV[1]) > redis.call('PTTL', KEYS[2]) then redis.call('SET', KEYS[2], '1', 'PX', ARGV[1]) end
local answer = {}
local missing = {}
for _, worker in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], micros(time() / 1000), '+inf')) do
  local name = KEYS[1] .. ':' .. worker
  local readable = not KEYS.declared or KEYS.declared[name]
  if not readable then missing[#missing + 1] = name end
  local kept = readable and redis.call('HMGET', name, 'e', 'n', 'c') or {}
  local at, edition, newest = known[worker], kept[1] or '', tonumber(kept[2] or -1)
  local goes_on = edition ~= '' and at and ARGV[at + 1] == edition and ARGV[at + 2] + 1 > newest - 30
  local first = goes_on and ARGV[at + 2] + 1 or (newest < 30 and 0 or newest + 1)
  local fields = {}
  for number = first, newest do fields[#fields + 1] = micros(number % 30) end
  local changes = #fields > 0 and redis.call('HMGET', name, unpack(fields)) or {}
  if readable and edition ~= '' and not at and #fields == 0 and ARGV[1] ~= '0' then redis.call('HSET', name, 'x', '1') end
  local summary = readable and not goes_on and #fields == 0 and redis.call('HMGET', name, 's')[1]
  if summary or edition ~= '' then
    for _, each in ipairs({worker, edition, micros(first), summary or '', kept[3] or '0', micros(#changes)}) do answer[#answer + 1] = each end
    for _, change in ipairs(changes) do answer[#answer + 1] = change end
  end
end
if #missing > 0 then error({err = 'NOTDECLARED ' .. table.concat(missing, ' ')}) end
return answer
