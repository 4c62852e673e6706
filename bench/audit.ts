import { systemClock } from 'gatewright/clock'
import type { Engine } from 'gatewright/compose'
import { defaultSettings } from 'gatewright/settings'
import { inTransaction } from 'gatewright/transaction'
import { sql } from 'kysely'
import { blog, mount } from '../apps/blog/src/blog.ts'
import { recordEvent } from '../packages/gatewright/src/audit/record.ts'
import { openDatabaseSource } from '../packages/gatewright/src/sealing/verify/database-source.ts'
import { verifyChain } from '../packages/gatewright/src/sealing/verify/verify-chain.ts'
import { openTestApp } from '../packages/gatewright/src/testing/open-test-app.ts'
import { openSession } from '../packages/gatewright/src/testing/signed-in.ts'
import { makeTemporaryDatabase } from '../packages/gatewright/src/testing/temporary-database.ts'
import { addTestUser } from '../packages/gatewright/src/testing/test-user.ts'
import { addManyEvents, auditSearches } from '../test/audit/many-events.ts'
import { startPostgres } from '../test/postgres/server.ts'
import { median, toHead, toRow } from './table.ts'

type Options = { readonly count: number; readonly rounds: number }

const highest = (times: readonly number[], share: number): number =>
  times.toSorted((a, b) => a - b)[Math.ceil(times.length * share) - 1] ?? Number.NaN

const measureSearch = async (ask: () => Promise<void>, rounds: number): Promise<readonly number[]> => {
  const times: number[] = []
  for (let round = -5; round < rounds; round += 1) {
    const start = performance.now()
    await ask()
    if (round >= 0) times.push(performance.now() - start)
  }
  return times
}

const entry = {
  origin: { actor: 'user-77', address: '192.0.2.7', requestId: 'a-request-of-the-bench' },
  userId: 'user-77',
  sessionId: 'session-77',
} as const

/** What an event more costs in a transaction that is there anyway. */
const measureWrite = async (engine: Engine, rounds: number): Promise<readonly number[]> => {
  const times: number[] = []
  const perTransaction = 50
  for (let round = -5; round < rounds; round += 1)
    await inTransaction(engine.db, async work => {
      const start = performance.now()
      for (let at = 0; at < perTransaction; at += 1)
        await recordEvent(engine, work, 'session.refreshed', { ...entry, details: { shown: 1, live: 2 } })
      if (round >= 0) times.push((performance.now() - start) / perTransaction)
    })
  return times
}

/**
 * All events are sealed, and then verified: how many a second, and how many a second of this process's time. What is
 * personal of them is made up and fits no commitment, so each is a fault as well, which costs more than none.
 */
const measureChain = async (engine: Engine): Promise<void> => {
  const sealing = performance.now()
  const sealed = (await engine.sealer.look()) ?? 0
  const [begun, used] = [performance.now(), process.cpuUsage()]
  const source = await openDatabaseSource(engine.db)
  const { events, faultCount } = await verifyChain({ source, now: systemClock.now() })
  const { user, system } = process.cpuUsage(used)
  const perSecond = (count: number, milliseconds: number): string =>
    ((count / milliseconds) * 1_000).toFixed(0)
  console.log(`\n${toHead(['the chain', 'events a second', 'a second of one core'])}`)
  console.log(toRow(['sealed', perSecond(sealed, begun - sealing), '']))
  console.log(
    toRow([
      `verified (${faultCount} faults)`,
      perSecond(events, performance.now() - begun),
      perSecond(events, (user + system) / 1_000),
    ]),
  )
}

const measureOn = async (
  name: string,
  server: string | undefined,
  { count, rounds }: Options,
): Promise<void> => {
  const database = await makeTemporaryDatabase(server)
  const settings = defaultSettings({ nodeEnv: 'test', databaseUrl: database.url, limitsScale: 1_000_000 })
  const opened = await openTestApp({ settings, clock: systemClock, subject: { application: blog, mount } })
  const { app, engine } = opened
  try {
    await engine.housekeeping.stop()
    const begun = performance.now()
    await addManyEvents(text => sql.raw(text).execute(engine.db), { count, now: systemClock.now() })
    await sql.raw(server === undefined ? 'analyze' : 'vacuum analyze').execute(engine.db)
    console.log(
      `\n${name}, ${count} events written in ${((performance.now() - begun) / 1_000).toFixed(0)} s\n`,
    )
    const chief = await addTestUser(engine, { username: 'chief', roles: ['admin'] })
    const { inject } = await openSession(app, chief, {})
    console.log(toHead(['a page of 50', 'p50 ms', 'p99 ms']))
    const show = (what: string, times: readonly number[]) =>
      console.log(toRow([what, median(times).toFixed(2), highest(times, 0.99).toFixed(2)]))
    for (const [what, query] of Object.entries(auditSearches)) {
      const path = `${mount}/admin/audit?${new URLSearchParams({ ...query, limit: '50' })}`
      const ask = async () => {
        const { statusCode, body } = await inject(path)
        if (statusCode !== 200) throw new Error(`${path}: ${body}`)
      }
      show(what, await measureSearch(ask, rounds))
    }
    show('one event written', await measureWrite(engine, rounds))
    await measureChain(engine)
  } finally {
    await opened.close()
    await database.drop()
  }
}

/** Pages of the audit log by each filter, and what it costs to write, seal and verify one, on SQLite and PostgreSQL. */
export const measureAudit = async ([count = 1_000_000, rounds = 100]: readonly number[]): Promise<void> => {
  await measureOn('SQLite', undefined, { count, rounds })
  const server = await startPostgres()
  try {
    await measureOn('PostgreSQL', server.url, { count, rounds })
  } finally {
    await server.stop()
  }
}
