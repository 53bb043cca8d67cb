-- What all scripts share: the text of each is put behind this. Counts stay far below 2^53, up to which Lua is exact.
-- A script checks everything before it writes anything, for what it has written would stay after an error.
-- KEYS: 1 figures, 2 movements, 3 available pieces by product; then its own.
-- ARGV: 1 at, 2 input id, 3 reason, 4 who, 5 request id, 6 the mending that forces it (else empty), 7 the lines: a JSON
-- array of [product, quantity].

local AT, INPUT, REASON, WHO, REQUEST, MENDING = unpack(ARGV, 1, 6)
local IS_FORCED = MENDING ~= ''

-- A forced script makes up for what was lost. Only the last mending that began may do so.
if IS_FORCED and redis.call('HGET', KEYS[1], 'mending') ~= MENDING then
  return { 'superseded' }
end

-- What one piece adds to available, reserved, sold, received: the same as EFFECTS in stock.py.
local EFFECTS = {
  init = { 1, 0, 0, 1 },
  adjust = { 1, 0, 0, 1 },
  reserve = { -1, 1, 0, 0 },
  commit = { 0, -1, 1, 0 },
  release = { 1, -1, 0, 0 },
  restock = { 1, 0, 0, 1 },
}

-- Available, reserved, sold, received; nil if the product is not tracked.
local function level_in(key)
  local found = redis.call('HMGET', key, 'available', 'reserved', 'sold', 'received')
  if not found[1] then
    return nil
  end
  return { tonumber(found[1]), tonumber(found[2]), tonumber(found[3]), tonumber(found[4]) }
end

-- Move pieces of each line, {product, quantity}; its level `now` is kept in keys[first], keys[first + 1] and so on.
-- The movements of a script are one entry of the stream: it has the number of the last of them, and all their lines.
local function move(kind, lines, levels, first)
  local effect, pieces = EFFECTS[kind], 0
  for place, line in ipairs(lines) do
    local quantity, now = line[2], levels[place]
    for figure = 1, 4 do
      now[figure] = now[figure] + effect[figure] * quantity
    end
    redis.call('HSET', KEYS[first + place - 1], 'available', now[1], 'reserved', now[2], 'sold', now[3],
      'received', now[4])
    if effect[1] ~= 0 then
      pieces = pieces + effect[1] * quantity
      redis.call('ZADD', KEYS[3], now[1], line[1])
    end
  end
  local figures = redis.call('HMGET', KEYS[1], 'number', 'available')
  local number, available = tonumber(figures[1] or 0) + #lines, tonumber(figures[2] or 0) + pieces
  redis.call('XADD', KEYS[2], string.format('%.0f-0', number), 'at', AT, 'kind', kind, 'lines', ARGV[7],
    'input_id', INPUT, 'reason', REASON, 'who', WHO, 'request_id', REQUEST)
  redis.call('HSET', KEYS[1], 'number', number, 'available', available, 'at', AT)
end
