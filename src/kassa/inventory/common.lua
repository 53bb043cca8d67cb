-- What all scripts share: the text of each is put behind this. Counts stay far below 2^53, up to which Lua is exact.
-- What a script has written stays after an error. So it writes nothing itself: it says what is to be written, and
-- `write_all`, its last step, does so when nothing can fail any more.
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

local writes = {}

local function write(...)
  table.insert(writes, { ... })
end

-- Write all, or fail before anything is written; then that is the answer. Of what the server may still refuse, the
-- rights are asked for (those of the keys it asked itself before the script), and sorted sets are looked at; an entry
-- whose number is not above the last one is refused as the first. All else was read before: it is of its type. Memory,
-- disk and the server's role are looked at before a script begins.
local function write_all(answer)
  local seen = {}
  for _, each in ipairs(writes) do
    local command, key = each[1], each[2]
    if not seen[command] and not redis.acl_check_cmd(unpack(each)) then
      redis.call(unpack(each)) -- It is refused, in the server's own words.
    elseif not seen[key] and (command == 'ZADD' or command == 'ZREM') then
      redis.call('ZCARD', key)
    end
    seen[command], seen[key] = true, true
  end
  for _, each in ipairs(writes) do
    redis.call(unpack(each))
  end
  return answer
end

-- Enter movements of these lines, which change how many pieces are available in sum. Those of a script are one entry of
-- the stream: it has the number of the last of them, and all their lines. To be called before anything else is to be
-- written.
local function enter(kind, lines, pieces)
  local figures = redis.call('HMGET', KEYS[1], 'number', 'available')
  local number, available = tonumber(figures[1] or 0) + #lines, tonumber(figures[2] or 0) + pieces
  write('XADD', KEYS[2], string.format('%.0f-0', number), 'at', AT, 'kind', kind, 'lines', ARGV[7],
    'input_id', INPUT, 'reason', REASON, 'who', WHO, 'request_id', REQUEST)
  write('HSET', KEYS[1], 'number', number, 'available', available, 'at', AT)
end

local function set_level(product, key, level)
  write('HSET', key, 'available', level[1], 'reserved', level[2], 'sold', level[3], 'received', level[4])
  write('ZADD', KEYS[3], level[1], product)
end

-- Move pieces of each line, {product, quantity}; its level `now` is kept in keys[first], keys[first + 1] and so on.
local function move(kind, lines, levels, first)
  local effect, pieces = EFFECTS[kind], 0
  for _, line in ipairs(lines) do
    pieces = pieces + effect[1] * line[2]
  end
  enter(kind, lines, pieces)
  for place, line in ipairs(lines) do
    local now = levels[place]
    for figure = 1, 4 do
      now[figure] = now[figure] + effect[figure] * line[2]
    end
    set_level(line[1], KEYS[first + place - 1], now)
  end
end
