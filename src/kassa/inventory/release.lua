-- What was held is available again. One that was never made is recorded, so that it is refused when it comes late.

local found = redis.call('HMGET', KEYS[4], 'state', 'lines')
if not found[1] then
  write('HSET', KEYS[4], 'state', 'released', 'lines', '[]', 'made_at', AT, 'marked', 0)
  return write_all({ 'ok' })
end
if found[1] == 'released' then
  return { 'ok' }
end
if found[1] == 'committed' then
  return { 'ended' }
end
return finish('release', 'released', found[2])
