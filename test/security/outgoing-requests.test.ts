import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseSource, readSources } from '../../tools/sources.ts'

/** What a server can reach other machines with; `pg` and `@redis/client` stand in the storage alone. */
const reaching = /\bfetch\s*\(|\b(Http|Https)?[aA]gent\b|\bWebSocket\b|\bEventSource\b|\.request\s*\(/

const clients = /^(undici|axios|got|ws|nodemailer|ioredis|redis|node:(dgram|http2|dns(\/promises)?))$/

const programs = [...readSources()].filter(
  ([path]) => /^(packages\/[^/]+|apps\/blog)\/src\/.*\.ts$/.test(path) && !path.endsWith('.test.ts'),
)
const isIn = (folder: string): typeof programs => programs.filter(([path]) => path.startsWith(folder))
/** The verifier runs elsewhere, and asks one address: that of its issuer. */
const ofVerifier = isIn('packages/verifier/')
/** A command, never a server: it asks the address that whoever runs it has written. */
const ofSmoke = isIn('packages/gatewright/src/smoke/')
const ofServer = programs.filter(program => !ofVerifier.includes(program) && !ofSmoke.includes(program))

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

test('the smoke test asks in one place, and no server has a part of it', () => {
  assert.deepEqual(
    ofSmoke.filter(asks).map(([path]) => path),
    ['packages/gatewright/src/smoke/ask.ts'],
  )
  const importing = ofServer.filter(([path, text]) =>
    parseSource(path, text).imports.some(({ specifier = '' }) => specifier.includes('/smoke/')),
  )
  assert.deepEqual(
    importing.map(([path]) => path),
    ['packages/gatewright/src/cli/smoke.ts'],
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
