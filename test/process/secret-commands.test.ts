import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import { systemRandom } from '../../packages/gatewright/src/ground/random.ts'
import { createSecrets } from '../../packages/gatewright/src/ground/secrets.ts'
import { readBlocks, readDocument } from '../markdown.ts'
import { query } from './database-file.ts'
import {
  commandLine,
  type Folder,
  newFolder,
  runToEnd,
  signIn,
  signUp,
  startServer,
} from './spawned-server.ts'
import { until } from './until.ts'

const page = readBlocks(readDocument('docs/changing-the-secret.md'))

const newSecret = (): string => randomBytes(32).toString('base64url')
const idOf = (secret: string): string => createSecrets([secret], systemRandom).newestId

/** A line of the page such as `GATEWRIGHT_SECRET=NEW,OLD`, with the secrets of this test. */
const settingOf = (at: number, secrets: Readonly<Record<string, string>>): string => {
  const block = page.filter(({ language }) => language === 'ini')[at]
  return String(block?.text)
    .replace(/^GATEWRIGHT_SECRET=/, '')
    .trim()
    .replaceAll(/NEW|OLD/g, name => secrets[name] ?? name)
}

/** The words behind the program's name in the command of the page that begins so. */
const wordsOf = (beginning: string, values: Readonly<Record<string, string>> = {}): readonly string[] => {
  const [, found] =
    new RegExp(`npm run gatewright -- (${beginning}.*)`).exec(page.map(({ text }) => text).join('\n')) ??
    /npm run gatewright -- (secret retire .*)/.exec(readDocument('docs/changing-the-secret.md')) ??
    []
  return String(found)
    .split(' ')
    .map(word => values[word] ?? word)
}

const env = { PUBLIC_URL: 'http://localhost:3000' }
const run = (folder: Folder, secret: string, words: readonly string[]) =>
  runToEnd(folder, { env: { ...env, GATEWRIGHT_SECRET: secret }, file: commandLine, args: words })
const start = (folder: Folder, secret: string) =>
  startServer(folder, { env: { ...env, GATEWRIGHT_SECRET: secret } })

describe('docs/changing-the-secret.md, followed', { concurrency: true }, () => {
  test('step by step changes the secret, and the session goes on', async t => {
    const folder = newFolder(t)
    const OLD = newSecret()
    const first = await start(folder, OLD)
    const caller = await signUp(first, 'alice')
    const made = await runToEnd(folder, {
      file: '-p',
      args: [String(/node -p "(.*)"/.exec(page[0]?.text ?? '')?.[1])],
    })
    const NEW = made.stdout.trim()
    assert.match(NEW, /^[\w-]{43}$/)
    const both = settingOf(0, { NEW, OLD })
    assert.equal(both, `${NEW},${OLD}`)
    await first.stop()

    const second = await start(folder, both)
    await until('the start says what rests on the oldest', () =>
      new RegExp(
        `Oldest secret of GATEWRIGHT_SECRET: ${idOf(OLD)}; on it rests: 1 sessions \\(the last until 20`,
      ).test(second.stdout()),
    )
    assert.match(second.stdout(), new RegExp(`Secret in force: ${idOf(NEW)}`))
    const listed = await run(folder, both, wordsOf('secret list'))
    assert.match(listed.stdout, new RegExp(`^${idOf(NEW)} +in force +1 of 1`, 'm'), listed.stderr)
    assert.match(
      listed.stdout,
      new RegExp(`^${idOf(OLD)} +listed +1 of 1 +1 sessions \\(the last until 20`, 'm'),
    )

    const early = await runToEnd(folder, { env: { ...env, GATEWRIGHT_SECRET: settingOf(1, { NEW }) } })
    assert.match(
      early.stderr,
      new RegExp(`secret ${idOf(OLD)}, which is not here \\(1 of sessions, the last until`),
    )

    query(folder, 'select 1')
    await until(
      'the window is over and the session moves',
      async () => {
        const { status, text } = await second.call('POST', 'refresh', {
          body: { refresh_token: caller.refresh },
        })
        assert.equal(status, 200, text)
        return !text.includes(caller.refresh)
      },
      20_000,
    )
    const rests = async () => (await run(folder, both, [...wordsOf('secret list'), '--json'])).stdout
    await until(
      'nothing rests on the old one',
      async () => JSON.parse(await rests()).secrets[1].rests.length === 0,
      30_000,
    )
    const doctor = await run(folder, both, ['doctor'])
    assert.match(doctor.stdout, new RegExp(`nothing rests on the oldest, ${idOf(OLD)}: it can be taken out`))
    await second.stop()
    const third = await start(folder, settingOf(1, { NEW }))
    assert.equal((await third.call('GET', 'protected', { token: caller.access })).status, 200)
    await third.stop()
  })

  test('for a secret that leaked ends what rests on it at once, and nothing else', async t => {
    const folder = newFolder(t)
    const [NEW, OLD] = [newSecret(), newSecret()]
    const first = await start(folder, OLD)
    const caller = await signUp(first, 'alice')
    await first.stop()
    const both = settingOf(0, { NEW, OLD })
    const second = await start(folder, both)
    const later = await signIn(second, 'alice')
    const retire = wordsOf('secret retire', { 'OLD-ID': idOf(OLD) })
    assert.deepEqual(retire, ['secret', 'retire', idOf(OLD)])

    const retired = await run(folder, both, retire)
    assert.equal(retired.code, 0, retired.stderr)
    assert.match(retired.stdout, /sessions ended: 1\./)
    const isEnded = async () =>
      (await second.call('GET', 'protected', { token: caller.access })).status === 401
    await until('the running server refuses it', isEnded)
    const again = await second.call('POST', 'refresh', { body: { refresh_token: caller.refresh } })
    assert.deepEqual([again.status, again.field('code')], [401, 'session_ended'])
    assert.equal((await second.call('GET', 'protected', { token: later.access })).status, 200)
    const [ended] = query(folder, `select reason, actor from audit_events where event = 'session.ended'`)
    assert.deepEqual({ ...ended }, { reason: 'secret_retired', actor: 'command-line' })

    await second.stop()
    const third = await start(folder, settingOf(1, { NEW }))
    const refreshed = await third.call('POST', 'refresh', { body: { refresh_token: later.refresh } })
    assert.equal(refreshed.status, 200, refreshed.text)
    await third.stop()
  })

  test('refuses to retire the secret in force, one that nobody knows, and one of which too little is held', async t => {
    const folder = newFolder(t)
    const [NEW, OLD] = [newSecret(), newSecret()]
    await (await start(folder, OLD)).stop()
    const inForce = await run(folder, OLD, ['secret', 'retire', idOf(OLD)])
    assert.deepEqual([inForce.code, /conflict: Values are made with/.test(inForce.stderr)], [1, true])
    const unknown = await run(folder, OLD, ['secret', 'retire', idOf(NEW)])
    assert.deepEqual([unknown.code, /not_found: No process holds/.test(unknown.stderr)], [1, true])
    const without = await run(folder, NEW, ['secret', 'retire', idOf(OLD)])
    assert.match(without.stderr, new RegExp(`rests on the secret ${idOf(OLD)}, which is not here`))
    for (const secret of [NEW, OLD]) assert.ok(!(inForce.stderr + without.stderr).includes(secret))
  })
})
