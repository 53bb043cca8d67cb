# Starts Redis (here Valkey) with one user: that of REDIS_URL, who may do what docs/operations.md says, and nothing else.
set -eu
umask 077
user=${REDIS_URL#*://}
user=${user%@*}
cat >/tmp/users.acl <<END
user default off
user ${user%%:*} on >${user#*:} resetchannels ~{kassa}:* +info +select +script|load +evalsha +multi +exec +exists +get +set +hget +hmget +hset +hdel +zadd +zrem +zcard +zcount +zrange +zrangebylex +zrangebyscore +xadd +xrange +xtrim
END
exec valkey-server --dir /data --aclfile /tmp/users.acl --appendonly yes --appendfsync everysec --maxmemory-policy noeviction --save "" "$@"
