import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { addUser, type SignedIn, signInAs } from '../../../../test/sessions/signed-in.ts'
import { recordEvent } from '../audit/record.ts'
import { compose } from '../compose.ts'
import { judgeCredential } from '../gate/explain-credential.ts'
import { newId, systemRandom } from '../ground/random.ts'
import { defaultSettings } from '../ground/settings.ts'
import { inTransaction } from '../storage/transaction.ts'
import { parseArguments } from './arguments.ts'
import { commands } from './commands.ts'
import { toFailure } from './failure.ts'

const folder = mkdtempSync(join(tmpdir(), 'gatewright-service-commands-'))
const databaseUrl = `sqlite:${join(folder, 'gatewright.db')}`
const logFile = join(folder, 'gatewright.log')

const settings = { DATABASE_URL: databaseUrl, LOG_FILE: logFile }
const former = Object.keys(settings).map(name => [name, process.env[name]] as const)

const refused = newId(systemRandom)
let bob: SignedIn
before(async () => {
  Object.assign(process.env, settings)
  const engine = await compose({ settings: defaultSettings({ databaseUrl }) })
  bob = await signInAs(engine, (await addUser(engine, 'bob')).id, 'curl/8.5.0')
  const origin = { actor: null, address: '192.0.2.7', requestId: refused }
  await inTransaction(engine.db, work =>
    recordEvent(engine, work, 'sign-in.failed', { origin, userId: bob.userId, reason: 'wrong_password' }),
  )
  await engine.close()
})
after(() => {
  for (const [name, value] of former)
    if (value === undefined) delete process.env[name]
    else process.env[name] = value
  rmSync(folder, { recursive: true, force: true })
})

/** As programs get it. */
type Json = ReturnType<typeof JSON.parse>
type Ended = { readonly exit: number; readonly text: string; readonly json: Json }

/** A command as `main.ts` runs it, in this process: that each starts one shows main.test.ts. */
const run = async (line: string): Promise<Ended> => {
  try {
    const invocation = parseArguments(line.split(' '), commands, 'none')
    assert.equal(invocation.kind, 'run')
    const { text = '', json = {}, exitCode = 0 } = (await invocation.command.run(invocation.input)) ?? {}
    return { exit: exitCode, text, json }
  } catch (error) {
    const { exitCode, lines, json } = toFailure(error)
    return { exit: exitCode, text: lines.join('\n'), json }
  }
}

const judge = async (text: string, address?: string) => {
  const engine = await compose({ settings: defaultSettings({ databaseUrl }), kind: 'command' })
  const { fault } = await judgeCredential({ ...engine, things: new Map() }, { text, address })
  await engine.close()
  return fault?.reason ?? 'good'
}

describe('services and their keys', () => {
  test('a service is made, listed, given roles, and shares its name with nobody', async () => {
    const made = await run('service create nightly --role user --description reports')
    assert.deepEqual(
      [made.exit, made.json.service.name, made.json.service.roles, made.json.service.description],
      [0, 'nightly', ['user'], 'reports'],
    )
    const changed = await run('service role nightly moderator user')
    assert.deepEqual(changed.json.service.roles, ['moderator', 'user'])
    const { json, text } = await run('service list')
    assert.deepEqual(
      json.services.map(({ name }: Json) => name),
      ['nightly'],
    )
    assert.match(text, /nightly +enabled|nightly .*moderator/)
  })

  test('its key is printed once, may do what was named, and is taken from where it was said', async () => {
    const line = 'api-key create report --service nightly --permission users:read'
    const made = await run(`${line} --address 192.0.2.0/24 --until 2127-11-22T12:00:00Z`)
    assert.equal(made.exit, 0, made.text)
    const { key, api_key: shown } = made.json
    assert.match(key, /^gwk_[A-Za-z0-9_-]{70}$/)
    assert.deepEqual(
      [shown.owner, shown.permissions, shown.allowed_addresses, shown.expires_at],
      ['nightly', ['users:read'], ['192.0.2.0/24'], '2127-11-22T12:00:00.000Z'],
    )
    assert.deepEqual(
      [made.text.split('\n').at(-1), made.text.split(key).length, JSON.stringify(shown).includes(key)],
      [key, 2, false],
    )
    assert.deepEqual(
      [await judge(key, '192.0.2.7'), await judge(key, '198.51.100.7')],
      ['good', 'key_address'],
    )
    const { json, text } = await run('api-key list')
    assert.deepEqual([json.api_keys[0].id, json.api_keys[0].owner], [shown.id, 'nightly'])
    assert.ok(!text.includes(key.slice(30)))
    assert.equal((await run('service disable nightly')).json.changed, true)
    assert.equal(await judge(key, '192.0.2.7'), 'key_ended')
  })

  test('who is disabled already stays so; enabled again it has no key, and deleted it is gone', async () => {
    assert.deepEqual((await run('service disable nightly')).json.changed, false)
    assert.equal((await run('api-key create late --service nightly')).json.code, 'conflict')
    assert.equal((await run('service enable nightly')).json.service.state, 'enabled')
    assert.equal((await run('api-key list')).json.api_keys[0].state, 'ended')
    assert.equal((await run('service delete nightly')).exit, 0)
    assert.deepEqual((await run('service list')).json.services, [])
  })

  for (const [line, exit, says] of [
    ['service create bob', 1, /username_taken/],
    ['service create no@name', 1, /validation_failed/],
    ['service create other --role none', 1, /there is no such role/],
    ['service role bob user', 1, /is a user, no service: write gatewright user/],
    ['service disable nobody', 1, /There is no service "nobody"/],
    ['service delete bob', 1, /is a user, no service/],
    ['service enable', 2, /the name is missing: write gatewright service enable <name>/],
    ['api-key create report --service bob', 1, /is a user, no service/],
    [
      'api-key create report --service weak --permission users:write',
      1,
      /no more than its owner and whoever makes it/,
    ],
    ['api-key create report --service weak --permission users:wrote', 1, /no permission "users:wrote"/],
    ['api-key create report --service weak --address 300.1.1.1', 1, /must be an IP address/],
    ['api-key create report --service weak --until tomorrow', 1, /must be a time such as/],
    ['api-key create report --service weak --until 2000-01-01T00:00:00Z', 1, /must lie in the future/],
    [`api-key create ${'x'.repeat(101)} --service weak`, 1, /one line of 1 to 100 characters/],
    ['api-key create a\u202eb --service weak', 1, /one line of 1 to 100 characters/],
    ['api-key create report', 2, /--service is missing/],
  ] as const)
    test(`"${line.slice(0, 70)}" is refused, and makes nothing`, async () => {
      if (line.includes('--service weak')) await run('service create weak --role user')
      const { exit: ended, text } = await run(line)
      assert.equal(ended, exit, text)
      assert.match(text, says)
      const { json } = await run('api-key list')
      assert.equal(json.api_keys.filter(({ owner }: Json) => owner === 'weak').length, 0)
    })
})

describe('sessions', () => {
  test('are listed of everybody and of one user, and one is ended, once', async () => {
    const [all, own, none] = [
      await run('session list'),
      await run('session list --user bob'),
      await run('session list --user nobody'),
    ]
    assert.deepEqual(
      all.json.sessions.map(({ id, user, device }: Json) => [id, user.username, device]),
      [[bob.sessionId, 'bob', 'curl/8.5.0']],
    )
    assert.deepEqual(own.json, all.json)
    assert.deepEqual([none.exit, none.json.code], [1, 'not_found'])
    assert.match(all.text, /ID +USER +ADDRESS/)
    assert.ok(!all.text.includes(bob.refresh))
    assert.equal(await judge(bob.access), 'good')
    assert.equal((await run(`session end ${bob.sessionId}`)).exit, 0)
    assert.notEqual(await judge(bob.access), 'good')
    assert.deepEqual((await run(`session end ${bob.sessionId}`)).json.code, 'not_found')
    assert.equal((await run('session list')).text, 'Nobody is signed in.')
    assert.equal((await run('session end')).exit, 2)
  })
})

describe('a request, by the id of its answer', () => {
  const seen = newId(systemRandom)
  const line = {
    request_id: seen,
    method: 'DELETE',
    path: '/api/v1/posts/7\u001b[2J',
    status: 403,
    code: 'insufficient_permission',
    reason: 'key_wider_than_maker',
    address: '192.0.2.9',
  }

  test('is explained by its audit events', async () => {
    const { exit, text, json } = await run(`explain --request ${refused}`)
    assert.equal(exit, 0)
    assert.match(
      text,
      /sign-in\.failed: wrong_password\n.* for bob failed because the password was wrong, from 192\.0\.2\.7\./,
    )
    assert.deepEqual([json.line, json.events[0].event, json.events.length], [null, 'sign-in.failed', 1])
  })

  test('is explained by its line in LOG_FILE, with what to ask the server', async () => {
    const other = { ...line, request_id: newId(systemRandom), path: `/${seen}` }
    const lines = [
      'no JSON',
      other,
      { request_id: seen, msg: 'before its answer' },
      { ...line, user: bob.userId },
    ]
    writeFileSync(
      logFile,
      lines.map(each => (typeof each === 'string' ? each : JSON.stringify(each))).join('\n'),
    )
    const { text, json } = await run(`explain --request ${seen}`)
    assert.match(text, /^DELETE \S+: 403 insufficient_permission, key_wider_than_maker \(user bob, from 192/)
    assert.match(text, /It left no audit event/)
    assert.match(text, /POST …\/admin\/explain \{"user":"bob","route":"DELETE /)
    assert.deepEqual([json.line.status, json.events], [403, []])
  })

  for (const [words, exit, says] of [
    [`--request ${newId(systemRandom)}`, 1, /No audit event[^\n]+no line of/],
    ['--request abc', 2, /write the request_id of the answer/],
    ['--request %%%%%%%%%%%%%%%%%%%%%%', 2, /write the request_id/],
    [`--request ${seen} --user bob`, 2, /--request stands beside other options: write it alone/],
    [`--request ${seen} --token-stdin`, 2, /write it alone/],
    ['--user bob --permission users:read --address 192.0.2.1', 2, /write it beside --token-stdin/],
    ['--token-stdin --address 192.0.2.256', 2, /--address is no IP address/],
  ] as const)
    test(`"explain ${words.slice(0, 60)}" is refused`, async () => {
      const { exit: ended, text } = await run(`explain ${words}`)
      assert.equal(ended, exit, text)
      assert.match(text, says)
    })
})

describe('access-review', () => {
  test('shows what there is to do, with the command for it, and signs off what was seen and nothing else', async () => {
    await run('role create reader --permission audit:read')
    await run('service create sweeper --role reader')
    await run('service disable sweeper')
    const shown = await run('access-review')
    assert.equal(shown.exit, 0, shown.text)
    assert.match(
      shown.text,
      /sweeper is disabled and still has reader.*\n {4}gatewright service role sweeper user\n/,
    )
    const { digest } = shown.json.review
    const refused = await run(`access-review --sign-off ${'A'.repeat(43)}`)
    assert.equal(refused.exit, 1)
    const signed = await run(`access-review --sign-off ${digest} --comment Seen`)
    assert.deepEqual(
      [signed.exit, signed.json.sign_off.by, signed.json.sign_off.comment],
      [0, { id: null, name: 'command-line' }, 'Seen'],
    )
    await run('service role sweeper user')
    assert.equal((await run(`access-review --sign-off ${digest}`)).exit, 1)
    assert.doesNotMatch((await run('access-review')).text, /sweeper/)
  })

  test('takes no time that it does not look back, and no comment without a signature', async () => {
    for (const words of ['--unused-for 0d', '--unused-for 401d', '--unused-for 90', '--comment Seen'])
      assert.equal((await run(`access-review ${words}`)).exit, 2, words)
  })
})
