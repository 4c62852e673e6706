import { type ExpressionBuilder, sql } from 'kysely'
import { type Clock, mostApart } from '../ground/clock.ts'
import { isSqlite } from '../storage/columns.ts'
import type { Database, Tables } from '../storage/tables.ts'
import type { Work } from '../storage/transaction.ts'
import { type PatternName, patternOf } from './patterns.ts'

/** One more of it, for a subject of a pattern. */
export type Mark = { readonly pattern: PatternName; readonly subject: string; readonly mark: string }

/** How many marks a subject has, and how often they came. */
export type Sum = { readonly marks: number; readonly total: number }

type Dependencies = { readonly clock: Clock }

/**
 * Whoever adds to the same subject waits, so that the last one counts all: a hundred guesses sent at once would else
 * each see none of the others. One statement, and one lock of each pattern, in the order of the marks. SQLite has
 * one writer.
 */
const queueUp = async ({ db }: Work, marks: readonly Mark[]): Promise<void> => {
  if (isSqlite(db)) return
  const locks = marks.map(
    ({ pattern, subject }) => sql`pg_advisory_xact_lock(hashtext(${pattern}), hashtext(${subject}))`,
  )
  await sql`select ${sql.join(locks)}`.execute(db)
}

/** Adds marks in the order in which they are given, which is the same for all who do. */
export const addMarks = async (
  { clock }: Dependencies,
  work: Work,
  marks: readonly Mark[],
): Promise<void> => {
  await queueUp(work, marks)
  const rows = marks.map(mark => ({
    ...mark,
    count: 1,
    forgotten_at: clock.now() + patternOf(mark.pattern).window,
  }))
  await work.db
    .insertInto('sign_in_marks')
    .values(rows)
    .onConflict(conflict =>
      conflict.columns(['subject', 'pattern', 'mark']).doUpdateSet(eb => ({
        count: eb('sign_in_marks.count', '+', 1),
        forgotten_at: eb.ref('excluded.forgotten_at'),
      })),
    )
    .execute()
}

type Counted = Omit<Mark, 'mark'>

/** Not past its window, nor further ahead than it can be: that one is of a clock that was ahead. */
const isCounted = (eb: ExpressionBuilder<Tables, 'sign_in_marks'>, now: number, pattern: PatternName) =>
  eb.and([
    eb('forgotten_at', '>', now),
    eb('forgotten_at', '<=', now + patternOf(pattern).window + mostApart),
  ])

/** What these subjects have that is not past its window, by pattern. */
export const sumMarks = async (
  { clock }: Dependencies,
  db: Database,
  counted: readonly Counted[],
): Promise<(pattern: PatternName) => Sum> => {
  const rows = await db
    .selectFrom('sign_in_marks')
    .select(eb => ['pattern', eb.fn.countAll<number>().as('marks'), eb.fn.sum<number>('count').as('total')])
    .where(eb =>
      eb.or(
        counted.map(({ subject, pattern }) =>
          eb.and([eb.and({ subject, pattern }), isCounted(eb, clock.now(), pattern)]),
        ),
      ),
    )
    .groupBy('pattern')
    .execute()
  return pattern => {
    const row = rows.find(each => each.pattern === pattern)
    return { marks: Number(row?.marks ?? 0), total: Number(row?.total ?? 0) }
  }
}

/** How many marks several subjects of a pattern have together. */
export const countMarks = async (
  { clock }: Dependencies,
  db: Database,
  pattern: PatternName,
  subjects: readonly string[],
): Promise<number> => {
  const { count } = await db
    .selectFrom('sign_in_marks')
    .select(eb => eb.fn.countAll<number>().as('count'))
    .where('subject', 'in', subjects)
    .where('pattern', '=', pattern)
    .where(eb => isCounted(eb, clock.now(), pattern))
    .executeTakeFirstOrThrow()
  return Number(count)
}

/** Takes one back: it has turned out to be none. */
export const dropMark = async ({ db }: Work, { subject, pattern, mark }: Mark): Promise<void> => {
  await db
    .deleteFrom('sign_in_marks')
    .where('subject', '=', subject)
    .where('pattern', '=', pattern)
    .where('mark', '=', mark)
    .execute()
}

/** All of a subject's. */
export const dropMarks = async ({ db }: Work, { subject, pattern }: Counted): Promise<void> => {
  await db.deleteFrom('sign_in_marks').where('subject', '=', subject).where('pattern', '=', pattern).execute()
}
