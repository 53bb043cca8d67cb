-- Add pieces or take some away, of the product of the only line, once for each operation.
-- KEYS: 4 the product's stock, 5 that the operation was done.

local lines = cjson.decode(ARGV[7])
local product, change = lines[1][1], lines[1][2]
local now = level_in(KEYS[4])
if not now then
  return { 'unknown', product }
end
if redis.call('EXISTS', KEYS[5]) == 0 then
  if now[1] + change < 0 and not IS_FORCED then
    return { 'insufficient', product, -change, now[1] }
  end
  move('adjust', lines, { now }, 4)
  write('SET', KEYS[5], AT)
end
return write_all({ 'ok', now[1], now[2], now[3], now[4] })
