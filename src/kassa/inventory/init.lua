-- Begin to track a product: the one of the only line.
-- KEYS: 4 its stock, 5 all products.

local lines = cjson.decode(ARGV[7])
local product = lines[1][1]
local begun_by = redis.call('HGET', KEYS[4], 'init')
if begun_by then
  return { begun_by == INPUT and 'ok' or 'exists', product }
end
redis.call('HSET', KEYS[4], 'init', INPUT)
redis.call('ZADD', KEYS[5], 0, product)
move('init', lines, { { 0, 0, 0, 0 } }, 4)
return { 'ok' }
