-- Stands before every script of the full protocol: the server's clock; what tells this server process, and each of its
-- promotions, from any other; and what a bucket knows of it. INFO is searched as plain text: patterns take longer over its
-- long answer than INFO itself. The portable protocol has portable.lua in its place.
local time = function()
  local t = redis.call('TIME')
  return t[1] * 1000000 + t[2]
end
local server = function()
  local info = redis.call('INFO', 'server', 'replication')
  local _, run = string.find(info, 'run_id:', 1, true)
  local _, promoted = string.find(info, 'second_repl_offset', run + 40, true)
  -- What acquire.lua, which asks for less, tells it by; one of zeros is none.
  local _, master = string.find(info, 'role:master\r', 1, true)
  local _, id = string.find(info, 'master_replid:', master or #info, true)
  id = id and string.find(string.sub(info, id + 1, id + 40), '[1-9a-f]') and id
  return string.sub(info, run + 1, run + 40) .. (promoted and string.match(info, '^:%d+', promoted + 1) or ''),
    id and string.sub(info, id + 1, id + 40)
end
-- Whether this server proves that it has forgotten nothing that can still count: it was up for longer than any lease lives
-- without a renewal, was never a replica, and has evicted and flushed nothing since, nor lost count of it. Of a Cluster, whose slots
-- move, nothing is proven. Keys that were deleted one by one cannot be seen.
local remembers = function(lost)
  local info = redis.call('INFO', 'server', 'stats', 'commandstats')
  local says = function(text) return string.find(info, '\n' .. text, 1, true) end
  local up = tonumber(string.match(info, '\nuptime_in_seconds:(%d+)') or 0)
  if 1000 * up <= tonumber(lost) or not (says('redis_mode:standalone\r') or says('server_mode:standalone\r')) or not says('cmdstat_eval') then return false end
  if not says('evicted_keys:0\r') or not says('total_net_repl_input_bytes:0\r') then return false end
  for _, command in ipairs({'flushall', 'flushdb', 'swapdb', 'debug', 'replicaof', 'slaveof', 'config|resetstat'}) do
    if says('cmdstat_' .. command .. ':') then return false end
  end
  return true
end
-- Reads the fields run, seen, until, last, why and calm (see acquire.lua) of a bucket, and starts a quarantine if the server has
-- changed or has lost its memory. If the clock was set back to before this server was first seen, an old quarantine would start again, and
-- last for as long as the clock was set back: a new one, of the usual length, takes its place.
local look = function(key, now, epoch, new, lost)
  local meta = redis.call('HMGET', key, 'run', 'seen', 'until', 'last', 'why', 'calm')
  local run, master = server()
  meta.master = master
  if meta[1] == run and tonumber(meta[2]) > now + 1000000 then
    meta[3] = micros(now + math.max(meta[3] - meta[2], 1000 * lost))
    meta[2], meta[5] = micros(now), 'set back'
    redis.call('HSET', key, 'seen', meta[2], 'until', meta[3], 'why', meta[5])
  end
  if meta[1] ~= run then
    meta[5] = meta[1] and 'restarted' or epoch ~= '' and 'emptied' or 'new'
    meta[2] = micros(now)
    meta[3] = micros(now + 1000 * (meta[5] ~= 'new' and lost or remembers(lost) and 0 or new))
    redis.call('HSET', key, 'run', run, 'seen', meta[2], 'until', meta[3], 'why', meta[5])
  elseif epoch ~= '' and epoch ~= meta[2] and tonumber(meta[3]) < meta[2] + 1000 * lost then
    meta[3], meta[5] = micros(meta[2] + 1000 * lost), 'emptied'
    redis.call('HSET', key, 'until', meta[3], 'why', meta[5])
  end
  return meta
end
