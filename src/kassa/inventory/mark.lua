-- The reservation's order exists.
-- KEYS: 4 the reservation, 5 all unmarked.

if redis.call('EXISTS', KEYS[4]) == 1 then
  write('HSET', KEYS[4], 'marked', 1)
  write('ZREM', KEYS[5], INPUT)
end
return write_all({ 'ok' })
