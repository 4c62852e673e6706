import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseSource, readSources } from '../../tools/sources.ts'

/** What a server can reach other machines with; `pg` and `@redis/client` stand in the storage alone. */
const reaching = /\bfetch\s*\(|\b(Http|Https)?[aA]gent\b|\bWebSocket\b|\bEventSource\b|\.request\s*\(/

const clients = /^(undici|axios|got|ws|nodemailer|ioredis|redis|node:(dgram|http2|dns(\/promises)?))$/

const programs = [...readSources()].filter(
  ([path]) => /^(packages\/[^/]+|apps\/blog)\/src\/.*\.ts$/.test(path) && !path.endsWith('.test.ts'),
)
const isOfVerifier = (path: string): boolean => path.startsWith('packages/verifier/')
/** The verifier runs elsewhere, and asks one address: that of its issuer. */
const [ofServer, ofVerifier] = [false, true].map(wanted =>
  programs.filter(([path]) => isOfVerifier(path) === wanted),
) as [typeof programs, typeof programs]

const asks = ([path, text]: readonly [string, string]): boolean => {
  const { code, imports } = parseSource(path, text)
  return reaching.test(code) || imports.some(({ specifier = '' }) => clients.test(specifier))
}

test('request forgery by the server: it asks another machine in two places, whose addresses are settings', () => {
  const faults = ofServer.filter(asks)
  assert.ok(ofServer.length > 100)
  assert.deepEqual(
    faults.map(([path]) => path),
    [
      'packages/gatewright/src/federation/get-issuer-json.ts',
      'packages/gatewright/src/users/breach-check.ts',
    ],
  )
})

test('a verifier elsewhere asks in one place, which follows no redirect, and for an issuer only on its own address', () => {
  assert.deepEqual(
    ofVerifier.filter(asks).map(([path]) => path),
    ['packages/verifier/src/get-json.ts'],
  )
})

test('only the storage opens connections to others', () => {
  const importsClient = ofServer.filter(([path, text]) =>
    parseSource(path, text).imports.some(({ specifier = '' }) =>
      /^(pg|@redis\/client)(\/|$)/.test(specifier),
    ),
  )
  for (const [path] of importsClient) assert.match(path, /^packages\/gatewright\/src\/storage\//)
  assert.ok(importsClient.length > 1)
})
