-- Begin to track a product: the one of the only line.
-- KEYS: 4 its stock, 5 all products.

local lines = cjson.decode(ARGV[7])
local product = lines[1][1]
local begun_by = redis.call('HGET', KEYS[4], 'init')
if begun_by then
  return { begun_by == INPUT and 'ok' or 'exists', product }
end
move('init', lines, { { 0, 0, 0, 0 } }, 4)
write('HSET', KEYS[4], 'init', INPUT)
write('ZADD', KEYS[5], 0, product)
return write_all({ 'ok' })
