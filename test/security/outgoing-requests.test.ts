import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseSource, readSources } from '../../tools/sources.ts'

/** What a server can reach other machines with; `pg` and `@redis/client` stand in the storage alone. */
const reaching = /\bfetch\s*\(|\b(Http|Https)?[aA]gent\b|\bWebSocket\b|\bEventSource\b|\.request\s*\(/

const clients = /^(undici|axios|got|ws|nodemailer|ioredis|redis|node:(dgram|http2|dns(\/promises)?))$/

const ofServer = [...readSources()].filter(
  ([path]) => /^(packages\/[^/]+|apps\/blog)\/src\/.*\.ts$/.test(path) && !path.endsWith('.test.ts'),
)

test('request forgery by the server: no code of it asks another machine, so no input can choose one', () => {
  const faults = ofServer.filter(([path, text]) => {
    const { code, imports } = parseSource(path, text)
    return reaching.test(code) || imports.some(({ specifier = '' }) => clients.test(specifier))
  })
  assert.ok(ofServer.length > 100)
  assert.deepEqual(
    faults.map(([path]) => path),
    [],
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
