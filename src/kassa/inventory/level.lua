-- Set the level of the only line's product to what its movements add up to, if it is as it was found; and the sum of
-- all that is available to what all levels add up to.
-- KEYS: 4 its stock, 5 all products.
-- ARGV: 8 to 11 the figures as they were found, 12 to 15 what they are set to.

local lines = cjson.decode(ARGV[7])
local product = lines[1][1]
local now, wanted = level_in(KEYS[4]) or { 0, 0, 0, 0 }, {}
for figure = 1, 4 do
  if now[figure] ~= tonumber(ARGV[7 + figure]) then
    return { 'moved' }
  end
  wanted[figure] = tonumber(ARGV[11 + figure])
end
local available = wanted[1]
local all = redis.call('ZRANGE', KEYS[3], 0, -1, 'WITHSCORES')
for place = 1, #all, 2 do
  if all[place] ~= product then
    available = available + tonumber(all[place + 1])
  end
end
enter('adjust', lines, available - tonumber(redis.call('HGET', KEYS[1], 'available') or 0))
set_level(product, KEYS[4], wanted)
write('ZADD', KEYS[5], 0, product)
return write_all({ 'ok' })
