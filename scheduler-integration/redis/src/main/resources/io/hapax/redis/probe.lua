-- Tells what a store has to know of the server before it trusts it, and fails if the user may not do what the other
-- scripts need.
-- KEYS[1] meta of a bucket
-- returns {version, run id or '', memory limit in bytes or '', what happens when the memory is full or ''}
-- invariant: nothing is changed
redis.call('TIME')
redis.call('HMGET', KEYS[1], 'run')
local server, memory = redis.call('INFO', 'server'), redis.call('INFO', 'memory')
return {
  string.match(server, 'redis_version:([^%s]+)') or '',
  string.match(server, 'run_id:(%x+)') or '',
  string.match(memory, 'maxmemory:(%d+)') or '',
  string.match(memory, 'maxmemory_policy:([%a-]+)') or ''
}
