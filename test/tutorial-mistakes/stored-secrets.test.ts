import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { openSetupLink } from '../../packages/gatewright/src/sign-in/setup-link.ts'
import { type Caller, password, signUp, startTestApp, type TestApp } from '../harness.ts'

const folder = mkdtempSync(join(tmpdir(), 'gatewright-'))
let t: TestApp
let alice: Caller
let bob: Caller
before(async () => {
  t = await startTestApp({ databaseUrl: `sqlite:${join(folder, 'data', 'blog.db')}` })
  alice = await signUp(t, 'alice')
  bob = await signUp(t, 'bob')
})
after(async () => {
  await t.close()
  rmSync(folder, { recursive: true })
})

const files = (): readonly string[] =>
  readdirSync(join(folder, 'data')).map(name => join(folder, 'data', name))

/** The bytes of the database: its file, and the log of writes beside it. */
const databaseBytes = (): Buffer =>
  Buffer.concat(
    files()
      .filter(file => file.includes('blog.db'))
      .map(file => readFileSync(file)),
  )

/** A secret as it is shown, its parts, the end of each, and the bytes that they spell. */
const formsOf = (secret: string): readonly (string | Buffer)[] => {
  const parts = secret.split('.').flatMap(part => [part, part.slice(-40)])
  const decoded = parts.map(part => Buffer.from(part, 'base64url')).filter(({ length }) => length >= 16)
  return [...parts, ...decoded]
}

test('the database holds no token, no password and no set-up link, neither whole nor in part', async () => {
  const link = await openSetupLink(t.engine)
  t.clock.advance(11_000)
  const refreshed = await t.call('POST', 'refresh', { body: { refresh_token: alice.refresh } })
  const changed = await t.call('PUT', 'me/password', {
    token: refreshed.body.access_token,
    body: { current_password: password, new_password: `${password} again` },
  })
  assert.equal(changed.status, 200, changed.text)
  assert.equal((await t.call('POST', 'logout', { token: bob.access })).status, 200)
  const pairs = [refreshed, changed].flatMap(({ body }) => [body.access_token, body.refresh_token])
  const secrets: string[] = [alice.access, alice.refresh, bob.access, bob.refresh, ...pairs, password]
  if (link.state === 'made') secrets.push(link.token)
  assert.equal(secrets.length, 10)

  const bytes = databaseBytes()
  assert.ok(bytes.includes('alice') && bytes.includes('cut_offs'), 'the search looks at the right bytes')
  for (const secret of secrets)
    for (const form of formsOf(secret)) assert.equal(bytes.includes(form), false, `${secret} as ${form}`)
})

test('what a sign-out stores names the session and holds no token', async () => {
  const carol = await signUp(t, 'carol')
  await t.call('POST', 'logout', { token: carol.access })
  const row = await t.engine.db
    .selectFrom('cut_offs')
    .selectAll()
    .orderBy('place', 'desc')
    .executeTakeFirstOrThrow()
  assert.equal(row.kind, 'session')
  assert.match(row.subject, /^[\w-]{22}$/)
})

test('a password is stored as Argon2id with a salt of its own', async () => {
  const names = ['salted', 'unlike']
  for (const username of names) await t.call('POST', 'register', { body: { username, password } })
  const users = t.engine.db.selectFrom('users').select('password_hash')
  const rows = await users.where('username', 'in', names).execute()
  assert.equal(rows.length, 2)
  for (const { password_hash } of rows)
    assert.match(password_hash ?? '', /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
  assert.equal(new Set(rows.map(row => row.password_hash)).size, rows.length)
})

test('a password stored as plain text, or as a fast hash, opens nothing', async () => {
  const { id } = await signUp(t, 'dave')
  const planted = [password, '', 'e10adc3949ba59abbe56e057f20f883e', `$2b$12$${'a'.repeat(53)}`]
  for (const password_hash of planted) {
    await t.engine.db.updateTable('users').set({ password_hash }).where('id', '=', id).execute()
    for (const shown of [password, password_hash || ' ']) {
      const { status } = await t.call('POST', 'login', { body: { username: 'dave', password: shown } })
      assert.equal(status, 401, `${password_hash} with ${shown}`)
    }
  }
})

test('the database and the secret beside it are readable by their owner only', () => {
  const modeOf = (file: string): string => (statSync(file).mode & 0o777).toString(8)
  assert.ok(files().length >= 3, 'the database, its log of writes and the secret')
  for (const file of files()) assert.equal(modeOf(file), '600', file)
  assert.equal(modeOf(join(folder, 'data')), '700')
})
