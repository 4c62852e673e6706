import { day } from '../../packages/gatewright/src/ground/clock.ts'
import { patternNames } from '../../packages/gatewright/src/unusual/patterns.ts'
import { startTestApp } from '../harness.ts'
import { hashCheaply, keepHashesCheap } from '../models/cheap-passwords.ts'
import { playMonday } from '../unusual/monday.ts'
import { raisedBy } from '../unusual/watched.ts'
import type { Chain } from './chain.ts'
import { addMet, check } from './tally.ts'

/** Plays Mondays, one after the other, each of 500 people of its own. */
export const proveUnusual = async ({ owner, runs, seeded, tally }: Chain): Promise<void> => {
  const t = await startTestApp({ limitsScale: 1 })
  owner.after(() => t.close())
  keepHashesCheap(t.engine.hasher)
  Object.assign(t.engine.hasher, { hash: async (password: string) => hashCheaply(password) })
  for (let run = 0; run < runs; run++) {
    let newPhones = 0
    const raised = await raisedBy(t, async () => {
      const played = await playMonday(t, seeded)
      newPhones = played.newPhones
      addMet(tally.met, played.met)
    })
    for (const name of patternNames) {
      const due = name === 'new-device' ? newPhones : 0
      check(
        tally,
        (raised[name] ?? 0) === due,
        `Monday ${run}: ${name} ${raised[name] ?? 0} times, ${due} due`,
      )
    }
    tally.runs += 1
    t.clock.advance(7 * day)
    await t.engine.db.deleteFrom('mails').execute()
  }
}
