#!/bin/sh
# Makes what compose.yaml takes from deploy/compose/local: secrets, and nginx' configuration for your name. And .env
# beside compose.yaml, so that every command of Compose knows that name.
#
#   sh deploy/compose/prepare.sh api.example.org                  the certificate is in /etc/letsencrypt/live
#   sh deploy/compose/prepare.sh localhost --self-signed          to try it: makes a certificate that nobody trusts
#
# Run again, it keeps every secret that is there and lines of yours in .env, and writes the configuration anew.
set -eu

name=${1:-}
case $name in
  '' | *[!a-z0-9.-]*)
    echo 'write the name of your API in lower case, such as: sh deploy/compose/prepare.sh api.example.org' >&2
    exit 2
    ;;
esac
if ! command -v openssl >/dev/null; then
  echo 'openssl is needed to make secrets: apt-get install openssl' >&2
  exit 1
fi

cd "$(dirname "$0")"
settings=../../.env
if [ -e "$settings" ] && ! grep -q '^# For Docker Compose' "$settings"; then
  echo 'the .env beside compose.yaml was made for something else, and Compose would read it: take a copy of the repository without one' >&2
  exit 1
fi
umask 077
mkdir -p local/secrets local/nginx local/acme
# Each container reads its own files as a user of its own. On the machine only you can: by the folder.
chmod 700 local local/secrets
chmod 755 local/nginx local/acme

random() {
  openssl rand -base64 32 | tr '+/' '-_' | tr -d '=\n'
}
# Written once: the volume of the database knows the passwords of its first start.
keep() {
  [ -e "local/secrets/$1" ] || printf '%s\n' "$2" >"local/secrets/$1"
  chmod 444 "local/secrets/$1"
}

keep gatewright-secret "$(random)"
keep postgres-password "$(random)"
if [ ! -e local/secrets/postgres-roles.sql ]; then
  owner=$(random)
  server=$(random)
  keep postgres-roles.sql "create role gatewright_owner login password '$owner';
create role gatewright_server login password '$server';
create database gatewright owner gatewright_owner encoding 'UTF8' template template0;"
  keep database-admin-url "postgres://gatewright_owner:$owner@postgres:5432/gatewright"
  keep database-url "postgres://gatewright_server:$server@postgres:5432/gatewright"
fi
if [ ! -e local/secrets/valkey-auth ]; then
  password=$(random)
  keep valkey-auth "requirepass $password"
  keep valkey-url "redis://:$password@valkey:6379"
fi

# The shipped configuration with your name, the server's place, and logs where a container has them.
sed -e "s/api\.example\.org/$name/g" \
  -e 's/server 127\.0\.0\.1:3000 /server 172.31.250.3:3000 /' \
  -e 's#/var/log/nginx/gatewright-error\.log#/dev/stderr#' \
  -e 's#/var/log/nginx/gatewright\.log#/dev/stdout#' \
  -e '/listen \[::\]/d' \
  ../nginx/gatewright.conf >local/nginx/gatewright.conf
chmod 644 local/nginx/gatewright.conf

own=./deploy/compose/local/letsencrypt
if [ "${2:-}" = --self-signed ]; then
  folder="local/letsencrypt/live/$name"
  if [ ! -e "$folder/fullchain.pem" ]; then
    mkdir -p "$folder"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj "/CN=$name" \
      -addext "subjectAltName=DNS:$name" -keyout "$folder/privkey.pem" -out "$folder/fullchain.pem" 2>/dev/null
  fi
  # In its container nginx reads these as root without the right to pass by modes (DAC_OVERRIDE), and they are yours:
  # so the key can be read by others too. On the machine nobody else comes to it: `local` is yours alone.
  chmod 755 local/letsencrypt local/letsencrypt/live "$folder"
  chmod 644 "$folder/privkey.pem" "$folder/fullchain.pem"
  echo "A certificate that no browser trusts is in $own."
fi

# Compose reads it for each of its commands, whoever gives them. No secret is in it.
{
  echo '# For Docker Compose, made by deploy/compose/prepare.sh. Lines of yours stay; no secret belongs here.'
  echo "PUBLIC_URL=https://$name"
  [ "${2:-}" != --self-signed ] || echo "CERTIFICATES=$own"
  [ ! -e "$settings" ] || sed -e '/^# For Docker Compose/d' -e '/^PUBLIC_URL=/d' -e "\\#^CERTIFICATES=$own\$#d" "$settings"
} >"$settings.new"
chmod 644 "$settings.new"
mv "$settings.new" "$settings"
echo 'Start with: docker compose up --detach --build'
