import { addressTroubles, isAddressTrouble } from '../ground/address-trouble.ts'
import { isSilent, readProcesses } from '../processes/live-process.ts'
import type { DatabaseFacts } from './facts.ts'
import { type Finding, ok, warning } from './finding.ts'
import { readTime } from './process-checks.ts'

type Facts = Pick<DatabaseFacts, 'db' | 'clock' | 'settings'>

/** What servers that run have found in their requests. */
export const checkClientAddress = async (facts: Facts): Promise<Finding> => {
  const now = await readTime(facts)
  const live = (await readProcesses(facts.db)).filter(process => !isSilent(process, now))
  for (const { addressTrouble: name, host } of live) {
    if (name === null || !isAddressTrouble(name)) continue
    const { found, ...more } = addressTroubles[name]
    return warning({ found: `a server on ${host} says: ${found}`, ...more })
  }
  return ok('no server has seen a proxy that TRUSTED_PROXIES does not name, or names and should not')
}
