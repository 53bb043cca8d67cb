-- Begin to mend what server process ARGV[7] has lost, in place of whoever began before. Numbers go on far above all
-- that were ever given, so that none comes twice, whatever is still under way somewhere.
-- ARGV: 2 this mending, 7 the run id, 8 the highest number in the ledger, 9 how far to leap.
-- Returns the number and the time of the last movement that this server still has.

local figures = redis.call('HMGET', KEYS[1], 'mended', 'mending_run', 'from', 'from_at', 'number', 'at')
local mended, begun, from, from_at, number, at = unpack(figures, 1, 6)
if mended == ARGV[7] then
  return { 'mended', tonumber(from), tonumber(from_at) }
end
if not begun or begun == mended then
  from, from_at = number or '0', at or '0'
end
local leap = math.max(tonumber(number or 0), tonumber(ARGV[8])) + tonumber(ARGV[9])
write('HSET', KEYS[1], 'mending', INPUT, 'mending_run', ARGV[7], 'from', from, 'from_at', from_at, 'number', leap)
return write_all({ 'ok', tonumber(from), tonumber(from_at) })
