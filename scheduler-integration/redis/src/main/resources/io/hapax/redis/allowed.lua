-- Tells what of the full protocol a server refuses to scripts.
-- KEYS[1] meta of a bucket
-- returns {what it says to TIME, to INFO, to such a key: '' if nothing is wrong; its run_id, or ''}
-- invariant: nothing is changed
local refusal = function(...)
  local answer = redis.pcall(...)
  return type(answer) == 'table' and answer.err or ''
end
local info = redis.pcall('INFO', 'server', 'replication')
local run = type(info) == 'string' and string.match(info, 'run_id:(%w+)')
return {refusal('TIME'), type(info) == 'table' and info.err or '', refusal('GET', string.sub(KEYS[1], 1, -2) .. 'undeclared'), run or ''}
