import assert from 'node:assert/strict'
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
import { type Door, startWorkers, type Workers } from '../workers/start-workers.ts'
import { newName, openServer, query, readdress } from './query.ts'
import { secret } from './real-app.ts'

/** mechanisms.md: p99 50 ms between processes. A loaded test machine gets twenty times that. */
const longest = 1_000

describe('two parents with two workers each, as on two machines, on one PostgreSQL database', () => {
  const ends: (() => Promise<void>)[] = []
  const owner = { after: (end: () => Promise<void>) => void ends.unshift(end) }
  let url: string
  let folder: Folder
  let env: Readonly<Record<string, string>>
  let parents: readonly Workers[]
  let doors: readonly Door[]

  before(async () => {
    const server = await openServer()
    owner.after(server.stop)
    const database = newName()
    await query(server.url, `create database ${database}`)
    url = readdress(server.url, { database })
    folder = newFolder(owner)
    env = {
      DATABASE_URL: url,
      DATABASE_POOL: '2',
      GATEWRIGHT_SECRET: secret,
      PUBLIC_URL: 'http://localhost:3000',
    }
    parents = await Promise.all([1, 2].map(() => startWorkers(owner, folder, 2, { env })))
    doors = (await Promise.all(parents.map(({ openDoors }) => openDoors()))).flat()
  })
  after(async () => {
    for (const end of ends) await end()
  })

  const statusAt = async (door: Door, { access }: Caller): Promise<number> =>
    (await door.call('GET', 'protected', { token: access })).status
  const command = async (...args: readonly string[]): Promise<void> => {
    const { code, stderr } = await runToEnd(folder, { env, file: commandLine, args })
    assert.equal(code, 0, stderr)
  }
  const signUpKnownToAll = async (username: string): Promise<Caller> => {
    const caller = await signUp(parents[0] ?? assert.fail(), username)
    for (const door of doors) assert.equal(await statusAt(door, caller), 200)
    return caller
  }

  test('are four processes of the register', async () => {
    assert.equal(new Set(doors.map(({ pid }) => pid)).size, 4)
    assert.deepEqual(await query(url, 'select count(*)::int as rows from processes'), [{ rows: 4 }])
  })

  test('refuse what one worker ended: it at once, all others within the bound', async t => {
    const [first, ...others] = doors as readonly [Door, ...Door[]]
    const caller = await signUpKnownToAll('leaver')
    assert.equal((await first.call('POST', 'logout', { token: caller.access })).status, 200)
    assert.equal(await statusAt(first, caller), 401)
    const waits = await Promise.all(
      others.map(door => until('it refuses', async () => (await statusAt(door, caller)) === 401, longest)),
    )
    t.diagnostic(`refused elsewhere after ${waits.map(wait => wait.toFixed(0)).join(', ')} ms`)
  })

  test('refuse a user whom the command line disabled, and the password at each', async () => {
    const caller = await signUpKnownToAll('bob')
    await command('user', 'disable', 'bob')
    for (const door of doors)
      await until('it refuses', async () => (await statusAt(door, caller)) === 401, longest)
    for (const door of doors) {
      const login = await door.call('POST', 'login', { body: { username: 'bob', password } })
      assert.equal(login.status, 401)
    }
  })
})
