-- Tells the server's version, and fails if the user may not do what the other scripts need.
-- KEYS[1] meta of a bucket
-- returns the version
-- invariant: nothing is changed
redis.call('TIME')
redis.call('HMGET', KEYS[1], 'run')
return string.match(redis.call('INFO', 'server'), 'redis_version:([^%s]+)')
