# Makes the secrets of a folder: sh deploy/secrets.sh deploy
# Each .env.example there becomes an .env, in which each RANDOM is a random value, each PRIVATE a service's own key and
# PUBLIC the public keys of them all (Ed25519, RFC 8410). What an .env has already stays as it is.
set -eu
umask 077

private() {
  openssl genpkey -algorithm ed25519 -outform DER | tail -c 32 | openssl base64
}

public() { # of the private key $1, with the bytes before it that make it a file that openssl reads
  { printf '\060\056\002\001\000\060\005\006\003\053\145\160\004\042\004\040' && echo "$1" | openssl base64 -d; } |
    openssl pkey -inform DER -pubout -outform DER | tail -c 32 | openssl base64
}

publics() { # of all services whose private keys are in the file $1
  grep '^SERVICE_KEYS_' "$1" | while IFS=: read -r name key; do printf ',%s:%s' "${name#*=}" "$(public "$key")"; done
}

if ! openssl genpkey -algorithm ed25519 >/dev/null 2>&1; then
  echo "openssl 1.1.1 or newer is needed, for the services' keys." >&2
  exit 1
fi
for example in "$1"/.env.example "$1"/*.env.example; do
  [ -f "$example" ] || continue
  file=${example%.example}
  touch "$file"
  chmod 600 "$file"
  grep '^[A-Z]' "$example" | while IFS= read -r line; do
    grep -q "^${line%%=*}=" "$file" && continue
    case $line in
      *PRIVATE) made=${line%PRIVATE}$(private) ;;
      *PUBLIC) made=$(publics "$file") && made=${line%PUBLIC}${made#,} ;;
      *) made=$(printf '%s\n' "$line" | sed "s/RANDOM/$(od -An -v -tx1 -N32 /dev/urandom | tr -d ' \n')/") ;;
    esac
    printf '%s\n' "$made" >>"$file"
  done
done
