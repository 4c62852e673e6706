import assert from 'node:assert/strict'
import { copyFileSync, existsSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import {
  commandLine,
  type Folder,
  newFolder,
  password,
  runToEnd,
  type Server,
  signUp,
  startServer,
} from './spawned-server.ts'
import { until, within } from './until.ts'

const env = { PUBLIC_URL: 'http://localhost:3000' }

const databaseOf = ({ path }: Folder): string => join(path, 'data/gatewright.db')

const command = (folder: Folder, ...args: readonly string[]) =>
  runToEnd(folder, { env, file: commandLine, args })

/** What a start says that does not come about. */
const failToStart = async (folder: Folder): Promise<string> => {
  const { code, stderr } = await runToEnd(folder, { env })
  assert.equal(code, 1, stderr)
  return stderr
}

/** As a file of the disk that its owner copies while nothing runs. */
const backUp = (folder: Folder): void => copyFileSync(databaseOf(folder), join(folder.path, 'backup.db'))
const putBackBeside = (folder: Folder): void => {
  copyFileSync(join(folder.path, 'backup.db'), `${databaseOf(folder)}.new`)
  renameSync(`${databaseOf(folder)}.new`, databaseOf(folder))
}

/** Ends by itself, and says why; until then nobody is answered as if nothing had happened. */
const assertEnds = async (server: Server, token: string): Promise<void> => {
  const ending = await within(20_000, 'the server ends', server.ended)
  assert.deepEqual(ending, { code: 1, signal: null })
  assert.match(server.stderr(), /the file of the database was deleted, or another one stands in its place/)
  assert.match(server.stdout(), /"event":"database.lost"/)
  await assert.rejects(server.call('GET', 'protected', { token }))
}

const damages: Record<string, (folder: Folder) => void> = {
  deleted: folder => rmSync(databaseOf(folder)),
  'robbed of its log of writes': folder => rmSync(`${databaseOf(folder)}-wal`),
}

describe('a SQLite file under a running process', () => {
  for (const [name, damage] of Object.entries(damages))
    test(`that is ${name} ends it: what it would write from then on would be lost`, async t => {
      const folder = newFolder(t)
      const server = await startServer(folder, { env })
      const { access } = await signUp(server, 'alice')
      damage(folder)
      await assertEnds(server, access)
    })
})

test('a token that outlives logout: a backup in place of the database ends both processes, is refused by the start, and adopted it ends every session', async t => {
  const folder = newFolder(t)
  const first = await startServer(folder, { env })
  const caller = await signUp(first, 'alice')
  await first.stop()
  backUp(folder)
  const server = await startServer(folder, { env })
  const other = await startServer(folder, { env })
  const place = (): string => readFileSync(`${databaseOf(folder)}.place`, 'utf8')
  const before = place()
  assert.equal((await server.call('POST', 'logout', { token: caller.access })).status, 200)
  await until('the place is noted', () => place() !== before, 20_000)
  putBackBeside(folder)
  for (const each of [server, other]) await assertEnds(each, caller.access)

  // SQLite would mix what that log holds into the backup.
  assert.match(await failToStart(folder), /is still the log of the one before, .*: delete .*-wal and .*-shm/)
  for (const end of ['-wal', '-shm']) rmSync(databaseOf(folder) + end)
  const said = await failToStart(folder)
  assert.match(said, /is older than it was, .*gatewright restore --adopt/)
  const user = await command(folder, 'user', 'list')
  assert.equal(user.code, 1)
  assert.match(user.stderr, /restore --adopt/, 'a command works on no other database either')
  const wrong = await command(folder, 'restore')
  assert.deepEqual([wrong.code, /restore --adopt/.test(wrong.stderr)], [2, true])

  const adopted = await command(folder, 'restore', '--adopt', '--json')
  assert.deepEqual(JSON.parse(adopted.stdout), {
    ok: true,
    sessions_ended: 1,
    api_keys_ended: 0,
    signing_keys_replaced: 2,
    changed: [],
    administrators: [],
    position: JSON.parse(adopted.stdout).position,
  })
  const again = await startServer(folder, { env })
  const refused = await again.call('GET', 'protected', { token: caller.access })
  assert.deepEqual([refused.status, refused.field('code')], [401, 'invalid_token'])
  const refreshed = await again.call('POST', 'refresh', { body: { refresh_token: caller.refresh } })
  assert.deepEqual([refreshed.status, refreshed.field('code')], [401, 'session_ended'])
  const login = await again.call('POST', 'login', { body: { username: 'alice', password } })
  assert.equal((await again.call('GET', 'me', { token: login.field('access_token') })).status, 200)
  await again.stop()
})

test('a start where the database was deleted makes no new one in silence, and does when its note is deleted too', async t => {
  const folder = newFolder(t)
  const first = await startServer(folder, { env })
  await signUp(first, 'alice')
  await first.stop()
  for (const end of ['', '-wal', '-shm']) rmSync(databaseOf(folder) + end, { force: true })
  for (const _ of [1, 2]) assert.match(await failToStart(folder), /and it is gone: put it back from a backup/)
  rmSync(`${databaseOf(folder)}.place`)
  const anew = await startServer(folder, { env })
  assert.ok(existsSync(databaseOf(folder)))
  await anew.stop()
})
