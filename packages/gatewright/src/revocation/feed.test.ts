import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import { startTestApp, type TestApp } from '../../../../test/harness.ts'
import { openSecondConnection, type SecondConnection } from '../../../../test/sessions/second-connection.ts'
import { type FeedPosition, feedStart, readFeed } from './feed.ts'

let t: TestApp
let second: SecondConnection
before(async () => {
  t = await startTestApp()
  second = openSecondConnection(t.engine)
})
after(async () => {
  second.close()
  await t.close()
})
afterEach(() => second.run('delete from cut_offs'))

const write = (subject: string, until: number): Promise<void> =>
  second.run(
    "insert into cut_offs (kind, subject, matters_until, created_at) values ('session', ?, ?, 1)",
    subject,
    until,
  )

const read = async (position: FeedPosition | undefined, now: number) => {
  const { rows, next } = await readFeed(t.engine.db, position, now)
  return { subjects: rows.map(row => row.subject), next }
}

describe('a cut-off that no longer matters', () => {
  test('is not read from the start, and one that matters still is, to its last millisecond', async () => {
    for (const [subject, until] of Object.entries({ over: 99, last: 100, later: 101, never: 1 }))
      await write(subject, until)
    assert.deepEqual((await read(feedStart, 100)).subjects, ['last', 'later'])
  })

  test('is not read later either, as if nothing had been read', async () => {
    for (const subject of ['a', 'b', 'c']) await write(subject, 99)
    const { subjects, next } = await read(feedStart, 100)
    assert.deepEqual(subjects, [])
    assert.deepEqual((await read(next, 0)).subjects, [])
    await write('new', 101)
    assert.deepEqual((await read(next, 100)).subjects, ['new'])
  })

  test('hides none that matters and was written before it', async () => {
    await write('long', 1_000)
    const { next } = await read(feedStart, 100)
    await write('another', 1_000)
    await write('short', 99)
    assert.deepEqual((await read(next, 100)).subjects, ['another'])
  })
})

describe('many cut-offs at once', () => {
  const count = 2_500
  const writeMany = (): Promise<void> =>
    second.run(
      `with recursive n(i) as (select 1 union all select i + 1 from n where i < ${count})
       insert into cut_offs (kind, subject, matters_until, created_at) select 'session', 'many ' || i, 1000, 1 from n`,
    )

  test('are told whole to whoever follows', async () => {
    const { next } = await read(feedStart, 100)
    await writeMany()
    assert.equal(new Set((await read(next, 100)).subjects).size, count)
  })

  test('are told as far as asked for, and that there are more', async () => {
    const { next } = await read(feedStart, 100)
    await writeMany()
    for (const [most, isWhole] of [
      [10, false],
      [count, false],
      [count + 1, true],
    ] as const) {
      const told = await readFeed(t.engine.db, next, 100, most)
      assert.deepEqual([told.rows.length, told.isWhole], [Math.min(most, count), isWhole])
    }
  })
})
