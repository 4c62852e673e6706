import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { sql } from 'kysely'
import { openDatabase } from '../../packages/gatewright/src/storage/database.ts'
import { testsDatabase } from '../environment.ts'
import { secret } from '../postgres/real-app.ts'
import { mayBound } from '../process/small-disk.ts'
import { commandLine } from '../process/spawned-server.ts'
import { until } from '../process/until.ts'
import { backUp, newPlace, restore, startApp } from './place.ts'

const ends: (() => Promise<void> | void)[] = []
after(async () => {
  for (const end of ends.toReversed()) await end()
})
const owner = { after: (end: () => Promise<void> | void) => void ends.push(end) }
const place = newPlace(owner)
const whole = place.file('whole.backup')
const folder = dirname(whole)
const names = (): readonly string[] =>
  readdirSync(folder).filter(name => !/\.db/.test(name) || name.includes('.part-'))

let url = ''
let size = 0
before(async () => {
  url = await place.newUrl()
  const app = await startApp({ after: () => {} }, url)
  await app.signUp('alice')
  // Large enough for somebody to come in between.
  await app.engine.db.schema.createTable('large').addColumn('text', 'text').execute()
  const noise = Buffer.from(crypto.getRandomValues(new Uint8Array(60_000))).toString('base64')
  for (let row = 0; row < 80; row++)
    await sql`insert into large (text) values (${`${row}${noise.slice(row)}`})`.execute(app.engine.db)
  await app.close()
  size = (await backUp(url, whole)).bytes
})

/** The command, in a process of its own; with a bound, on a disk on which no file grows beyond it. */
const start = (database: string, words: readonly string[], bound?: number) => {
  const bounded = bound === undefined ? [] : ['prlimit', `--fsize=${bound}`]
  const [file = '', ...args] = [...bounded, process.execPath, commandLine, ...words]
  const child = spawn(file, args, {
    cwd: folder,
    env: { PATH: process.env.PATH ?? '', DATABASE_URL: database, GATEWRIGHT_SECRET: secret },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  child.stderr.on('data', text => {
    said += text
  })
  return { child, said: () => said, ended: once(child, 'close') as Promise<[number | null, string | null]> }
}

const partsIn = (): readonly string[] => readdirSync(folder).filter(name => name.includes('.part-'))

const assertFails = async (database: string, words: readonly string[]): Promise<void> => {
  const before = readdirSync(folder).sort()
  const { ended, said } = start(database, words, Math.floor(size / 2))
  assert.deepEqual(await ended, [1, null], said())
  assert.match(said(), /^gatewright: .*\n$/)
  assert.deepEqual(readdirSync(folder).sort(), before)
}

describe('killed in the middle', () => {
  test('a backup leaves no file under its name, and the next one is made', async () => {
    const { child, ended } = start(url, ['backup', '--to', 'killed.backup'])
    await until('it has begun', () => partsIn().length > 0)
    child.kill('SIGKILL')
    assert.deepEqual(await ended, [null, 'SIGKILL'])
    assert.ok(!names().includes('killed.backup'))
    const again = start(url, ['backup', '--to', 'killed.backup'])
    assert.deepEqual(await again.ended, [0, null], again.said())
  })

  test('a restore leaves nothing that a server would start on, and can be done again', async () => {
    const other = await place.newUrl()
    const { child, ended } = start(other, ['restore', '--from', whole])
    const before = partsIn().length
    const db = other.startsWith('sqlite:') ? undefined : openDatabase(other, { pool: 1 })
    const isAtIt = async (): Promise<boolean> =>
      db === undefined
        ? partsIn().length > before
        : (
            await sql`select 1 from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and xact_start is not null`.execute(
              db,
            )
          ).rows.length > 0
    await until('it has begun', isAtIt)
    child.kill('SIGKILL')
    await ended
    await db?.destroy()
    await restore(other, whole)
    const app = await startApp(owner, other)
    assert.equal((await app.engine.db.selectFrom('users').select('id').execute()).length, 1)
  })
})

const isUnboundable = !mayBound()

describe('on a disk that is full', () => {
  test(
    'a backup ends with one line, and leaves nothing half',
    { skip: isUnboundable && 'prlimit is missing, of util-linux' },
    () => assertFails(url, ['backup', '--to', 'full.backup']),
  )
  // PostgreSQL has a disk of its own.
  if (testsDatabase.kind === 'sqlite')
    test(
      'a restore ends with one line, and leaves nothing half',
      { skip: isUnboundable && 'prlimit is missing, of util-linux' },
      async () => assertFails(await place.newUrl(), ['restore', '--from', whole]),
    )
})
