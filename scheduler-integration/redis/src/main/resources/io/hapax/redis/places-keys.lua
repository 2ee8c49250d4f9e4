-- Lists who has a place, the first to lose it first.
-- KEYS[1] number of the highest place, see place-keys.lua
-- returns the holders
-- invariant: changes nothing
local it = places()
local all = {}
for n, one in ipairs(it.taken) do all[n] = {one[2], it.left(one[1])} end
table.sort(all, function(a, b) return a[2] < b[2] end)
for n = 1, #all do all[n] = all[n][1] end
return all
