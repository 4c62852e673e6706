import { type Expression, type ExpressionBuilder, type RawBuilder, type SqlBool, sql } from 'kysely'
import { isNullRefused } from '../storage/null-refused.ts'
import { prepare } from '../storage/prepared.ts'
import type { Database, Tables } from '../storage/tables.ts'
import type { Charge, Counted, CounterStore } from './counter-store.ts'
import { believed, furthest } from './gcra.ts'

type Row = { readonly key: string; readonly tat: number }
type Values = Readonly<Record<string, string | number>>
type Builder = ExpressionBuilder<Tables, 'limit_counters'>

/** PostgreSQL would take a number that is only a parameter for a text. */
const number = (value: unknown): RawBuilder<number> => sql<number>`cast(${value} as bigint)`
const text = (value: unknown): RawBuilder<string> => sql<string>`cast(${value} as text)`

/** Where a counter stands: past `after`, and no further than it can be (see {@link believed}). */
type Stand = { readonly key: unknown; readonly after: unknown; readonly furthest: unknown }

const isOneOf =
  (stands: readonly Stand[]) =>
  (eb: Builder): Expression<SqlBool> =>
    eb.or(
      stands.map(stand =>
        eb.and([
          eb('limit_counters.key', '=', text(stand.key)),
          eb('limit_counters.tat', '>', number(stand.after)),
          eb('limit_counters.tat', '<=', number(stand.furthest)),
        ]),
      ),
    )

/**
 * Charges `count` counters, or none. One that refuses is seen twice: before anything is written, and again
 * where its row is held, which somebody else may have charged meanwhile (PostgreSQL then sees the row as it
 * is now, not as the statement began). There it is set to null, which the column refuses, and with it the
 * whole statement. Rows are held in the order of their keys, so no two statements wait for each other.
 */
const prepareTake = (count: number) =>
  prepare<Values, Row>((db, value) => {
    const places = Array.from({ length: count }, (_, place) => place)
    const isPast = (after: (place: number) => string) =>
      isOneOf(
        places.map(place => ({
          key: value(`key${place}`),
          after: value(after(place)),
          furthest: value(`furthest${place}`),
        })),
      )
    const refuses = isPast(place => `last${place}`)
    const isUsed = isPast(() => 'now')
    const charges = places
      .map(place =>
        db.selectNoFrom([text(value(`key${place}`)).as('key'), number(value(`first${place}`)).as('tat')]),
      )
      .reduce((all, one) => all.unionAll(one))
    return db
      .insertInto('limit_counters')
      .columns(['key', 'tat'])
      .expression(
        db
          .selectFrom(charges.as('charge'))
          .select(['charge.key', 'charge.tat'])
          .where(({ not, exists }) =>
            not(exists(db.selectFrom('limit_counters').select('key').where(refuses))),
          )
          .orderBy('charge.key'),
      )
      .onConflict(conflict =>
        conflict.column('key').doUpdateSet(({ eb, ref }) => ({
          tat: eb
            .case()
            .when(refuses(eb as unknown as Builder))
            .then(sql<number>`null`)
            .when(isUsed(eb as unknown as Builder))
            .then(
              sql<number>`${ref('excluded.tat')} + ${ref('limit_counters.tat')} - ${number(value('now'))}`,
            )
            .else(ref('excluded.tat'))
            .end(),
        })),
      )
      .returning(['key', 'tat'])
  })

const prepared: ReturnType<typeof prepareTake>[] = []

const findTake = (count: number): ReturnType<typeof prepareTake> => {
  const take = prepared[count] ?? prepareTake(count)
  prepared[count] = take
  return take
}

const toValues = (charges: readonly Charge[], now: number): Values => {
  const values: Record<string, string | number> = { now }
  for (const [place, { key, step, capacity }] of charges.entries()) {
    values[`key${place}`] = key
    values[`first${place}`] = now + step
    values[`last${place}`] = now + capacity - step
    values[`furthest${place}`] = furthest(now, { capacity })
  }
  return values
}

const charged = async (db: Database, charges: readonly Charge[], now: number): Promise<readonly Row[]> => {
  const take = findTake(charges.length)
  try {
    const { rows } = await take(db, toValues(charges, now))
    return rows
  } catch (error) {
    // A counter that refuses was charged by somebody else after it was looked at.
    if (!isNullRefused(error)) throw error
    return []
  }
}

const read = async (db: Database, charges: readonly Charge[]): Promise<readonly Row[]> =>
  db
    .selectFrom('limit_counters')
    .select(['key', 'tat'])
    .where(
      'key',
      'in',
      charges.map(({ key }) => key),
    )
    .execute()

const tatsOf = (charges: readonly { readonly key: string }[], rows: readonly Row[]): readonly number[] => {
  const tats = new Map(rows.map(({ key, tat }) => [key, tat]))
  return charges.map(({ key }) => tats.get(key) ?? 0)
}

const take = async (db: Database, charges: readonly Charge[], now: number): Promise<Counted> => {
  const rows = await charged(db, charges, now)
  if (rows.length > 0) return { allowed: true, tats: tatsOf(charges, rows) }
  const tats = tatsOf(charges, await read(db, charges))
  return { allowed: false, tats: charges.map((charge, place) => believed(tats[place] ?? 0, now, charge)) }
}

const giveBack = async (db: Database, { key, step, capacity }: Charge, now: number): Promise<void> => {
  await db
    .updateTable('limit_counters')
    .set(({ eb }) => ({
      tat: eb
        .case()
        .when('tat', '>', number(now + step))
        .then(eb('tat', '-', number(step)))
        .else(number(now))
        .end(),
    }))
    .where('key', '=', key)
    .where('tat', '>', now)
    .where('tat', '<=', furthest(now, { capacity }))
    .execute()
}

const byKey = (a: { readonly key: string }, b: { readonly key: string }): number => (a.key < b.key ? -1 : 1)

/** Counters in the table `limit_counters`: one statement each, the same on SQLite and PostgreSQL. */
export const createSqlCounters = (db: Database): CounterStore => ({
  take: (charges, now) => take(db, charges, now),
  giveBack: async (charges, now) => {
    for (const charge of charges) await giveBack(db, charge, now)
  },
  add: async (sums, since) => {
    const isUsed = isOneOf(sums.map(sum => ({ key: sum.key, after: since, furthest: furthest(since, sum) })))
    const rows = await db
      .insertInto('limit_counters')
      .values(sums.toSorted(byKey).map(({ key, amount }) => ({ key, tat: since + amount })))
      .onConflict(conflict =>
        conflict.column('key').doUpdateSet(({ eb, ref }) => ({
          tat: eb
            .case()
            .when(isUsed(eb as unknown as Builder))
            .then(sql<number>`${ref('excluded.tat')} + ${ref('limit_counters.tat')} - ${number(since)}`)
            .else(ref('excluded.tat'))
            .end(),
        })),
      )
      .returning(['key', 'tat'])
      .execute()
    return tatsOf(sums, rows)
  },
})
