import { makeTemporaryDatabase } from '../../packages/gatewright/src/testing/temporary-database.ts'
import { type Death, deaths, judgeKilled, killOnce } from '../mail/kill.ts'
import { addDatabase, openServer } from '../postgres/query.ts'
import type { Chain } from './chain.ts'
import { check } from './tally.ts'

const recipients = ['ann@example.org', 'bob@example.org', 'eve@example.org']

const judge = (killed: Parameters<typeof judgeKilled>[0], death: Death): string | undefined => {
  try {
    judgeKilled(killed, death, recipients)
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

type NewDatabase = () => Promise<{ readonly url: string; readonly drop: () => Promise<void> }>

const play = async ({ runs, seeded, tally }: Chain, newDatabase: NewDatabase): Promise<void> => {
  for (let run = 0; run < runs; run++) {
    const death = seeded.pick(deaths)
    const database = await newDatabase()
    try {
      const lost = judge(await killOnce(database.url, death, recipients), death)
      check(tally, lost === undefined, `killed at "${death}": ${lost}`)
    } finally {
      await database.drop()
    }
    tally.runs++
    tally.answered += recipients.length
  }
}

/** Processes that send mail are killed at random steps, on SQLite. */
export const proveMailOnSqlite = (chain: Chain): Promise<void> =>
  play(chain, () => makeTemporaryDatabase(undefined))

/** The same on a PostgreSQL server of its own. */
export const proveMailOnPostgres = async (chain: Chain): Promise<void> => {
  const server = await openServer()
  chain.owner.after(server.stop)
  await play(chain, async () => ({ url: await addDatabase(server.url), drop: async () => {} }))
}
