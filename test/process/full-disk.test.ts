import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import type { Answer, Outgoing } from './http-client.ts'
import { goOn, slowDiskApp, slowDown } from './slow-disk-app.ts'
import {
  breakDisk,
  diskOf,
  findMounter,
  mayBound,
  mayForbidWrites,
  mendDisk,
  onSmallDisk,
  whileReadOnly,
} from './small-disk.ts'
import {
  newFolder,
  password,
  type Server,
  type Start,
  signUp,
  startServer,
  toLines,
} from './spawned-server.ts'
import { until } from './until.ts'

const isMountable = findMounter()
const isUnboundable = !mayBound()
const isUnforbiddable = !mayForbidWrites()

/** A user with a token, another one with a token to sign out with, and a third in a browser. */
const open = async (t: TestContext, start: (folder: ReturnType<typeof newFolder>) => Start) => {
  const folder = newFolder(t)
  const server = await startServer(folder, {
    env: { LOG_FORMAT: 'json', PUBLIC_URL: 'http://localhost:1' },
    ...start(folder),
  })
  const [alice, bob] = [await signUp(server, 'alice'), await signUp(server, 'bob')]
  const origin = 'http://localhost:1'
  const page = await server.call('POST', 'sessions', {
    body: { username: 'bob', password },
    headers: { origin },
  })
  const cookie = String(page.headers['set-cookie']).split(';')[0] ?? ''
  const headers = { origin, cookie, 'x-csrf-token': page.field('csrf_token') }
  return { folder, server, alice, bob, browser: { headers } }
}

type Scene = Awaited<ReturnType<typeof open>>

type Request = readonly [method: string, path: string, outgoing?: Outgoing]

const readsOf = ({ alice, browser }: Scene): readonly Request[] => [
  ['GET', 'me', { token: alice.access }],
  ['GET', 'sessions', { token: alice.access }],
  ['GET', 'me', browser],
  ['GET', 'todos', { token: alice.access }],
  ['GET', 'posts'],
  ['GET', '/healthz'],
]

const changesOf = ({ alice, bob, browser }: Scene): readonly Request[] => [
  ['POST', 'login', { body: { username: 'alice', password } }],
  ['POST', 'login', { body: { username: 'alice', password: 'not the password of alice' } }],
  ['POST', 'sessions', { body: { username: 'bob', password }, headers: { origin: 'http://localhost:1' } }],
  ['POST', 'register', { body: { username: 'carol', password } }],
  ['POST', 'refresh', { body: { refresh_token: alice.refresh } }],
  ['POST', 'todos', { token: alice.access, body: { title: 'Never', done: false } }],
  [
    'PUT',
    'me/password',
    { token: alice.access, body: { current_password: password, new_password: `${password}!` } },
  ],
  ['POST', 'logout', { token: bob.access }],
  ['POST', 'logout', browser],
]

const send = ({ call }: Server, requests: readonly Request[]): Promise<readonly Answer[]> =>
  Promise.all(requests.map(([method, path, outgoing]) => call(method, path, outgoing)))

/** Reads go on, and each change is refused so that it can be tried again. */
const assertReadsOnly = async (scene: Scene): Promise<void> => {
  const reads = readsOf(scene)
  const changes = changesOf(scene)
  for (const [at, { status, text }] of (await send(scene.server, reads)).entries())
    assert.equal(status, 200, `${reads[at]} ${text}`)
  for (const [at, answer] of (await send(scene.server, changes)).entries()) {
    const told = `${changes[at]} ${answer.text}`
    assert.deepEqual([answer.status, answer.field('code')], [503, 'unavailable'], told)
    assert.match(answer.headers['retry-after'] ?? '', /^\d+$/, told)
    assert.equal(answer.headers['set-cookie'], undefined, told)
  }
  assert.equal((await scene.server.call('GET', 'me', { token: 'none.of.ours' })).status, 401)
}

type Listed = { readonly event?: string }

/** What was refused has not happened, by half either, and happens now. */
const assertWell = async ({ server, alice, bob, browser }: Scene): Promise<void> => {
  const { call } = server
  const list = async (path: string, token: string): Promise<readonly Listed[]> => {
    const { text } = await call('GET', path, { token })
    return [JSON.parse(text), ...Object.values(JSON.parse(text))].find(Array.isArray) ?? assert.fail(text)
  }
  await until(
    'it can be written',
    async () => (await call('POST', 'register', { body: { username: 'carol', password } })).status === 201,
  )
  assert.deepEqual(await list('todos', alice.access), [])
  assert.equal((await list('sessions', alice.access)).length, 1, 'no sign-in was half done')
  const refreshed = await call('POST', 'refresh', { body: { refresh_token: alice.refresh } })
  assert.equal(refreshed.status, 200, 'the refresh token is good, and no theft')
  assert.equal((await call('GET', 'me', browser)).status, 200, 'the cookie is good')
  assert.equal((await call('GET', 'me', { token: bob.access })).status, 200, 'nobody is signed out')
  assert.equal((await call('POST', 'logout', { token: bob.access })).status, 200)
  assert.equal((await call('GET', 'me', { token: bob.access })).status, 401)
  const events = await list('me/events', refreshed.field('access_token'))
  const names = events.map(({ event }) => event ?? '')
  assert.deepEqual(
    names.filter(name => /reused|password/.test(name)),
    [],
  )
}

const readiness = async ({
  call,
}: Server): Promise<{ readonly status: string; readonly warnings: string[] }> =>
  JSON.parse((await call('GET', '/readyz')).text)

/** Told, and no reason to keep traffic away, which would keep the reads away as well. */
const assertWarns = async (server: Server, warning: RegExp): Promise<void> => {
  const warns = async () => (await readiness(server)).warnings.some(text => warning.test(text))
  await until(`it warns of ${warning}`, warns)
  assert.equal((await readiness(server)).status, 'ready')
}

const levels = (server: Server, text: string): readonly unknown[] =>
  toLines(server.stdout()).flatMap(({ msg, level }) => (msg === text ? [level] : []))

describe('signed-in reads go on and changes are refused,', { concurrency: true }, () => {
  test('on a full disk, and all is well without a restart once there is room', {
    skip: isMountable === undefined && 'this machine lets nobody mount a disk, which root may',
  }, async t => {
    const scene = await open(t, folder => ({
      ...onSmallDisk(folder, isMountable ?? assert.fail(), 6),
      env: { LOG_FORMAT: 'json', PUBLIC_URL: 'http://localhost:1', LOG_FILE: './data/log' },
    }))
    const { server } = scene
    const disk = diskOf(scene.folder, server)
    disk.fill()
    for (let round = 0; round < 3; round += 1) await assertReadsOnly(scene)
    await assertWarns(server, /can not be written for \d+ seconds: the disk is full/)
    await assertWarns(server, /^The disk of the database is nearly full/)
    disk.makeRoom()
    await assertWell(scene)
    await until('it warns no more', async () => (await readiness(server)).warnings.length === 0)
    await server.stop()
    assert.match(
      server.stderr(),
      /^gatewright: the log can't be written: ENOSPC.*\ngatewright: the log can be written again, 0 lines are lost\n$/,
    )
  })

  test('on a disk that fails, which fills no log, and all is well once it is mended', {
    skip: isUnboundable && 'prlimit is missing, of util-linux',
  }, async t => {
    const scene = await open(t, () => ({}))
    const { server } = scene
    breakDisk(server)
    for (let round = 0; round < 3; round += 1) await assertReadsOnly(scene)
    await assertWarns(server, /can not be written for \d+ seconds: the disk fails/)
    mendDisk(server)
    await assertWell(scene)
    await until('it says so', () => levels(server, 'the database can be written again')[0] === 'info')
    await server.stop()
    assert.equal(levels(server, 'unexpected error').length, 1)
    assert.ok(levels(server, 'audit events could not be sealed').length <= 1)
    assert.equal(levels(server, 'limits are counted by all processes together again').length, 1)
  })

  test('on a file that may only be read, and all is well without a restart once it may be written', {
    skip:
      isUnforbiddable && 'this machine forbids nobody to write a file that is open, which root may on ext4',
  }, async t => {
    const scene = await open(t, () => ({}))
    const { folder, server } = scene
    await whileReadOnly(folder, async () => {
      await assertReadsOnly(scene)
      await assertReadsOnly(scene)
      await assertWarns(server, /can not be written for \d+ seconds/)
    })
    await assertWell(scene)
    await until('it warns no more', async () => (await readiness(server)).warnings.length === 0)
    await server.stop()
  })

  test('on a disk that is slow: changes wait for it, for ten seconds at most, and all is well without a restart once it goes on', async t => {
    const scene = await open(t, () => ({ file: slowDiskApp }))
    const { folder, server, bob } = scene
    const write = () => server.call('POST', 'todos', { token: bob.access, body: { title: 'Slow' } })
    let answered = 0
    const begin = () => Promise.all([1, 2, 3].map(() => write().finally(() => (answered += 1))))

    slowDown(folder)
    const waiting = begin()
    for (let round = 0; round < 3; round += 1)
      for (const { status, text } of await send(server, readsOf(scene))) assert.equal(status, 200, text)
    assert.equal(answered, 0, 'no change is answered before the disk has it')
    goOn(folder)
    for (const { status, text } of await waiting) assert.equal(status, 201, text)

    slowDown(folder)
    const from = performance.now()
    for (const { status, text } of await begin()) assert.equal(status, 503, text)
    const took = performance.now() - from
    assert.ok(took > 9_000 && took < 25_000, `${took} ms`)
    await assertReadsOnly(scene)
    assert.ok(performance.now() - from - took < 8_000, 'who comes then is refused at once')
    assert.equal((await readiness(server)).status, 'ready')
    goOn(folder)
    await assertWell(scene)
    await server.stop()
  })
})
