-- Reservations that ended long ago go, one by one those that have: what the ledger says of them is told from now on.
-- KEYS: 4 and on the reservations.
-- ARGV: 8 up to which number the ledger was gone through for this before, 9 up to which it is now.

if (redis.call('HGET', KEYS[1], 'forgotten') or '0') ~= ARGV[8] then
  return { 'moved' }
end
for place = 4, #KEYS do
  local state = redis.call('HGET', KEYS[place], 'state')
  if state == 'committed' or state == 'released' then
    write('HDEL', KEYS[place], 'state', 'lines', 'made_at', 'marked')
  end
end
write('HSET', KEYS[1], 'forgotten', ARGV[9])
return write_all({ 'ok' })
