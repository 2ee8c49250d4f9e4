-- Keeps a place under a name for a time, whether its holder is alive or not, unless all places are taken.
-- KEYS[1] number of the highest place, see place-keys.lua
-- ARGV[1] who asks   ARGV[2] how many places there are; 0 prolongs the place of a holder that has one, and makes none
-- ARGV[3] for how long, in ms
-- returns {'1', '', 1 if it had one before, else 0} if the holder has a place, else {'0', holder of the place that is free
--   first, ms until then}; {'0', '', 0} if none was to be made
-- invariant: no holder gets a place while as many others as there are places have one. Nobody's place is shortened
local it = places()
local own, length = it.of(ARGV[1]), tonumber(ARGV[3])
if own then
  it.note(own, length)
  if it.left(own) < length then redis.call('PEXPIRE', it.key(own), length) end
  return {'1', '', 1}
end
if ARGV[2] == '0' then return {'0', '', 0} end
if #it.taken >= tonumber(ARGV[2]) then
  local first, rest = nil, math.huge
  for _, one in ipairs(it.taken) do
    local left = it.left(one[1])
    if left < rest then first, rest = one[2], left end
  end
  return {'0', first, rest}
end
it.need(it.free)
it.note(it.free, length)
redis.call('SET', it.key(it.free), ARGV[1], 'PX', length)
return {'1', '', 0}
