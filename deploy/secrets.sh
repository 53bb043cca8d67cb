# Makes the secrets of a folder: sh deploy/secrets.sh deploy
# Each .env.example there becomes an .env, in which each RANDOM is a random value. What an .env has already stays as it is.
set -eu
umask 077
for example in "$1"/.env.example "$1"/*.env.example; do
  [ -f "$example" ] || continue
  file=${example%.example}
  touch "$file"
  chmod 600 "$file"
  grep '^[A-Z]' "$example" | while IFS= read -r line; do
    grep -q "^${line%%=*}=" "$file" && continue
    random=$(od -An -v -tx1 -N32 /dev/urandom | tr -d ' \n')
    printf '%s\n' "$line" | sed "s/RANDOM/$random/" >>"$file"
  done
done
