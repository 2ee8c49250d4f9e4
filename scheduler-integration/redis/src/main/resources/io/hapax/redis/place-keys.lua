-- Stands before the portable scripts of places. KEYS[1] has the number of the highest place that may be taken, which is
-- written before it is taken, and lives as long; each place is a key of its own with its holder, and ends by itself.
local places = function()
  local it = {}
  local tag, name = string.match(KEYS[1], '^(.-}:g:)0(:.*)$')
  local highest = tonumber(redis.call('GET', KEYS[1]) or 0)
  it.key = function(number) return tag .. number .. name end
  it.need = function(number)
    if not KEYS.declared[it.key(number)] then error({err = 'NOTDECLARED ' .. micros(number)}) end
  end
  if highest > 0 then it.need(highest) end

  -- Number and holder of each place that is taken, in order; the lowest that is free; the highest that is taken.
  it.taken, it.free, it.top = {}, highest + 1, 0
  for number = highest, 1, -1 do
    local holder = redis.call('GET', it.key(number))
    if holder then
      table.insert(it.taken, 1, {number, holder})
      it.top = math.max(it.top, number)
    else
      it.free = number
    end
  end

  it.left = function(number) return math.max(redis.call('PTTL', it.key(number)), 0) end
  it.of = function(who)
    for _, one in ipairs(it.taken) do
      if one[2] == who then return one[1] end
    end
  end

  -- Lets the number of the highest place live as long as any.
  it.note = function(number, length)
    local top = math.max(it.top, number)
    redis.call('SET', KEYS[1], micros(top), 'PX', math.max(length, redis.call('PTTL', KEYS[1])))
  end
  return it
end
