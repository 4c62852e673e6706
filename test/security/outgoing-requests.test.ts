import assert from 'node:assert/strict'
import { test } from 'node:test'
import { settingRows } from 'gatewright/settings'
import { parseSource, readSources } from '../../tools/sources.ts'
import { readDocument } from '../markdown.ts'

/** What HTTP can be asked with; what speaks to a database, to Valkey or to a mail server is below. */
const reaching =
  /\bfetch\s*\(|\b(Http|Https)?[aA]gent\b|\bWebSocket\b|\bEventSource\b|\.request\s*\(|\bhttps?\.get\s*\(/

const clients = /^(undici|axios|got|ws|ioredis|redis|node:(dgram|http2|dns|child_process))(\/|$)/

type Program = ReturnType<typeof parseSource> & {
  readonly path: string
  readonly specifiers: readonly string[]
}

/** Each is parsed once, which takes longer than all that is looked for. */
const programs: readonly Program[] = [...readSources()]
  .filter(([path]) => /^(packages\/[^/]+|apps\/blog)\/src\/.*\.ts$/.test(path) && !path.endsWith('.test.ts'))
  .map(([path, text]) => {
    const parsed = parseSource(path, text)
    return { ...parsed, path, specifiers: parsed.imports.map(({ specifier = '' }) => specifier) }
  })
const isIn = (folder: string): readonly Program[] => programs.filter(({ path }) => path.startsWith(folder))
/** The verifier runs elsewhere, and asks one address: that of its issuer. */
const ofVerifier = isIn('packages/verifier/')
/** A command, never a server: it asks the address that whoever runs it has written. */
const ofSmoke = isIn('packages/gatewright/src/smoke/')
const ofServer = programs.filter(program => !ofVerifier.includes(program) && !ofSmoke.includes(program))

const pathsOf = (all: readonly Program[]): readonly string[] => all.map(({ path }) => path)

const asks = ({ code, specifiers }: Program): boolean =>
  reaching.test(code) || specifiers.some(specifier => clients.test(specifier))

test('request forgery by the server: it asks another machine in two places, whose addresses are settings', () => {
  assert.ok(ofServer.length > 100)
  assert.deepEqual(pathsOf(ofServer.filter(asks)), [
    'packages/gatewright/src/federation/get-issuer-json.ts',
    'packages/gatewright/src/users/breach-check.ts',
  ])
})

test('a verifier elsewhere asks in one place, which follows no redirect, and for an issuer only on its own address', () => {
  assert.deepEqual(pathsOf(ofVerifier.filter(asks)), ['packages/verifier/src/get-json.ts'])
})

test('the smoke test asks in one place, and no server has a part of it', () => {
  assert.deepEqual(pathsOf(ofSmoke.filter(asks)), ['packages/gatewright/src/smoke/ask.ts'])
  const importing = ofServer.filter(({ specifiers }) => specifiers.some(one => one.includes('/smoke/')))
  assert.deepEqual(pathsOf(importing), ['packages/gatewright/src/cli/smoke.ts'])
})

/**
 * Every file of the server that opens a connection to another machine: whose address it is, and how it is said on the
 * page. Another file, or another setting, is a new line here and a new row there.
 */
const connecting: Readonly<Record<string, readonly string[]>> = {
  'packages/gatewright/src/federation/get-issuer-json.ts': ['TRUSTED_ISSUERS', 'AUDIT_ANCHOR'],
  'packages/gatewright/src/mail/smtp.ts': ['SMTP_URL'],
  'packages/gatewright/src/storage/postgres-listener.ts': ['DATABASE_URL'],
  'packages/gatewright/src/storage/postgres-pool.ts': ['DATABASE_URL', 'DATABASE_ADMIN_URL'],
  'packages/gatewright/src/storage/valkey.ts': ['VALKEY_URL'],
  // Only `doctor` does: it shakes hands, looks at the certificate and sends nothing.
  'packages/gatewright/src/upkeep/served-certificate.ts': ['PUBLIC_URL'],
  'packages/gatewright/src/users/breach-check.ts': ['BREACH_CHECK_URL'],
}

/** Composes the text of a mail, by a part of the client that has no connection. */
const isComposer = (specifier: string): boolean => specifier === 'nodemailer/lib/mail-composer'

const databaseClients = /^(pg|@redis\/client|nodemailer)(\/|$)/
const sockets = /^node:(net|tls)$/
const opening = /\b(connect|createConnection)\b|\b(net|tls)\.(Socket|TLSSocket)\b/

const connects = ({ code, specifiers }: Program): boolean =>
  specifiers.some(specifier => databaseClients.test(specifier) && !isComposer(specifier)) ||
  (specifiers.some(specifier => sockets.test(specifier)) && opening.test(code))

test('connections to other machines are opened in files that are listed, each to the address of a setting, and in no other', () => {
  const found = ofServer.filter(program => asks(program) || connects(program))
  assert.deepEqual(pathsOf(found), Object.keys(connecting))
})

test('no request chooses where to: each of these settings, and each that is an address, stands on the page', () => {
  const [, section = ''] = readDocument('docs/security/outside.md').split(
    '## Connections that the server opens\n',
  )
  const [connections = ''] = section.split('\n## ')
  const addresses = settingRows.map(({ name }) => name).filter(name => /_URL$|ISSUERS|ANCHOR/.test(name))
  const expected = new Set([...Object.values(connecting).flat(), ...addresses])
  const listed = connections
    .split('\n')
    .map(line => /^\| (`[A-Z_]+`(, `[A-Z_]+`)*) \|/.exec(line)?.[1])
    .join()
  const missing = [...expected].filter(name => !listed.includes(`\`${name}\``))
  assert.deepEqual(missing, [])
  assert.deepEqual(addresses.sort(), [...new Set(Object.values(connecting).flat())].sort())
})
