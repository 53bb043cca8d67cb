-- Enter a movement that the ledger lacks though what it did is there, once. No level moves: `level` does that.
-- KEYS: 4 that it was entered so.
-- ARGV: 8 its kind.

if redis.call('EXISTS', KEYS[4]) == 0 then
  enter(ARGV[8], cjson.decode(ARGV[7]), 0)
  write('SET', KEYS[4], AT)
end
return write_all({ 'ok' })
