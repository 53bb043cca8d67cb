-- End a held reservation: what the file behind this one calls. The keys of its products must be named before the
-- lines are known here, so the caller says which lines it took them from, and is told when those are others.
-- KEYS: 4 the reservation, 5 all that are held, 6 all unmarked, 7 and on the stock of each line.

local function finish(kind, state, stored)
  if stored ~= ARGV[7] then
    return { 'lines', stored }
  end
  local lines, levels = cjson.decode(stored), {}
  for place, line in ipairs(lines) do
    levels[place] = level_in(KEYS[6 + place])
    if not levels[place] then
      return { 'lost', line[1] }
    end
  end
  move(kind, lines, levels, 7)
  write('HSET', KEYS[4], 'state', state)
  write('ZREM', KEYS[5], INPUT)
  write('ZREM', KEYS[6], INPUT)
  return write_all({ 'ok' })
end
