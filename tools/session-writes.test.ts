import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { findSessionWriteFaults } from './session-writes.ts'
import { readSources } from './sources.ts'

const sources = readSources()
const starts = 'packages/gatewright/src/sessions/sessions.ts'

test('one function starts sessions for every door, and every write to one carries "and not ended"', () =>
  assert.deepEqual(findSessionWriteFaults(sources), []))

describe('a write to sessions is found', () => {
  const elsewhere = 'packages/gatewright/src/sign-in/door.ts'
  const refused: readonly (readonly [string, string, string, RegExp])[] = [
    [
      'a second door that inserts',
      elsewhere,
      "db.insertInto('sessions').values(row).execute()",
      /startSession/,
    ],
    ['one that merges', elsewhere, "db.mergeInto('sessions').using('x', 'a', 'b')", /startSession/],
    ['an insertion as SQL', elsewhere, 'sql`insert into sessions values (1)`', /another way/],
    ['an insertion for a user', elsewhere, "insertForUser(db, 'sessions', row, id)", /another way/],
    ['a change as SQL', elsewhere, 'sql`\n  update "sessions" set ended_at = null`', /another way/],
    [
      'a change of an application',
      'apps/blog/src/x.ts',
      "db.updateTable('sessions').set({}).execute()",
      /ended/,
    ],
    [
      'a change by id alone',
      elsewhere,
      "db.updateTable('sessions').set({ address }).where('id', '=', id).execute()",
      /:1 writes into sessions that may have ended/,
    ],
    [
      'one that asks for the contrary',
      elsewhere,
      "db.updateTable('sessions').set({ ended_at: null }).where('ended_at', 'is not', null)",
      /may have ended/,
    ],
    [
      'one beside another that asks',
      elsewhere,
      "db.updateTable('sessions').set({})\ndb.updateTable('users').where('ended_at', 'is', null)",
      /:1 writes/,
    ],
  ]
  for (const [what, path, code, says] of refused)
    test(what, () => {
      const [fault, ...others] = findSessionWriteFaults(new Map([[path, code]]))
      assert.match(fault ?? '', says)
      assert.deepEqual(others, [])
    })

  test('also where "and not ended" is taken out of any that is there', () => {
    const condition = /\s*\.where\('(sessions\.)?ended_at', 'is', null\)/g
    let taken = 0
    for (const [path, text] of sources) {
      if (!path.startsWith('packages/') || path.endsWith('.test.ts')) continue
      for (const { index, 0: found } of text.matchAll(condition)) {
        const before = text.slice(0, index)
        const isUpdate = before.lastIndexOf("updateTable('sessions')") > before.lastIndexOf('selectFrom(')
        if (!isUpdate) continue
        taken += 1
        const mutated = before + text.slice(index + found.length)
        assert.equal(findSessionWriteFaults(new Map([[path, mutated]])).length, 1, path)
      }
    }
    assert.equal(taken, 10)
  })

  test('and a second statement that inserts beside the one', () => {
    const text = `${sources.get(starts)}\ndb.insertInto('sessions').values(row)`
    assert.deepEqual(findSessionWriteFaults(new Map([[starts, text]])).length, 1)
  })
})
