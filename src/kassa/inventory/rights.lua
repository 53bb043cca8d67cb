-- Use every right that the scripts need, and change nothing: what is added goes again, or is refused because its key is
-- not there yet. Returns the first command and key that the server does not allow, and what it says.
-- KEYS: 1 figures, 2 available pieces by product, 3 all products, 4 all that are held, 5 all unmarked; and some that
-- never exist: 6 a stock, 7 a reservation, 8 that an operation was done.

local NOBODY = '-'
local uses = {}

local function use(key, ...)
  table.insert(uses, { key, ... })
end

for _, hash in ipairs({ KEYS[1], KEYS[6], KEYS[7] }) do
  use(hash, 'HSET', hash, NOBODY, 1)
  use(hash, 'HGET', hash, NOBODY)
  use(hash, 'HMGET', hash, NOBODY)
  use(hash, 'HDEL', hash, NOBODY)
end
for _, set in ipairs({ KEYS[2], KEYS[3], KEYS[4], KEYS[5] }) do
  use(set, 'ZADD', set, 'XX', 0, NOBODY)
  use(set, 'ZREM', set, NOBODY)
end
use(KEYS[8], 'EXISTS', KEYS[8])
use(KEYS[8], 'SET', KEYS[8], 0, 'XX')
use(KEYS[8], 'XADD', KEYS[8], 'NOMKSTREAM', '*', NOBODY, 0)

for _, each in ipairs(uses) do
  local answer = redis.pcall(unpack(each, 2))
  if type(answer) == 'table' and answer.err then
    return { each[2], each[1], answer.err }
  end
end
return {}
