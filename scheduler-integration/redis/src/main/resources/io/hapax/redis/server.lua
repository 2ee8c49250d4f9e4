-- Stands before every script: what tells this server process, and each of its promotions, from any other; and what a
-- bucket knows of it. Searched as plain text: patterns take longer over the long answer of INFO than INFO itself.
local micros = function(n) return string.format('%.0f', n) end
local server = function()
  local info = redis.call('INFO', 'server', 'replication')
  local _, run = string.find(info, 'run_id:', 1, true)
  local _, promoted = string.find(info, 'second_repl_offset', run + 40, true)
  return string.sub(info, run + 1, run + 40) .. (promoted and string.match(info, '^:%d+', promoted + 1) or '')
end
-- Reads the fields run, seen, until, last and why of a bucket, and begins a quarantine if the server has changed or has
-- lost its memory.
local look = function(key, now, epoch, new, lost)
  local meta = redis.call('HMGET', key, 'run', 'seen', 'until', 'last', 'why')
  local run = server()
  if meta[1] ~= run then
    meta[5] = meta[1] and 'restarted' or epoch ~= '' and 'emptied' or 'new'
    meta[2] = micros(now)
    meta[3] = micros(now + 1000 * (meta[5] == 'new' and new or lost))
    redis.call('HSET', key, 'run', run, 'seen', meta[2], 'until', meta[3], 'why', meta[5])
  elseif epoch ~= '' and epoch ~= meta[2] and tonumber(meta[3]) < meta[2] + 1000 * lost then
    meta[3], meta[5] = micros(meta[2] + 1000 * lost), 'emptied'
    redis.call('HSET', key, 'until', meta[3], 'why', meta[5])
  end
  return meta
end
