-- Pushes the expiry of leases of one bucket forward.
-- KEYS[1] meta of the bucket   KEYS[2..] leases
-- ARGV[1] the epoch that the caller knows, or ''   ARGV[2] quarantine in ms of a new namespace
-- ARGV[3] quarantine in ms of one that lost its memory
-- ARGV[4] 'restore' if a majority of servers has just renewed these leases, and this one may have missed them; else ''
-- ARGV[5..] for each lease: owner, token (see server.lua), ttl in ms, its value owner|token|micros|digest|worker|run
-- returns {epoch, answer...}: 1 renewed, 2 forgotten and taken on the holder's word, 0 gone, 'value' held by another,
--   '!message' if this key made trouble
-- invariant: a lease that belongs to another owner, or was granted with another token, is never touched, and a missing one is never written, but in quarantine,
--   when nothing new was granted: then a missing lease, or one with a lower token, is what a server remembers that lost the
--   newest writes; and a missing one if a majority has just confirmed that nobody else can hold it. Of two in quarantine that
--   do not go with each other, the one with the higher token counts. The index of a family names each slot that is renewed
local now = time()
local meta = look(KEYS[1], now, ARGV[1], ARGV[2], ARGV[3])
local quarantined = now < tonumber(meta[3])
local last = tonumber(meta[4] or 0)

-- Puts a slot into the index of its family, which may have been lost.
local index = function(key, value)
  if string.byte(key, #KEYS[1]) ~= 115 then return end
  local family = slots_of(KEYS[1], key)
  local known, limit = redis.call('GET', family.index), family.limit(value)
  if known and string.find(',' .. known .. ',', ',' .. family.own .. '=' .. limit .. ',', 1, true) then
    redis.call('PEXPIRE', family.index, ARGV[3])
  else
    family.keep(family.held(known), limit, ARGV[3])
  end
end

-- The value of a lease of the key's family that was granted later than this one and does not go with it; else those that were granted
-- earlier are taken out of the way.
local overruled = function(key, token, value)
  local kind = string.byte(key, #KEYS[1])
  if not quarantined or kind ~= 115 and kind ~= 108 then return end
  local rivals = slots_of(KEYS[1], key).rivals(value)
  for _, one in ipairs(rivals) do
    if token_of(one[4]) >= token then return one[4] end
  end
  for _, one in ipairs(rivals) do redis.call('DEL', one[3]) end
end

-- The token is noted first: of a lease without it, a later grant could have a lower one.
local restore = function(key, token, ttl, value)
  if token > last then
    local noted = redis.pcall('HSET', KEYS[1], 'last', micros(token))
    if type(noted) == 'table' then return '!' .. noted.err end
    last = token
  end
  local indexed, why = pcall(overruled, key, token, value)
  if indexed and why then return why end
  if indexed then indexed, why = pcall(index, key, value) end
  if not indexed then return '!' .. (type(why) == 'table' and why.err or why) end
  local kept = redis.pcall('SET', key, value, 'PX', ttl)
  return kept.err and '!' .. kept.err or 2
end

local answers = {meta[2]}
for i = 2, #KEYS do
  local arg = 4 * i - 3
  local owner, token, ttl, value = ARGV[arg], ARGV[arg + 1], ARGV[arg + 2], ARGV[arg + 3]
  local held = redis.pcall('GET', KEYS[i])
  if type(held) == 'table' then
    answers[i] = '!' .. held.err
  elseif held and granted_as(held, owner, token) then
    redis.call('PEXPIRE', KEYS[i], ttl)
    -- Where Redis refuses it, the lease lives all the same.
    pcall(index, KEYS[i], value)
    answers[i] = 1
  elseif not held and ARGV[4] == 'restore' or quarantined and (not held or token_of(held) < tonumber(token)) then
    answers[i] = restore(KEYS[i], tonumber(token), ttl, value)
  else
    answers[i] = held or 0
  end
end
return answers
