-- Set the level of the only line's product to what its movements add up to, if it is as it was found.
-- KEYS: 4 its stock, 5 all products.
-- ARGV: 8 to 11 the figures as they were found, 12 to 15 what they are set to.

local lines = cjson.decode(ARGV[7])
local now, wanted = level_in(KEYS[4]) or { 0, 0, 0, 0 }, {}
for figure = 1, 4 do
  if now[figure] ~= tonumber(ARGV[7 + figure]) then
    return { 'moved' }
  end
  wanted[figure] = tonumber(ARGV[11 + figure])
end
local available = tonumber(redis.call('HGET', KEYS[1], 'available') or 0) + wanted[1] - now[1]
redis.call('HSET', KEYS[1], 'available', available)
redis.call('ZADD', KEYS[5], 0, lines[1][1])
move('adjust', lines, { wanted }, 4)
return { 'ok' }
