-- Tells how a server is, and what its user may not do.
-- KEYS[1] meta of a bucket
-- ARGV[1..] names of commands
-- returns {time in micros, until when it is in quarantine, why, settings of the workers, version, role, replicas, memory,
--   forbidden command...}
-- invariant: nothing is changed
local meta = redis.call('HMGET', KEYS[1], 'until', 'why', 'settings')
local info = redis.call('INFO')
local field = function(name) return string.match(info, '\n' .. name .. ':([^\r\n]*)') or '' end
local answer = {micros(time()), meta[1] or '', meta[2] or '', meta[3] or '', field('redis_version'), field('role'),
  field('connected_slaves'), field('used_memory_human')}
for i = 1, #ARGV do
  local words = {}
  for word in string.gmatch(ARGV[i], '%S+') do words[#words + 1] = word == 'KEY' and KEYS[1] or word end
  local known, allowed = pcall(redis.acl_check_cmd, unpack(words))
  if known and not allowed then answer[#answer + 1] = words[1] end
end
return answer
