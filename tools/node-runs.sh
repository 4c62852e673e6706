#!/bin/sh
# Says in one line what is missing where the Node.js of node_modules does not run, before npm runs anything with it.
PATH="$(dirname "$0")/../node_modules/.bin:$PATH"

if ! version=$(node --version 2>&1); then
  reason=$(printf '%s\n' "$version" | tail -n 1)
  echo "Node.js does not run ($reason). On Debian and Ubuntu: apt-get install libatomic1" >&2
  exit 1
fi

major=${version#v}
major=${major%%.*}
if [ "$major" -lt 24 ]; then
  echo "Node.js 24 or newer is needed and this is $version. Run npm ci: it brings one." >&2
  exit 1
fi
