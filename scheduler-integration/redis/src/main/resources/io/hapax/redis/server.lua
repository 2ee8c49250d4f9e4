-- Stands before every script: what tells this server process, and each of its promotions, from any other.
local server = function()
  local info = redis.call('INFO', 'server', 'replication')
  return string.match(info, 'run_id:(%x+)') .. (string.match(info, 'second_repl_offset(:%d+)') or '')
end
