-- Stands before the scripts that have to do with the slots of lock keys. A key and its slots are one family. Its index names the
-- slots that may be held, and their limits, in order: '1=3,2=3'. It may name too many, as each counts only while its lease is
-- there, but never too few: it is written before a lease, by each renewal, and lives longer than any lease. All is one function,
-- as most calls need none of it.
local slots_of = function(meta, lease)
  local it = {}
  local name = string.sub(lease, #meta)
  local own, key = string.match(name, '^s:(%d+):(.+)$')
  local tag = string.sub(meta, 1, -2)
  key, own = key or string.sub(name, 3), tonumber(own)
  it.own, it.whole, it.index, it.flag = own, tag .. 'l:' .. key, tag .. 'i:' .. key, tag .. 'w:l:' .. key

  -- The limit that a lease states.
  it.limit = function(value) return tonumber(string.match(value, '|limit=(%d+)')) or own or 1 end

  -- Number, limit, key and value of each slot that is held, in order. What may not be read, as it was not declared, counts as
  -- held, which does no harm to an index; where more depends on it, the answer says how many slots the caller has to declare.
  it.held = function(index, exactly)
    local all, names, held = {}, {}, {}
    for number, limit in string.gmatch(index or '', '(%d+)=(%d+)') do
      names[#names + 1] = tag .. 's:' .. number .. ':' .. key
      all[#all + 1] = {tonumber(number), tonumber(limit), names[#names]}
    end
    for n = 1, #names do
      local readable = not KEYS.declared or KEYS.declared[names[n]]
      if exactly and not readable then error({err = 'NOTDECLARED ' .. micros(all[#all][1])}) end
      -- One by one: users who only read may not do more.
      local value = not readable and '' or redis.pcall('GET', names[n])
      if type(value) == 'string' then
        all[n][4] = value
        held[#held + 1] = all[n]
      end
    end
    return held
  end

  -- Writes an index of those and of this slot.
  it.keep = function(held, limit, ttl)
    local parts, noted = {}, false
    for _, one in ipairs(held) do
      if not noted and one[1] >= own then
        parts[#parts + 1] = own .. '=' .. limit
        noted = true
      end
      if one[1] ~= own then parts[#parts + 1] = one[1] .. '=' .. one[2] end
    end
    if not noted then parts[#parts + 1] = own .. '=' .. limit end
    redis.call('SET', it.index, table.concat(parts, ','), 'PX', ttl)
  end

  -- What does not go with this slot, or with the key itself: key and value of a lease, and '|its slot, 0 for the key itself|its
  -- limit|lowest slot that is free under this limit, or 0|smallest limit under which somebody waits, or -'. Of two slots, each has
  -- to be within the limit of the other; and while any is held, none is granted beyond that smallest limit.
  it.in_the_way = function(value, limit, index)
    it.others = it.held(index, true)
    local first, whole = it.others[1], own and redis.call('GET', it.whole)
    local awaited = redis.call('GET', it.flag)
    awaited = awaited and string.match(awaited, '^%d+')
    local waits = tonumber(awaited or math.huge)
    local goes = function(number, one) return number ~= one[1] and number <= one[2] and one[1] <= limit end
    local worst = first
    if own then
      worst = value and {own, it.limit(value), lease, value} or whole and {0, 1, it.whole, whole}
      for _, one in ipairs(it.others) do
        if not worst and not goes(own, one) then worst = one end
      end
      worst = worst or own > waits and first
    end
    if not worst then return end
    local following = 0
    for number = own and not whole and math.min(limit, waits) or 0, 1, -1 do
      local free = not (value and number == own)
      for _, one in ipairs(it.others) do free = free and goes(number, one) end
      if free then following = number end
    end
    return worst[3], worst[4], table.concat({'', worst[1], worst[2], following, awaited or '-'}, '|')
  end

  -- The leases that do not go with one that is held here on its holder's word, of whom at most one can be valid: number, limit, key
  -- and value of each. What was put in place of one that was taken away bars that alone.
  it.rivals = function(value)
    local limit, rivals = it.limit(value), {}
    local whole = own and redis.call('GET', it.whole)
    if whole and not owned(whole, 'forced') then rivals[1] = {0, 1, it.whole, whole} end
    for _, one in ipairs(it.held(redis.call('GET', it.index), true)) do
      local goes = own and own ~= one[1] and own <= one[2] and one[1] <= limit
      if own ~= one[1] and not goes and not owned(one[4], 'forced') then rivals[#rivals + 1] = one end
    end
    return rivals
  end

  -- Tells whether somebody waits, who asks again soon: until then nobody overtakes it.
  it.awaited = function()
    redis.call('PEXPIRE', it.flag, 5000, 'LT')
    return redis.call('GET', it.flag)
  end
  return it
end
