-- Tells how a server is, and what its user may not do.
-- KEYS[1] meta of a bucket   KEYS[2] its quarantine, see portable.lua
-- ARGV[1..] commands; KEY in them stands for the meta key
-- returns {for how long it is in quarantine yet, in ms; why, settings of the workers, version, role, replicas, memory,
--   forbidden command...}
-- invariant: nothing is changed
local meta = redis.pcall('HMGET', KEYS[1], 'until', 'why', 'settings')
-- What may not be asked is left out, and reported below.
local info = redis.pcall('INFO')
if type(info) == 'table' then info = '' end
local now = redis.pcall('TIME')
-- A user that may not ask for the time gets no quarantine that ends by it.
now = now.err and math.huge or now[1] * 1000000 + now[2]
local left = math.max(0, math.ceil(((meta[1] or 0) - now) / 1000))
local kept, ends = redis.pcall('GET', KEYS[2]), redis.pcall('PTTL', KEYS[2])
if type(kept) == 'string' and type(ends) == 'number' then
  left = math.max(0, ends - (string.match(kept, '^%d+') or 0))
end
local field = function(name) return string.match(info, '\n' .. name .. ':([^\r\n]*)') or '' end
local answer = {micros(left), meta[2] or '', meta[3] or '', field('redis_version'), field('role'),
  field('connected_slaves'), field('used_memory_human')}
for i = 1, #ARGV do
  local words = {}
  for word in string.gmatch(ARGV[i], '%S+') do words[#words + 1] = word == 'KEY' and KEYS[1] or word end
  local known, allowed = pcall(redis.acl_check_cmd, unpack(words))
  if known and not allowed then answer[#answer + 1] = ARGV[i] end
end
return answer
