import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, test } from 'node:test'
import { plantTotp } from '../../../../test/factors/enrolled.ts'
import { startExampleIssuer } from '../../../../test/issuers/example-issuer.ts'
import { addUser, type SignedIn, signInAs } from '../../../../test/sessions/signed-in.ts'
import { blockIssuer } from '../administration/issuers.ts'
import { systemOrigin as origin } from '../audit/record.ts'
import { compose } from '../compose.ts'
import { defaultSettings } from '../ground/settings.ts'
import { linkExample } from '../http/routes/identities.ts'
import { logOut } from '../sign-in/end-sessions.ts'

const folder = mkdtempSync(join(tmpdir(), 'gatewright-explain-'))
const databaseFile = join(folder, 'data', 'gatewright.db')
const databaseUrl = `sqlite:${databaseFile}`

let bob: SignedIn
let gone: SignedIn
before(async () => {
  const engine = await compose({ settings: defaultSettings({ databaseUrl }) })
  bob = await signInAs(engine, (await addUser(engine, 'bob')).id)
  gone = await signInAs(engine, bob.userId)
  await logOut(engine, { ...gone, origin })
  const alice = await addUser(engine, 'alice', { roles: ['admin'] })
  await plantTotp(engine, alice.id)
  await engine.close()
})
after(() => rmSync(folder, { recursive: true, force: true }))

const main = new URL('main.ts', import.meta.url).pathname
type Ended = { readonly code: number | null; readonly stdout: string; readonly stderr: string }

const run = (line: string, input = '', env: NodeJS.ProcessEnv = {}): Promise<Ended> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [main, ...line.split(' ')], {
      cwd: folder,
      env: { DATABASE_URL: databaseUrl, ...env },
    })
    let [stdout, stderr] = ['', '']
    child.stdout.on('data', chunk => {
      stdout += chunk
    })
    child.stderr.on('data', chunk => {
      stderr += chunk
    })
    child.on('error', reject)
    child.on('close', code => resolve({ code, stdout, stderr }))
    child.stdin.on('error', () => {})
    child.stdin.end(input)
  })

const countEvents = (): number => {
  const database = new DatabaseSync(databaseFile, { readOnly: true })
  try {
    const row = database
      .prepare(`select count(*) as n from audit_events where event = 'access.explained'`)
      .get()
    return Number(row?.n)
  } finally {
    database.close()
  }
}

test('a yes and a no both exit with 0, say why, and leave an event', async () => {
  const before = countEvents()
  const [yes, no] = [
    await run('explain --user alice --permission users:write'),
    await run('explain --user bob --permission users:write'),
  ]
  assert.deepEqual([yes.code, yes.stderr, no.code, no.stderr], [0, '', 0, ''])
  assert.match(yes.stdout, /^Yes: alice, permission users:write\.\n[\s\S]*role admin gives users:write/)
  assert.match(
    no.stdout,
    /^No, insufficient_permission: bob, permission users:write\.\n[\s\S]*held: user, which/,
  )
  assert.equal(countEvents(), before + 2)
})

test('a token on standard input is judged, and is said nowhere', async () => {
  const [good, ended, bad, cookie] = [
    await run('explain --token-stdin --permission users:read --json', `${bob.access}\n`),
    await run('explain --token-stdin --json', gone.access),
    await run('explain --token-stdin', 'nonsense'),
    await run('explain --token-stdin', 'gws_nonsense'),
  ]
  const { ok, allowed, credential } = JSON.parse(good.stdout)
  assert.deepEqual(
    [good.code, ok, allowed, credential.valid, credential.user_id],
    [0, true, true, true, bob.userId],
  )
  const over = JSON.parse(ended.stdout)
  assert.deepEqual(
    [ended.code, over.allowed, over.code, over.credential.end_reason],
    [0, false, 'session_ended', 'logout'],
  )
  assert.match(
    bad.stdout,
    /^No, invalid_token: the caller, the credential\.\n {2}no {2}the access token is good: token_parts/,
  )
  assert.match(cookie.stdout, /the session cookie is good: cookie_form/)
  const said = [good, ended, bad, cookie].map(({ stdout, stderr }) => stdout + stderr).join()
  const stored = ['gatewright.db', 'gatewright.db-wal']
    .map(name => join(folder, 'data', name))
    .flatMap(path => {
      try {
        return readFileSync(path, 'latin1')
      } catch {
        return ''
      }
    })
    .join()
  for (const secret of [bob.access, gone.access, 'nonsense'])
    assert.ok(!`${said}${stored}`.includes(secret.slice(-60)), secret)
})

test('a token of another issuer on standard input is judged by that one’s keys and rules, and blocked it is none', async context => {
  const issuer = await startExampleIssuer()
  context.after(issuer.close)
  const env = { TRUSTED_ISSUERS: issuer.written }
  const line = 'explain --token-stdin --permission users:read'
  const token = issuer.token(Date.now(), 'nightly')
  const good = await run(line, token, env)
  assert.deepEqual([good.code, good.stderr], [0, ''])
  assert.match(
    good.stdout,
    /^Yes: the caller, permission users:read\.\n {2}yes the access token is good: issued by https:\/\/sso\.example\.org\/realms\/main for the subject "nightly"\n/,
  )
  assert.match(good.stdout, /^May: users:read\.$/m)
  const engine = await compose({ settings: defaultSettings({ databaseUrl }), kind: 'command' })
  await blockIssuer(engine, { issuer: linkExample.issuer, origin })
  await engine.close()
  assert.match(
    (await run(line, token, env)).stdout,
    /^No, invalid_token: [^\n]+\n[^\n]+foreign_issuer_blocked/,
  )
})

test('a user or a permission that there is not exits with 1', async () => {
  const [user, permission] = [
    await run('explain --user nobody --permission users:read'),
    await run('explain --user bob --permission users:raed'),
  ]
  assert.deepEqual([user.code, permission.code], [1, 1])
  assert.match(user.stderr, /^gatewright: not_found: There is no user or service "nobody"\.\n$/)
  assert.match(permission.stderr, /permission: there is no such permission: write one of users:read, /)
})

test('wrong use exits with 2 and says what to write', async () => {
  const lines = [
    'explain',
    'explain --user bob',
    'explain --permission users:read',
    'explain --user bob --token-stdin',
    'explain --token-stdin',
    'explain --user bob --token eyJhbGci',
  ]
  for (const line of lines) {
    const { code, stderr, stdout } = await run(line)
    assert.deepEqual([code, stdout], [2, ''], line)
    assert.match(stderr, /^gatewright: [^\n]+: (write|give|gatewright explain --help) [^\n]+\n$/, line)
    assert.ok(!stderr.includes('eyJ'))
  }
})
