import assert from 'node:assert/strict'
import { readdirSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import {
  type Caller,
  commandLine,
  type Folder,
  newFolder,
  password,
  runToEnd,
  signUp,
} from '../process/spawned-server.ts'
import { until } from '../process/until.ts'
import { type Door, startWorkers, type Workers } from './start-workers.ts'

/** mechanisms.md: p99 100 ms between processes on SQLite. A loaded test machine gets ten times that. */
const longest = 1_000

/** The files that a process has open. */
const filesOf = (pid: number): readonly string[] =>
  readdirSync(`/proc/${pid}/fd`).flatMap(fd => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`)
    } catch {
      return []
    }
  })

describe('of three workers', () => {
  const ends: (() => Promise<void>)[] = []
  const owner = { after: (end: () => Promise<void>) => void ends.unshift(end) }
  let folder: Folder
  let workers: Workers
  let doors: readonly Door[]

  before(async () => {
    folder = newFolder(owner)
    workers = await startWorkers(owner, folder, 3)
    doors = await workers.openDoors()
  })
  after(async () => {
    for (const end of ends) await end()
  })

  const command = async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await runToEnd(folder, { file: commandLine, args })
    assert.equal(code, 0, stderr)
    return stdout
  }
  const statusAt = async (door: Door, token: string, path = 'protected'): Promise<number> =>
    (await door.call('GET', path, { token })).status

  /** Each of them has the token in its memory. */
  const signUpKnownToAll = async (username: string): Promise<Caller> => {
    const caller = await signUp(workers, username)
    for (const door of doors) assert.equal(await statusAt(door, caller.access), 200)
    return caller
  }
  const untilEndedAt = (door: Door, { access }: Caller) =>
    until(`worker ${door.pid} refuses`, async () => (await statusAt(door, access)) === 401, longest)

  test('new connections are given to each in turn', async () => {
    const pids = workers.pids()
    assert.equal(new Set(pids).size, 3)
    assert.ok(!pids.includes(workers.pid))
    const served = new Map(pids.map(pid => [pid, 0]))
    for (let each = 0; each < 30; each += 1) {
      const pid = await workers.findPid(await workers.knock('/healthz'))
      served.set(pid, (served.get(pid) ?? 0) + 1)
    }
    assert.deepEqual([...served.values()], [10, 10, 10])
  })

  test('the workers alone open the database, and not the parent', t => {
    if (process.platform !== 'linux') return t.skip('only Linux tells which files a process has open')
    const [worker = 0] = workers.pids()
    assert.ok(filesOf(worker).some(name => name.endsWith('gatewright.db')))
    assert.deepEqual(
      filesOf(workers.pid).filter(name => name.startsWith(folder.path)),
      [],
    )
  })

  test('the one that answers a logout refuses the token at once, the others within the bound', async t => {
    const [first, ...others] = doors as [Door, ...Door[]]
    const caller = await signUpKnownToAll('leaver')
    assert.equal((await first.call('POST', 'logout', { token: caller.access })).status, 200)
    assert.equal(await statusAt(first, caller.access), 401)
    const waits = await Promise.all(others.map(door => untilEndedAt(door, caller)))
    t.diagnostic(`refused elsewhere after ${waits.map(wait => wait.toFixed(0)).join(' and ')} ms`)
  })

  test('none takes what a key has signed that was revoked, and each signs with the next one', async () => {
    const caller = await signUpKnownToAll('signed')
    const { kid } = JSON.parse(Buffer.from(caller.access.split('.')[0] ?? '', 'base64url').toString())
    await command('key', 'revoke', kid)
    for (const door of doors) await untilEndedAt(door, caller)
    for (const door of doors) {
      const { field } = await door.call('POST', 'login', { body: { username: 'signed', password } })
      for (const each of doors) assert.equal(await statusAt(each, field('access_token')), 200)
    }
  })

  test('live tokens have the roles that the command line gives, and lose them, at each', async () => {
    const author = await signUpKnownToAll('author')
    const caller = await signUpKnownToAll('moderator-to-be')
    const body = { title: 'A post', content: 'of another', published: true }
    const posted = await workers.call('POST', 'posts', { token: author.access, body })
    const change = async (door: Door): Promise<number> =>
      (
        await door.call('PUT', `posts/${posted.field('id')}`, {
          token: caller.access,
          body: { title: 'New' },
        })
      ).status
    for (const door of doors) assert.equal(await change(door), 403)
    await command('user', 'role', 'moderator-to-be', 'moderator')
    for (const door of doors)
      await until('the role counts', async () => (await change(door)) === 200, longest)
    await command('user', 'role', 'moderator-to-be', 'user')
    for (const door of doors) await until('it is gone', async () => (await change(door)) === 403, longest)
  })

  test('each is in the register, and doctor shows it', async () => {
    const { checks } = JSON.parse(await command('doctor', '--json')) as {
      readonly checks: readonly { readonly name: string; readonly found: string }[]
    }
    const { found = '' } = checks.find(({ name }) => name === 'processes') ?? {}
    assert.deepEqual([/^3 live;/.test(found), found.split('; server ').length], [true, 4], found)
  })

  test('each tells what all of them measured, by their numbers', async () => {
    const chief = await signUp(workers, 'chief')
    await command('user', 'role', 'chief', 'admin')
    const { field } = await workers.call('POST', 'login', { body: { username: 'chief', password } })
    const token = field('access_token')
    for (const [index, door] of doors.entries())
      for (let each = 0; each <= index; each += 1) await door.call('GET', 'posts/none')
    const read = async (door: Door): Promise<string> => {
      const { status, text } = await door.call('GET', '/metrics', { token })
      assert.equal(status, 200, text)
      return text
    }
    const line =
      /http_requests_total\{method="GET",route="\/api\/v1\/posts\/:id",status="404",worker="([123])"\} (\d+)/g
    for (const door of doors) {
      const text = await read(door)
      const counts = [...text.matchAll(line)].map(([, worker, count]) => [Number(worker), Number(count)])
      const expected = doors.map((_, index) => [index + 1, index + 1])
      assert.deepEqual(counts, expected)
      for (const name of ['process_resident_memory_bytes', 'gatewright_revocations_age_seconds'])
        assert.equal([...text.matchAll(new RegExp(`^${name}\\{worker="[123]"\\} \\d`, 'gm'))].length, 3, name)
      assert.equal(
        [...text.matchAll(/^gatewright_oldest_row_age_seconds\{table="audit_events"\} /gm)].length,
        1,
      )
      assert.equal([...text.matchAll(/^# TYPE http_requests_total /gm)].length, 1)
      assert.doesNotMatch(text, / (null|undefined|NaN)$/m)
      assert.ok(!text.includes(chief.id))
    }
  })

  test('each has the settings that were written since, once they were restarted', async () => {
    const register = (door: Door, username: string) =>
      door.call('POST', 'register', { body: { username, password } })
    for (const [index, door] of doors.entries())
      assert.equal((await register(door, `before-${index}`)).status, 201)
    writeFileSync(join(folder.path, '.env'), 'REGISTRATION=closed\n')
    const former = workers.pids()
    for (const door of doors) door.close()
    await workers.restart()
    for (const pid of former) assert.ok(!workers.pids().includes(pid))
    for (const [index, door] of (await workers.openDoors()).entries())
      assert.equal((await register(door, `after-${index}`)).status, 403)
  })
})
