# Starts MongoDB, which lets in only whom mongo.js makes.
set -eu
umask 077
printf '%s' "$MONGO_KEY" >/tmp/key
(until mongosh --quiet "mongodb://127.0.0.1/?directConnection=true" /stores/mongo.js; do sleep 1; done) &
exec mongod --replSet kassa --keyFile /tmp/key --bind_ip_all "$@"
