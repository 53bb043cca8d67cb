-- What was held is sold.

local found = redis.call('HMGET', KEYS[4], 'state', 'lines')
if found[1] == 'committed' then
  return { 'ok' }
end
if found[1] ~= 'held' then
  return { 'ended' }
end
return finish('commit', 'committed', found[2])
