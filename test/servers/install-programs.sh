#!/bin/sh
# `npm run test:programs`: installs what the tests start beside Node.js, from the packages of Debian or Ubuntu, and starts
# none of it. Without it most come from packages that are unpacked for the tests alone, and tests of the others are skipped.
set -eu

# Asked by packages whether their service may be started: no.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
fi

export DEBIAN_FRONTEND=noninteractive
apt-get update
apt-get install --yes --no-install-recommends \
  bsdextrautils caddy certbot curl faketime nginx openssl pebble pgbouncer procps prometheus python3-certbot-nginx \
  redis-server systemd testssl.sh util-linux
command -v chromium >/dev/null || command -v google-chrome >/dev/null ||
  apt-get install --yes --no-install-recommends chromium
