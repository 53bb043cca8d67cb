-- Goods come back on the shelf, all lines or none, once for each operation.
-- KEYS: 4 that the operation was done, 5 and on the stock of each line.

if redis.call('EXISTS', KEYS[4]) == 1 then
  return { 'ok' }
end
local lines, levels = cjson.decode(ARGV[7]), {}
for place, line in ipairs(lines) do
  levels[place] = level_in(KEYS[4 + place])
  if not levels[place] then
    return { 'unknown', line[1] }
  end
end
move('restock', lines, levels, 5)
write('SET', KEYS[4], AT)
return write_all({ 'ok' })
