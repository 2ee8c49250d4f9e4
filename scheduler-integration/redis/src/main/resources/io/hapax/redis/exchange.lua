-- Gives leases of one bucket out and takes them back, in the order in which it was asked to.
-- KEYS[1] meta of the bucket   KEYS[2..] of each request: lease, done marker, waiter flag; and the pause of the key to take a
--   lease, or the history of a job to give it back (all in one hash slot)
-- ARGV[1] the epoch that the caller knows, or ''   ARGV[2] quarantine in ms of a new namespace
-- ARGV[3] quarantine in ms of one that lost its memory   ARGV[4] highest token that the caller has seen
-- ARGV[5] channel for wake-ups   ARGV[6..] of each request six, which are, to take a lease:
--     'acquire', or 'wait;' and the caller's process if it waits, or for a slot 'slot' or 'slot-wait'; owner; ttl in ms; digest of the run key, or '-';
--     worker and run, and the limit of a slot; index of the slots of the lock key, see slots.lua, or ''
--   and to give it back:
--     'release', or 'release-slot', or if those who wait stay in the flag and are not notified 'give-back' or 'give-back-slot'; owner; retention of
--     the done marker in ms, 0 for none; token, see server.lua; digest of the run key, worker,
--     run and how the occurrence ended; what the job's history says of it behind owner and token, or ''
-- returns {epoch, or '' if it was not asked for, answers...}. To an acquire three: 1 granted (token, since when in
--   microseconds, with a leading zero if settle.lua has written the token back), 0 held (value of the lease, ttl left in ms),
--   5 the same where slots are concerned (value of the lease; 'ttl left in ms|slot, 0 for the key itself|its limit|next slot or
--   0|smallest limit under which somebody waits, or -'), 3 done (value of the marker, 0), 2 quarantine (why: new, emptied or restarted; ms left), 4 paused (value of the pause, ms left), -1 trouble with this request
--   alone (message, 0). To a release one: 1 if the owner held the lease with this token or this repeats a release with the
--   same marker, 0 if it was lost, the message if it made trouble
-- invariant: a token is larger than every token granted before, and no lease of another owner exists when it is granted, nor
--   one of the same family that does not go with it.
--   A run that lost its lease changes nothing; only in quarantine, when nobody else can have been granted the lease, is the
--   word of a forgotten holder taken, unless a later one has shown itself. A completed run's lease is there until its marker is.
--   A caller is refused because of a pause only if it would get the lease otherwise
local clock, meta
local now = function()
  clock = clock or time()
  return clock
end
local bucket = function()
  meta = meta or look(KEYS[1], now(), ARGV[1], ARGV[2], ARGV[3])
  return meta
end
local answers, n = {''}, 1
local answer = function(a, b, c)
  answers[n + 1], answers[n + 2], answers[n + 3] = a, b, c
  n = n + (b and 3 or 1)
end

-- Tokens are set aside for all that may still be granted by this call, so that a failure in between repeats none.
local token
local draw = function(left)
  if not token then
    token = math.max(now(), (bucket()[4] or 0) + 1, ARGV[4] + 1)
    local last, calm = micros(token + left - 1), meta.master and meta.master .. meta[2]
    local noted = calm and calm ~= meta[6] and redis.pcall('HSET', KEYS[1], 'last', last, 'calm', calm)
      or redis.pcall('HSET', KEYS[1], 'last', last)
    if type(noted) == 'table' then
      token = nil
      return noted
    end
  else
    token = token + 1
  end
  return token
end

local acquire = function(i, arg, left)
  local what, owner, ttl, digest, index = ARGV[arg], ARGV[arg + 1], ARGV[arg + 2], ARGV[arg + 3], ARGV[arg + 5]
  local slot = what == 'slot' or what == 'slot-wait'
  bucket()
  local done = digest ~= '-' and redis.pcall('GET', KEYS[i + 1])
  if type(done) == 'table' then return answer(-1, done.err, 0) end
  if done then return answer(3, done, 0) end
  local all = index == '' and redis.pcall('MGET', KEYS[i], KEYS[i + 3]) or redis.pcall('MGET', KEYS[i], KEYS[i + 3], index)
  if all.err then return answer(-1, all.err, 0) end
  local held, paused, listed = all[1], all[2], all[3]
  -- In the portable protocol it may have been granted by a server that was taken for another one.
  if held and owned(held, owner) and not (meta.told and now() < tonumber(meta[3])) then
    local granted, since = string.match(held, '^[^|]+|(%d+)|(%d+)|')
    if not granted then return answer(0, held, 0) end
    if slot then
      local family = slots_of(KEYS[1], KEYS[i])
      family.keep(family.held(listed), family.limit(held), ARGV[3])
    end
    redis.call('PEXPIRE', KEYS[i], ttl)
    return answer(1, granted, since)
  end
  local family, beside
  local lease, limit = KEYS[i], 1
  if slot or listed and not held then
    family = slots_of(KEYS[1], KEYS[i])
    limit = slot and family.limit(ARGV[arg + 4]) or 1
    lease, held, beside = family.in_the_way(held, limit, listed)
    -- Nothing that it names is held any more.
    if not held and not slot then redis.call('DEL', index) end
  end
  if held then
    local rest = math.max(redis.call('PTTL', lease), 0)
    if rest > tonumber(ARGV[3]) and (ARGV[1] == '' or ARGV[1] == meta[2]) then
      -- No ttl is as long: the clock was set back. Its holder continues to renew it, and need not be waited for any longer. A caller that has not
      -- seen the new epoch may not know of longer ones.
      rest = tonumber(ARGV[3])
      redis.call('PEXPIRE', lease, rest)
    end
    local process = what == 'slot-wait' and '*' or string.match(what, '^wait;(.+)$')
    if process then
      local flag = redis.pcall('GET', KEYS[i + 2])
      flag = type(flag) == 'string' and string.find(flag, '^%d') and flag
      local text = waits_too(flag, limit, process)
      if flag and tonumber(string.match(flag, '^%d+')) < limit then
        -- The smaller limit ends with those who have it.
        redis.call('SET', KEYS[i + 2], text, 'KEEPTTL')
      else
        redis.call('SET', KEYS[i + 2], text, 'PX', rest + 5000)
      end
    end
    if beside then return answer(5, held, rest .. beside) end
    return answer(0, held, rest)
  end
  local till = tonumber(meta[3])
  local waits = now() < till
  -- Where several are read at once, a value that is no text is left out.
  local strange = (waits or paused) and redis.pcall('GET', KEYS[i])
  if type(strange) == 'table' then return answer(-1, strange.err, 0) end
  if waits then return answer(2, meta[5] or 'new', math.ceil((till - now()) / 1000)) end
  -- A caller that does not know that the settings were replaced may mean another key: it compares them first.
  if meta[5] == 'replaced' and ARGV[1] ~= '' and ARGV[1] ~= meta[2] then return answer(2, meta[5], 1) end
  if paused then return answer(4, paused, math.max(redis.call('PTTL', KEYS[i + 3]), 0)) end
  local drawn = draw(left)
  if type(drawn) == 'table' then return answer(-1, drawn.err, 0) end
  local text = micros(drawn)
  local since = clock == token and text or micros(now())
  local value = owner .. '|' .. text .. '|' .. since .. '|' .. digest .. '|' .. ARGV[arg + 4]
  if slot then family.keep(family.others, limit, ARGV[3]) end
  if not redis.call('SET', KEYS[i], value, 'PX', ttl, 'NX') then
    strange = redis.pcall('GET', KEYS[i])
    return answer(-1, type(strange) == 'table' and strange.err or 'the lease is there and cannot be read', 0)
  end
  answer(1, text, since)
end

-- What fails on the way leaves the lease, so that it can be repeated.
local release = function(i, arg)
  local owner, retention, token = ARGV[arg + 1], ARGV[arg + 2], ARGV[arg + 3]
  local held = redis.pcall('GET', KEYS[i])
  if type(held) == 'table' then return answer(held.err) end
  local mine = held and granted_as(held, owner, token)
  if not mine then
    local done = retention ~= '0' and redis.pcall('GET', KEYS[i + 1])
    if type(done) == 'table' then return answer(done.err) end
    local same = done and granted_as(done, owner, token) and added(done) == added('|||' .. ARGV[arg + 4])
    if done then return answer(same and 1 or 0) end
    local later = held and token_of(held) >= tonumber(token)
    if later or now() >= tonumber(bucket()[3]) then return answer(0) end
  end
  -- First of all: a script that has written may go on to write its marker when memory is full.
  local family = string.sub(ARGV[arg], -5) == '-slot' and slots_of(KEYS[1], KEYS[i])
  local tells, awaited = string.sub(ARGV[arg], 1, 7) == 'release', nil
  if tells and family then
    awaited = family.awaited()
  elseif tells then
    awaited = redis.pcall('GET', KEYS[i + 2])
    redis.call('DEL', KEYS[i + 2])
  end
  if retention ~= '0' then
    local granted = string.match(token, '^0?(%d+)$')
    local marker = table.concat({owner, granted, micros(now()), ARGV[arg + 4]}, '|')
    redis.call('SET', KEYS[i + 1], marker, 'PX', retention)
  end
  if mine then redis.call('DEL', KEYS[i]) end
  if family and #family.held(redis.call('GET', family.index)) == 0 then redis.call('DEL', family.index) end
  if family and awaited then
    redis.call('PUBLISH', ARGV[5], family.whole)
  elseif awaited then
    wake(ARGV[5], KEYS[i], KEYS[i + 2], type(awaited) == 'string' and awaited or '')
  end
  if ARGV[arg + 5] ~= '' then
    -- Nothing depends on it, so it comes last, and may be refused.
    local entry = table.concat({micros(now()), owner, string.match(token, '^0?(%d+)$'), ARGV[arg + 5]}, '|')
    if type(redis.pcall('LPUSH', KEYS[i + 3], entry)) == 'number' then
      redis.pcall('LTRIM', KEYS[i + 3], 0, 99)
      redis.pcall('PEXPIRE', KEYS[i + 3], 90 * 86400000)
    end
  end
  answer(1)
end

-- Whatever Redis refuses to one request, as when its memory is full, is no trouble for the others.
local requests = (#KEYS - 1) / 4
local gives_back = {release = true, ['release-slot'] = true, ['give-back'] = true, ['give-back-slot'] = true}
for request = 1, requests do
  local i, arg = 4 * request - 2, 6 * request
  local releases = gives_back[ARGV[arg]]
  local fine, why = pcall(releases and release or acquire, i, arg, requests - request + 1)
  if not fine then
    why = type(why) == 'table' and why.err or why
    if releases then answer(why) else answer(-1, why, 0) end
  end
end
if meta then answers[1] = meta[2] end
return answers
