import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, test } from 'node:test'
import { plantTotp } from '../../../../test/factors/enrolled.ts'
import { until } from '../../../../test/process/until.ts'
import { compose } from '../compose.ts'
import { sha256 } from '../ground/encoding.ts'
import { defaultSettings } from '../ground/settings.ts'

/** One installation, on which these tests tell one story, in order. */
const folder = mkdtempSync(join(tmpdir(), 'gatewright-cli-'))
after(() => rmSync(folder, { recursive: true, force: true }))
const data = join(folder, 'data')
const databaseFile = join(data, 'gatewright.db')
const databaseUrl = `sqlite:${databaseFile}`
/** The run's, where there is one. */
const compiled = process.env.NODE_COMPILE_CACHE ?? join(folder, 'compiled')

const main = new URL('main.ts', import.meta.url).pathname
const canary = 'canary 3c9e7f battery staple'
const outputs: string[] = []

type Ended = { readonly code: number | null; readonly stdout: string; readonly stderr: string }
type Options = { readonly input?: string; readonly env?: Readonly<Record<string, string>> }

/** Runs the real command with an environment of its own: nothing of this process's. */
const run = (line: string, { input = '', env = {} }: Options = {}): Promise<Ended> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [main, ...line.split(' ').filter(Boolean)], {
      cwd: folder,
      // What Node.js has compiled once it takes from there: half the time of a start.
      env: { DATABASE_URL: databaseUrl, NODE_COMPILE_CACHE: compiled, ...env },
    })
    let [stdout, stderr] = ['', '']
    child.stdout.on('data', chunk => {
      stdout += chunk
    })
    child.stderr.on('data', chunk => {
      stderr += chunk
    })
    child.on('error', reject)
    child.on('close', code => {
      outputs.push(stdout, stderr)
      resolve({ code, stdout, stderr })
    })
    // A command that reads nothing may be gone already.
    child.stdin.on('error', () => {})
    child.stdin.end(input)
  })

const runJson = async (line: string, options?: Options) => {
  const { code, stdout, stderr } = await run(`${line} --json`, options)
  assert.equal(stderr, '')
  return { code, ...JSON.parse(stdout) }
}

const query = (sql: string): Readonly<Record<string, unknown>>[] => {
  const database = new DatabaseSync(databaseFile, { readOnly: true })
  try {
    return database.prepare(sql).all()
  } finally {
    database.close()
  }
}

const countEvents = (): unknown => query('select count(*) as n from audit_events')[0]?.n

test('wrong use exits with 2 and says one line; help and version exit with 0', async () => {
  const [none, unknown, argument, json, noTerminal, help, version] = await Promise.all([
    run(''),
    run('usr list'),
    run(`user create --username alice --password ${canary.replaceAll(' ', '-')}`),
    runJson('user disable'),
    run('user create --username alice', { input: canary }),
    run('--help'),
    run('--version'),
  ])
  for (const { code, stdout, stderr } of [none, unknown, argument, noTerminal]) {
    assert.equal(code, 2, stderr)
    assert.match(stderr, /^gatewright: [^\n]+: write [^\n]+\n$/)
    assert.equal(stdout, '')
  }
  assert.ok(!argument.stderr.includes('canary'))
  assert.deepEqual([json.code, json.ok], ['wrong_use', false])
  assert.deepEqual([help.code, help.stderr, version.code], [0, '', 0])
  assert.match(version.stdout, /^\d+\.\d+\.\d+\n$/)
})

test('where there is no database, only what makes the first user makes one', async () => {
  const ended = await Promise.all([
    run('config'),
    run('doctor'),
    run('user list'),
    run('user disable alice'),
    run('user role alice admin'),
    run('key rotate'),
    run('user create --username alice --role king --password-stdin', { input: canary }),
    run('user create --username alice --email nonsense --password-stdin', { input: canary }),
  ])
  assert.deepEqual(
    ended.map(({ code }) => code),
    [0, 0, 1, 1, 1, 1, 1, 1],
  )
  const [, doctor, list, , , , king, email] = ended
  assert.match(doctor?.stdout ?? '', /warning +database +there is none at .*\n +means: The next start makes/)
  assert.match(list?.stderr ?? '', /^gatewright: not_found: There is no database at [^\n]+\n$/)
  assert.match(king?.stderr ?? '', /role: .*user, moderator, admin/)
  assert.match(email?.stderr ?? '', /email: must be an e-mail address/)
  assert.ok(!existsSync(data))
})

test("production's rules stop what changes data, before a secret is made, and not what only looks", async () => {
  const env = { HOST: '0.0.0.0' }
  const [create, config, doctor] = await Promise.all([
    run('user create --username alice --password-stdin', { env, input: canary }),
    runJson('config', { env }),
    runJson('doctor', { env }),
  ])
  assert.equal(create.code, 1)
  assert.match(create.stderr, /HOST can be reached .*: GATEWRIGHT_SECRET must be set/)
  assert.equal(config.ok, true)
  assert.ok(config.production_rules.broken.length > 0)
  assert.deepEqual([doctor.code, doctor.ok], [1, false])
  assert.ok(!existsSync(data))
})

test('settings that are not valid are told line by line', async () => {
  const env = { PORT: canary, GATEWRIGHT_SECRT: canary }
  const [{ code, stderr }, json] = await Promise.all([run('config', { env }), runJson('user list', { env })])
  assert.equal(code, 1)
  assert.match(
    stderr,
    /^gatewright: GATEWRIGHT_SECRT [^\n]+write GATEWRIGHT_SECRET[^\n]+\ngatewright: PORT [^\n]+\n$/,
  )
  assert.deepEqual([json.code, json.errors.length], ['settings_invalid', 2])
})

test('config shows where each setting comes from, and no secret', async () => {
  const secret = Buffer.alloc(32, 7).toString('base64url')
  const { settings } = await runJson('config', { env: { GATEWRIGHT_SECRET: secret, PORT: '8080' } })
  const find = (name: string) => settings.find((row: { name: string }) => row.name === name)
  assert.deepEqual(find('PORT'), { name: 'PORT', value: '8080', source: 'environment' })
  assert.deepEqual(find('GATEWRIGHT_SECRET'), {
    name: 'GATEWRIGHT_SECRET',
    value: 'hidden',
    source: 'environment',
  })
  assert.equal(find('HOST').source, 'default')
  assert.ok(!outputs.join('').includes(secret))
})

test('setup-link makes a database and a link; the next one replaces it', async () => {
  const first = await run('setup-link')
  assert.equal(first.code, 0, first.stderr)
  assert.match(first.stdout, /http:\/\/localhost:3000\/console\/setup#[\w-]{43}\n/)
  const { ok, setup_link, expires_at } = await runJson('setup-link', { env: { PORT: '0' } })
  assert.equal(ok, true)
  assert.match(setup_link, /^http:\/\/localhost:<port>\/console\/setup#/)
  const rows = query('select token_hash, expires_at from setup_links')
  assert.deepEqual(
    rows.map(row => ({ ...row })),
    [{ token_hash: sha256(setup_link.split('#')[1]), expires_at: Date.parse(expires_at) }],
  )
  for (const path of [databaseFile, join(data, 'secret')]) assert.equal(statSync(path).mode & 0o77, 0)
})

test('of two who create one name at once, one does; the password is kept as a hash only', async () => {
  const ended = await Promise.all([
    run('user create --username Root --role admin --password-stdin', { input: `${canary}\n` }),
    run('user create --username ROOT --role admin --password-stdin', { input: `${canary}\n` }),
    run('user create --username bob --role user --role user --email bob@example.org --password-stdin', {
      input: canary,
    }),
  ])
  assert.deepEqual(ended.map(({ code }) => code).sort(), [0, 0, 1])
  assert.match(ended.map(({ stderr }) => stderr).join(''), /^gatewright: username_taken: .*\n$/)
  assert.deepEqual(
    query("select actor from audit_events where event = 'user.created'").map(row => row.actor),
    ['command-line', 'command-line'],
  )
  assert.equal(query('select * from setup_links').length, 0)
  const hashes = query('select password_hash from users').map(row => String(row.password_hash))
  assert.ok(hashes.length === 2 && hashes.every(hash => hash.startsWith('$argon2id$')))
})

test('refusals exit with 1, name their code and change nothing', async () => {
  const before = countEvents()
  const create = 'user create --password-stdin --username'
  const refused: readonly (readonly [line: string, code: string, says: RegExp, input?: string])[] = [
    [`${create} BOB`, 'username_taken', /taken/, canary],
    [`${create} carol`, 'password_too_short', /15 characters/, 'canary short'],
    [`${create} carol`, 'password_blocklisted', /commonly used/, 'password1234567'],
    [`${create} carolcarol`, 'password_blocklisted', /your own names/, 'carolcarol-2026'],
    [`${create} car@l`, 'validation_failed', /username/, canary],
    [`${create} carol --role king`, 'validation_failed', /user, moderator, admin/, canary],
    ['user invite --email nonsense', 'validation_failed', /e-mail address/],
    ['user invite --email carol@example.org --role king', 'validation_failed', /user, moderator, admin/],
    ['user invite --email carol@example.org --locale fr', 'validation_failed', /en, zh-CN, zh-TW/],
    ['user role bob user king', 'validation_failed', /user, moderator, admin/],
    ['user role nobody user', 'not_found', /nobody/],
    ['user disable nobody', 'not_found', /nobody/],
    ['user enable nobody', 'not_found', /nobody/],
    ['user reset-factors nobody --reason lost', 'not_found', /nobody/],
    ['user disable bob@example.org', 'not_found', /bob@example\.org/],
    ['user disable root', 'last_administrator', /last administrator/],
    ['user role root user', 'last_administrator', /last administrator/],
    ['setup-link', 'conflict', /gatewright user create/],
    [`key revoke ${'A'.repeat(22)}`, 'not_found', /no signing key/],
    [`invitation revoke ${'A'.repeat(22)}`, 'not_found', /No invitation with this id is open/],
  ]
  await Promise.all(
    refused.map(async ([line, code, says, input]) => {
      const { stdout, ...ended } = await run(`${line} --json`, input === undefined ? {} : { input })
      assert.deepEqual(ended, { code: 1, stderr: '' }, line)
      const { ok, code: told } = JSON.parse(stdout)
      assert.deepEqual({ ok, told }, { ok: false, told: code }, line)
      assert.match(stdout, says)
    }),
  )
  assert.equal(countEvents(), before)
})

test('an invitation waits in the queue of mail, and its secret is printed nowhere', async () => {
  const { ok, invitation } = await runJson('user invite --email carol@example.org --role moderator')
  assert.equal(ok, true)
  assert.deepEqual(
    [invitation.email, invitation.roles, invitation.invited_by],
    ['carol@example.org', ['moderator'], null],
  )
  const [code] = query("select id, user_id, data from codes where purpose = 'invitation'")
  assert.deepEqual([code?.id, code?.user_id], [invitation.id, null])
  const [mail] = query("select content from mails where kind = 'invitation'")
  assert.doesNotMatch(String(mail?.content), /carol|moderator/)
  assert.doesNotMatch(JSON.stringify(invitation), /#|[\w-]{40}/)
})

test('open invitations are listed and taken back, once, which the audit log says', async () => {
  const [{ invitations }, text] = await Promise.all([runJson('invitation list'), run('invitation list')])
  const [carol] = invitations
  assert.deepEqual(
    [invitations.length, carol.email, carol.roles, carol.invited_by],
    [1, 'carol@example.org', ['moderator'], null],
  )
  const [head = '', row = ''] = text.stdout.split('\n')
  assert.deepEqual([head.split(/ {2,}/)[1], row.split(/ +/)[0]], ['SENT TO', carol.id])
  assert.ok(row.includes('carol@example.org') && row.endsWith(carol.expires_at), row)
  assert.doesNotMatch(text.stdout, /#|[\w-]{40}/, 'no link')

  const revoked = await run(`invitation revoke --json -- ${carol.id}`)
  assert.deepEqual(
    { ...revoked, stdout: JSON.parse(revoked.stdout) },
    { code: 0, stdout: { ok: true, id: carol.id }, stderr: '' },
  )
  const again = await run(`invitation revoke -- ${carol.id}`)
  assert.deepEqual([again.code, again.stdout], [1, ''])
  assert.match(again.stderr, /^gatewright: not_found: No invitation with this id is open[^\n]+\n$/)
  const events = query("select actor, details from audit_events where event = 'invitation.revoked'")
  assert.deepEqual(
    events.map(({ actor, details }) => [actor, JSON.parse(String(details))]),
    [['command-line', { invitation: carol.id }]],
  )
  const empty = await run('invitation list')
  assert.deepEqual(empty, { code: 0, stdout: 'No invitation is open.\n', stderr: '' })
  assert.deepEqual((await runJson('invitation list')).invitations, [])
})

test('a secret that the database does not know stops every command, and none is made over it', async () => {
  const env = { GATEWRIGHT_SECRET: Buffer.alloc(32, 7).toString('base64url') }
  const [list, doctor] = await Promise.all([run('user list', { env }), runJson('doctor', { env })])
  assert.equal(list.code, 1)
  assert.match(list.stderr, /^gatewright: the database rests on the secret [^\n]+\n$/)
  const finding = doctor.checks.find(({ name }: { name: string }) => name === 'database-secret')
  assert.deepEqual([doctor.code, finding.level], [1, 'problem'])
})

test('what a command changes reaches a running server at once', async () => {
  const engine = await compose({ settings: defaultSettings({ databaseUrl }) })
  try {
    const [bob] = query("select id, version from users where username = 'bob'")
    const token = { userId: String(bob?.id), sessionId: 'any', userVersion: Number(bob?.version) }
    assert.equal(engine.revocations.isEnded(token), false)
    const disabled = await runJson('user disable BOB')
    assert.deepEqual([disabled.ok, disabled.changed], [true, true])
    assert.notEqual(disabled.user.disabled_at, null)
    await until('the user is disabled here', () => engine.revocations.isEnded(token))

    assert.equal((await runJson('user role bob moderator user')).ok, true)
    await until('the role is heard of', () => engine.revocations.findRereadRoles(token.userId) !== undefined)
    assert.deepEqual(await engine.revocations.findRereadRoles(token.userId), ['moderator', 'user'])
  } finally {
    await engine.close()
  }
})

test('second factors are reset with a reason, which the audit log keeps, and a running server follows', async () => {
  const engine = await compose({ settings: defaultSettings({ databaseUrl }) })
  try {
    const [carol] = query("select id, version from users where username = 'bob'")
    const token = { userId: String(carol?.id), sessionId: 'any', userVersion: Number(carol?.version) }
    assert.equal((await run('user reset-factors bob')).code, 2, 'a reason must be given')
    assert.equal((await runJson('user reset-factors bob --reason none-yet')).changed, false)
    await plantTotp(engine, token.userId)
    const done = await runJson('user reset-factors bob --reason saw-the-passport')
    assert.deepEqual([done.ok, done.changed, done.user.username], [true, true, 'bob'])
    await until('everything of the user ends here', () => engine.revocations.isEnded(token))
    assert.deepEqual(query('select * from totp_factors'), [])
    const events = query(
      `select actor, p.details ->> 'said' as said from audit_events join audit_personal p on event_id = id
        where event = 'second-factors.reset'`,
    )
    assert.deepEqual(
      events.map(row => ({ ...row })),
      [{ actor: 'command-line', said: 'saw-the-passport' }],
    )
  } finally {
    await engine.close()
  }
})

test('the audit log is listed, exported and verified, and a person is erased from it', async () => {
  const wrong = await Promise.all(
    [
      'audit list --from yesterday',
      'audit list --limit 0',
      'audit export',
      'audit erase bob',
      'audit erase --yes',
    ].map(line => run(line)),
  )
  assert.deepEqual(
    wrong.map(({ code }) => code),
    [2, 2, 2, 2, 2],
  )
  const { events } = await runJson('audit list --event second-factors.reset --user bob')
  assert.deepEqual([events.length, events[0].details.said], [1, 'saw-the-passport'])
  const listed = await run('audit list --event second-factors.reset')
  assert.match(listed.stdout, /^\d{4}-\S+ [^\n]+bob[^\n]+\n$/)

  const exported = await runJson('audit export --to part.jsonl --personal --user bob')
  const lines = readFileSync(join(folder, 'part.jsonl'), 'utf8').trimEnd().split('\n')
  assert.deepEqual([exported.ok, exported.lines], [true, lines.length])
  assert.equal((await run('audit export --to part.jsonl')).code, 1, 'what is there stays')
  assert.equal(statSync(join(folder, 'part.jsonl')).mode & 0o077, 0, 'nobody else may read it')

  assert.equal((await run('audit erase nobody --yes')).code, 1)
  const erased = await runJson('audit erase bob --yes')
  assert.equal(erased.users[0].exports.length, 1)
  const again = await runJson('audit list --event second-factors.reset --user bob')
  assert.deepEqual([again.events[0].details.said, again.events[0].erased], [undefined, ['said']])
  assert.deepEqual((await runJson('audit erase-deleted --yes')).users, [])
})

test('keys are listed, rotated and revoked, and a running server follows', async () => {
  const states = async () => {
    const { keys } = await runJson('key list')
    return Object.fromEntries(keys.map(({ kid, state }: Record<string, string>) => [kid, state]))
  }
  const find = (state: string, of: object) =>
    Object.entries(of).find(([, value]) => value === state)?.[0] ?? ''
  const engine = await compose({ settings: defaultSettings({ databaseUrl }) })
  const signs = async () => (await engine.keyRing.getActive()).kid
  try {
    const before = await states()
    assert.deepEqual(Object.values(before).sort(), ['active', 'published'])
    assert.equal(await signs(), find('active', before))
    const rotated = await runJson('key rotate')
    assert.deepEqual([rotated.ok, rotated.rotated, rotated.kid], [true, true, find('published', before)])
    await until('the next key signs', async () => (await signs()) === rotated.kid)

    const again = await run('key rotate')
    assert.match(again.stdout, /signs until \d{4}-.*Z: the next key was published too lately/)
    const next = find('published', await states())
    const revoked = await runJson(`key revoke ${rotated.kid}`)
    assert.deepEqual([revoked.changed, revoked.active], [true, next])
    // The ring and the feed are read apart, and either may hear of it first.
    const isGone = () =>
      engine.revocations.isKeyRevoked(rotated.kid) && engine.keyRing.find(rotated.kid) === undefined
    await until('the key is gone here', isGone)
    assert.equal(await signs(), next)
    assert.equal((await runJson(`key revoke ${rotated.kid}`)).changed, false)
  } finally {
    await engine.close()
  }
  const { stdout } = await run('key list')
  assert.match(stdout, /^KID +ALGORITHM +STATE +PUBLISHED +SIGNS SINCE +RETIRED OR REVOKED\n/)
  assert.match(stdout, /\n[\w-]{22} +ES256 +revoked +/)
  assert.doesNotMatch(stdout, /private|"d"/)
})

test('what has that state already stays as it is and is done, without a second event', async () => {
  const before = countEvents()
  const again = await run('user disable bob')
  assert.deepEqual([again.code, again.stdout], [0, 'bob was disabled already.\n'])
  assert.equal(countEvents(), before)
  const [enabled, list] = [await runJson('user enable bob'), await run('user list')]
  assert.deepEqual([enabled.changed, enabled.user.disabled_at], [true, null])
  assert.equal((await runJson('user enable bob')).changed, false)
  const [head, ...rows] = list.stdout.trimEnd().split('\n')
  assert.match(head ?? '', /^USERNAME +ID +ROLES +DISABLED +CREATED$/)
  assert.equal(rows.length, 2)
  assert.match(list.stdout, /\nbob +[\w-]{22} +moderator, user +no +\d{4}-\d\d-\d\dT[\d:.]+Z\n/)
})

test('users are listed by pages that go on where they stopped, and searched for', async () => {
  const first = await runJson('user list --limit 1')
  const second = await runJson(`user list --limit 1 --cursor ${first.next_cursor}`)
  const names = [...first.users, ...second.users].map(({ username }) => username.toLowerCase())
  assert.deepEqual([names, second.next_cursor], [['bob', 'root'], null])
  const found = await runJson('user list --search BO --role moderator --state enabled')
  assert.deepEqual(
    found.users.map(({ username }: { username: string }) => username),
    ['bob'],
  )
  const none = await run('user list --state disabled')
  assert.deepEqual([none.code, none.stdout], [0, 'There are no such users.\n'])
  const [state, limit, foreign] = await Promise.all([
    run('user list --state gone'),
    run('user list --limit 0'),
    run(`user list --role admin --cursor ${first.next_cursor}`),
  ])
  assert.deepEqual([state.code, limit.code, foreign.code], [2, 2, 1])
  assert.match(foreign.stderr, /cursor/)
})

test('all sessions of a user are ended, and nobody else’s; one that there is not is refused', async () => {
  const { ended, user } = await runJson('user end-sessions bob')
  assert.deepEqual([ended, user.username], [0, 'bob'])
  const { code, stderr } = await run('user end-sessions nobody')
  assert.equal(code, 1)
  assert.match(stderr, /^gatewright: not_found: There is no user "nobody"\.\n$/)
})

test('doctor exits with 1 where it found a problem, and 0 where all is well', async () => {
  const well = await run('doctor')
  assert.deepEqual([well.code, well.stderr], [0, ''])
  assert.match(well.stdout, /\n0 problems, 0 warnings\.\n$/)
  assert.ok(!well.stdout.includes('\u001b'), 'there are colours where there is no terminal')
  writeFileSync(join(data, 'setup-link'), 'x', { mode: 0o644 })
  const broken = await run('doctor')
  assert.equal(broken.code, 1)
  assert.match(
    broken.stdout,
    /problem +permissions .*setup-link has mode 644\n +means: .+\n +do: +chmod 600 /,
  )
  assert.match(broken.stdout, /\n1 problem, 0 warnings\.\n$/)
})

test('no output and no file holds the password', () => {
  assert.ok(outputs.length > 50)
  assert.ok(!outputs.join('').includes('canary'))
  const everything = query(
    'select json_group_array(details) as t from (select details from audit_events union all select details from audit_personal)',
  )[0]?.t
  assert.ok(!String(everything).includes('canary'))
})

test('a user without a password waits for the link of a mail, whose secret is printed nowhere', async () => {
  const line = 'user create --username dave --email dave@example.org --by-mail'
  const [made, both, without] = [
    await runJson(line),
    await run(`${line} --password-stdin`, { input: canary }),
    await run('user create --username dave --by-mail'),
  ]
  assert.deepEqual([made.ok, made.user.username, made.user.roles], [true, 'dave', ['user']])
  const [row] = query("select password_hash, email_verified_at from users where username = 'dave'")
  assert.deepEqual({ ...row }, { password_hash: null, email_verified_at: null })
  assert.equal(query("select 1 from mails where kind = 'account-created'").length, 1)
  assert.doesNotMatch(JSON.stringify(made), /#|[\w-]{40}/)
  for (const { code, stderr } of [both, without]) {
    assert.equal(code, 2)
    assert.match(stderr, /--by-mail [^\n]*: write/)
  }
})
