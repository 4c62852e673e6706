#!/bin/sh
# Takes out of node_modules what no server reads: types, maps, tests, pages of documents. Licences and notices stay.
set -eu
find node_modules -type f '(' -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' -o -name '*.map' \
  -o -name '*.test.js' -o -name '*.test.cjs' -o -name '*.test.mjs' -o -name '*.test.ts' \
  -o -iname 'readme*' -o -iname 'changelog*' -o -iname 'history.md' ')' -delete
# Such folders at the top of a package only: deeper, a folder of that name may be part of it.
find node_modules -regextype posix-extended -type d \
  -regex '(.*/)?node_modules/(@[^/]+/)?[^/]+/(\.github|test|tests|benchmark|benchmarks|docs|example|examples)' \
  -prune -exec rm -rf '{}' +
