import assert from 'node:assert/strict'
import { password, type Server, startServer } from '../process/spawned-server.ts'
import { until } from '../process/until.ts'
import type { Seeded } from '../sessions/seeded.ts'
import type { Installation } from './installation.ts'
import { newLedger } from './ledger.ts'
import { loadAndKill } from './load.ts'
import { settle } from './settle.ts'
import type { Tally } from './tally.ts'
import { verifyAnswers, verifyRows, verifyWhole } from './verify.ts'

export type KillProof = {
  readonly installation: Installation
  readonly runs: number
  readonly seeded: Seeded
  readonly tally: Tally
}

const findLink = (server: Server): string | undefined =>
  /setup_link":"[^#]+#([\w-]+)/.exec(server.stdout())?.[1]

const makeAdministrator = async (server: Server): Promise<void> => {
  await until('the link is printed', () => findLink(server) !== undefined)
  const body = { token: findLink(server), username: 'chief', password }
  assert.equal((await server.call('POST', 'setup', { body })).status, 201)
}

/**
 * Kills under load, so many times one after the other on one database, and looks each time for everything
 * that was ever answered 2xx, and for anything done by half. Stops at the first loss.
 */
export const proveKills = async ({ installation, runs, seeded, tally }: KillProof): Promise<void> => {
  const { folder, env } = installation
  const ledger = newLedger()
  let server = await startServer(folder, { env })
  await makeAdministrator(server)
  for (let run = 1; run <= runs && tally.lost.length === 0; run += 1) {
    await loadAndKill({ installation, server, ledger, seeded, tally })
    const killedAt = performance.now()
    server = await installation.recover(server)
    tally.slowest = Math.max(tally.slowest, performance.now() - killedAt)
    const after = { installation, server, ledger, tally }
    await verifyWhole(after)
    await settle(after)
    await verifyRows(after)
    await verifyAnswers(after)
    tally.runs += 1
  }
  await server.stop()
}
