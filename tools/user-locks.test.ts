import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { readSources } from './sources.ts'
import { findUserLockFaults } from './user-locks.ts'

const sources = readSources()

test('whoever writes or locks rows of users says so first, so that another order than that of all is noticed', () =>
  assert.deepEqual(findUserLockFaults(sources), []))

describe('a statement about users is found', () => {
  const path = 'packages/gatewright/src/users/new.ts'
  for (const code of [
    "const f = ({ db }) => db.updateTable('users').set({ version: 2 }).execute()",
    "const f = ({ db }) => db\n  .insertInto('users')\n  .values(row).execute()",
    "const f = ({ db }) => db.selectFrom('users').selectAll().where('id', '=', id).forShare().execute()",
    "const f = ({ db }) => db.selectFrom('users').select('id').forNoKeyUpdate().skipLocked().execute()",
  ])
    test(code, () => assert.equal(findUserLockFaults(new Map([[path, code]])).length, 1))

  test('also where the word is taken out of any that is there, but where the statement is a prepared one', () => {
    const unnoticed: unknown[] = []
    let taken = 0
    for (const [file, text] of sources) {
      if (!file.startsWith('packages/') || file.endsWith('.test.ts')) continue
      for (const { index, 0: found } of text.matchAll(/\bbeforeLock\('user'\)/g)) {
        const before = text.slice(0, index)
        const mutated = `${before}beforeLock('installation')${text.slice(index + found.length)}`
        taken += 1
        if (findUserLockFaults(new Map([[file, mutated]])).length !== 1)
          unnoticed.push([...before.matchAll(/^export const (\w+)/gm)].at(-1)?.[1])
      }
    }
    for (const name of unnoticed) assert.match(String(name), /^lock(AndGet)?User$/)
    assert.ok(taken >= 9, String(taken))
  })

  test('one that only reads is none', () => {
    const reads = [
      "const f = ({ db }) => db.selectFrom('users').selectAll().execute()",
      "const f = async ({ db }) => {\n  await db.selectFrom('users').select('id').execute()\n  await db.selectFrom('sessions').selectAll().forUpdate().execute()\n}",
    ]
    for (const code of reads) assert.deepEqual(findUserLockFaults(new Map([[path, code]])), [])
  })
})
