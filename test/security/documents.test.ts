import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { parseSource, readSources } from '../../tools/sources.ts'
import { startTestApp, type TestApp } from '../harness.ts'
import { readCodeWords, readDocument, readPart, toTable, withParts } from '../markdown.ts'

let t: TestApp
before(async () => {
  t = await startTestApp()
})
after(() => t.close())

const cryptography =
  /^(node:crypto|jose|@node-rs\/(argon2|bcrypt)|selfsigned|otpauth|@simplewebauthn\/server)$/

const calls =
  /\b(?:createHash|createHmac|createCipheriv|createDecipheriv|hkdfSync|pbkdf2\w*|scrypt\w*|createSign|createVerify|publicEncrypt|generateKeyPair\w*)\(\s*(?:'[^']*'|\w+)/g

/** Each file of the program that uses cryptography, with the calls that name an algorithm. */
const listUses = (): readonly (readonly [path: string, calls: string])[] =>
  [...readSources()].flatMap(([path, text]) => {
    if (!/^(packages|apps)\/[^/]+\/src\//.test(path) || path.endsWith('.test.ts')) return []
    const names = new Set(
      parseSource(path, text)
        .imports.map(({ specifier = '' }) => specifier)
        .filter(specifier => cryptography.test(specifier)),
    )
    if (names.size === 0) return []
    const found = new Set((text.match(calls) ?? []).map(call => `${call})`))
    const written = [...names, ...found].map(word => `\`${word}\``).join(', ')
    return [[`\`${path}\``, written] as const]
  })

test('docs/security/cryptography.md names every use of cryptography (UPDATE_DOCS=1 writes it)', () => {
  const uses = toTable(['file', 'uses'], listUses())
  const page = withParts('docs/security/cryptography.md', { uses })
  assert.equal(readPart(page, 'uses').trim(), uses)
})

test('no weak algorithm is used: SHA-256, AES-256-GCM, HKDF and ES256 are all there are, and SHA-1 for what others list by it', () => {
  // A passkey of the test kit signs with what browsers offer: no server loads it.
  const ofServers = listUses().filter(([path]) => !path.includes('/testing/'))
  const named = ofServers.flatMap(([, words]) => words.match(/'[^']+'/g) ?? [])
  assert.deepEqual([...new Set(named)].sort(), ["'aes-256-gcm'", "'sha1'", "'sha256'"])
})

test('SHA-1 is computed for the breach service alone', () => {
  const users = [...readSources()].filter(([path, text]) => {
    const { imports, code } = parseSource(path, text)
    return /^packages\/[^/]+\/src\//.test(path) && imports.length > 0 && /\bsha1\s*\(/.test(code)
  })
  assert.deepEqual(
    users.map(([path]) => path).filter(path => !path.endsWith('.test.ts')),
    ['packages/gatewright/src/users/breach-check.ts'],
  )
})

test('docs/security/data.md has every table, and columns that are there', async () => {
  const tables = (await t.engine.db.introspection.getTables()).filter(({ name }) => !/migration/.test(name))
  const [, section = ''] = readDocument('docs/security/data.md').split('## Tables')
  const rows = [...section.matchAll(/^\| `(\w+)` \|([^|]*)\|([^|]*)\|/gm)]
  assert.deepEqual(rows.map(([, name]) => name).sort(), tables.map(({ name }) => name).sort())
  for (const [, name, secret = '', personal = ''] of rows) {
    const columns = tables.find(table => table.name === name)?.columns.map(column => column.name) ?? []
    for (const column of readCodeWords(`${secret} ${personal}`)) assert.ok(columns.includes(column), column)
  }
})

test('every column that holds a hash, a key or a secret is named as secret', async () => {
  const words = readCodeWords(readDocument('docs/security/data.md'))
  const tables = (await t.engine.db.introspection.getTables()).filter(({ name }) => !/migration/.test(name))
  const ours = tables.flatMap(({ columns }) => columns.map(({ name }) => name))
  const secrets = ours.filter(name =>
    /secret_hash|token_hash|code_hash|^secret$|password|private|refresh_key/.test(name),
  )
  for (const name of secrets) assert.ok(words.includes(name), name)
})
