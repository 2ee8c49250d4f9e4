-- Gives one lease back that is not of a slot, and is held; exchange.lua is asked for everything else.
-- KEYS[1] lease   KEYS[2] its waiter flag   KEYS[3] done marker   KEYS[4] history of the job (all in one hash slot)
-- ARGV[1] 'owner|token|'   ARGV[2] channel for wake-ups   ARGV[3] retention of the done marker in ms, 0 for none
-- ARGV[4] digest of the run key, worker, run and how the occurrence ended   ARGV[5] what the job's history says of it behind owner
--   and token, or ''
-- returns {} if exchange.lua has to be asked, and the lease was not given back; else {'', 1}
-- invariant: that of exchange.lua: nothing is changed unless the lease is the caller's, which is there until its marker is
local call = redis.pcall
local read = call('MGET', KEYS[1], KEYS[2])
if read.err then return {} end
local held, flag = read[1], read[2]
if not held or string.sub(held, 1, #ARGV[1]) ~= ARGV[1] then return {} end
local awaited, now
if ARGV[3] ~= '0' or ARGV[5] ~= '' then
  local t = call('TIME')
  if t.err then return {} end
  now = string.format('%.0f', t[1] * 1000000 + t[2])
end
if ARGV[3] == '0' then
  local gone = call('DEL', KEYS[1], KEYS[2])
  if type(gone) ~= 'number' then return {} end
  awaited = gone == 2
else
  -- First of all: a script that has written may go on to write its marker when memory is full.
  local gone = call('DEL', KEYS[2])
  if type(gone) ~= 'number' then return {} end
  awaited = gone == 1
  if call('SET', KEYS[3], ARGV[1] .. now .. '|' .. ARGV[4], 'PX', ARGV[3]).err then return {} end
  if type(call('DEL', KEYS[1])) ~= 'number' then return {} end
end
if awaited then
  -- As wake in values.lua.
  local limit, first, rest = string.match(flag or '', '^(%d+);([^;*]+);([^*]*)$')
  call('PUBLISH', ARGV[2], first and ';' .. first .. ';' .. KEYS[1] or KEYS[1])
  if first and rest ~= '' then call('SET', KEYS[2], limit .. ';' .. rest, 'PX', 5000) end
end
if ARGV[5] ~= '' then
  -- Nothing depends on it, so it comes last, and may be refused.
  if type(call('LPUSH', KEYS[4], now .. '|' .. ARGV[1] .. ARGV[5])) == 'number' then
    call('LTRIM', KEYS[4], 0, 99)
    call('PEXPIRE', KEYS[4], 90 * 86400000)
  end
end
return {'', 1}
