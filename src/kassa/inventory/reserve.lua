-- Hold all the lines, or none.
-- KEYS: 4 the reservation, 5 all that are held, 6 all unmarked, 7 and on the stock of each line.

local state = redis.call('HGET', KEYS[4], 'state')
if state then
  return { state == 'released' and 'ended' or 'ok' }
end
local lines, levels = cjson.decode(ARGV[7]), {}
for place, line in ipairs(lines) do
  local product, quantity = line[1], line[2]
  local now = level_in(KEYS[6 + place])
  if not now then
    return { 'unknown', product }
  end
  if now[1] < quantity and not IS_FORCED then
    return { 'insufficient', product, quantity, now[1] }
  end
  levels[place] = now
end
move('reserve', lines, levels, 7)
write('HSET', KEYS[4], 'state', 'held', 'lines', ARGV[7], 'made_at', AT, 'marked', 0)
write('ZADD', KEYS[5], AT, INPUT)
write('ZADD', KEYS[6], AT, INPUT)
return write_all({ 'ok' })
