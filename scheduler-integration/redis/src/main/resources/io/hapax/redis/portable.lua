-- Stands in place of server.lua where a server refuses TIME or INFO in scripts, or keys that are not declared. What the server
-- may not be asked, the caller passes, behind the arguments: who the server is, as the caller's connection said; '1' if it said so
-- just now; the caller's clock in microseconds; and how many of the keys are there to be declared only, as the script makes
-- their names itself. A script that looks at a bucket has its quarantine as the first of those: 'spare|length', both in ms, of
-- which the spare end of its time to live does not count, unless somebody turns up who has known the server before.
local named, clock = tonumber(table.remove(ARGV)), tonumber(table.remove(ARGV))
local certain = table.remove(ARGV) == '1'
local identity = table.remove(ARGV)
local quarantine = identity ~= '' and KEYS[#KEYS - named + 1]
-- In the table of keys, as a local that functions use costs the full protocol time, which has neither.
KEYS.quarantine, KEYS.declared = quarantine or nil, {}
for n = 1, #KEYS do KEYS.declared[KEYS[n]] = true end
for n = 1, named do table.remove(KEYS) end
-- Either the server is another one, or this caller does not know it yet: it asks the server again before anything is done.
if quarantine then
  local run = redis.call('HMGET', string.sub(quarantine, 1, -2) .. 'm', 'run')[1]
  if run and run ~= identity and not certain then return redis.error_reply('OTHERSERVER ' .. run) end
end
local time = function() return clock end
-- Reads the fields run, seen, until, last and why of a bucket, and starts a quarantine if the server has changed or has
-- lost its memory. It notes that the caller named the server. What the server counts down ends by the caller's clock as much later as the server has left for it.
local look = function(key, now, epoch, new, lost)
  local meta = redis.call('HMGET', key, 'run', 'seen', 'until', 'last', 'why')
  local left, spare, length = redis.call('PTTL', quarantine), 0, 0
  if left > 0 then
    local kept = redis.call('GET', quarantine) or ''
    spare, length = string.match(kept, '^(%d+)|(%d+)$')
    spare, length = tonumber(spare or 0), tonumber(length or lost)
    if left > length then
      -- The server's clock was set back.
      left = length
      redis.call('PEXPIRE', quarantine, length)
    end
  end
  if meta[1] ~= identity then
    local why = meta[1] and 'restarted' or epoch ~= '' and 'emptied' or 'new'
    left, spare = tonumber(lost), why == 'new' and lost - new or 0
    meta[1], meta[2], meta[5] = identity, micros(math.max(now, (meta[2] or 0) + 1, epoch == '' and 0 or epoch + 1)), why
    -- First: a server that is known and has no quarantine would grant.
    redis.call('SET', quarantine, micros(spare) .. '|' .. micros(lost), 'PX', math.ceil(lost))
    redis.call('HSET', key, 'run', identity, 'seen', meta[2], 'why', why)
  elseif epoch ~= '' and epoch ~= meta[2] and left > 0 and spare > 0 then
    spare, meta[5] = 0, 'emptied'
    redis.call('SET', quarantine, '0|' .. micros(length), 'KEEPTTL')
    redis.call('HSET', key, 'why', meta[5])
  end
  meta[3] = micros(now + 1000 * math.max(left - spare, 0))
  meta.told = true
  return meta
end
