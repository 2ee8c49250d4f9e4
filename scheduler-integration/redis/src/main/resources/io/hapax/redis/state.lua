-- Tells how a server is, and what its user may not do.
-- KEYS[1] meta of a bucket
-- ARGV[1..] commands; KEY in them stands for the meta key
-- returns {time in micros, until when it is in quarantine, why, settings of the workers, version, role, replicas, memory,
--   forbidden command...}
-- invariant: nothing is changed
local meta = redis.pcall('HMGET', KEYS[1], 'until', 'why', 'settings')
-- What may not be asked is left out, and told below.
local info = redis.pcall('INFO')
if type(info) == 'table' then info = '' end
local now = redis.pcall('TIME')
now = now.err and 0 or now[1] * 1000000 + now[2]
local field = function(name) return string.match(info, '\n' .. name .. ':([^\r\n]*)') or '' end
local answer = {micros(now), meta[1] or '', meta[2] or '', meta[3] or '', field('redis_version'), field('role'),
  field('connected_slaves'), field('used_memory_human')}
for i = 1, #ARGV do
  local words = {}
  for word in string.gmatch(ARGV[i], '%S+') do words[#words + 1] = word == 'KEY' and KEYS[1] or word end
  local known, allowed = pcall(redis.acl_check_cmd, unpack(words))
  if known and not allowed then answer[#answer + 1] = ARGV[i] end
end
return answer
