import { day, hour, toTimestamp } from '../ground/clock.ts'
import { secretIdOf } from '../ground/secrets.ts'
import { openKey } from '../keys/signing-keys.ts'
import { readRing } from '../keys/turn-ring.ts'
import type { SigningKeyRow } from '../storage/tables.ts'
import type { DatabaseFacts } from './facts.ts'
import { type Finding, ok, problem, warning } from './finding.ts'
import { openHeldSecrets } from './installation-checks.ts'

/** A server rotates within seconds of the time. */
const patience = hour

/** Keys that can't be opened although their secret is held; that one is not stands in another finding. */
const listBroken = async (
  facts: DatabaseFacts,
  rows: readonly SigningKeyRow[],
): Promise<readonly SigningKeyRow[]> => {
  const secrets = openHeldSecrets(facts)
  const held = rows.filter(row => secrets?.ids.includes(secretIdOf(row.private_key)))
  if (secrets === undefined) return []
  const opened = await Promise.allSettled(held.map(row => openKey(secrets, row)))
  return held.filter((_, at) => opened[at]?.status === 'rejected')
}

const toBroken = ({ kid, state }: SigningKeyRow): Finding =>
  problem({
    found: `the signing key ${kid} (${state}) can not be opened with the secret that it names`,
    means:
      state === 'active'
        ? 'Nobody can sign in: somebody changed signing_keys, or the database is damaged.'
        : 'Somebody changed signing_keys, or the database is damaged: no token of this key is taken, and no server starts.',
    do: state === 'active' ? 'Put the database back from the backup.' : `gatewright key revoke ${kid}`,
  })

/** The ring of signing keys: one signs, the next one is there, and rotation goes on. */
export const checkSigningKeys = async (facts: DatabaseFacts): Promise<Finding> => {
  const { db, settings, clock } = facts
  const { rows } = await readRing(db, settings)
  const [broken] = await listBroken(facts, rows)
  if (broken !== undefined) return toBroken(broken)
  if (rows.length === 0) return ok('none yet; the first start makes them')
  const active = rows.find(({ state }) => state === 'active')
  if (active === undefined)
    return problem({
      found: 'no signing key is active',
      means: 'Nobody can sign in until a server or a command has started, which makes one.',
      do: 'Start the server. If it does not start, or this comes again, somebody changed signing_keys.',
    })
  if (!rows.some(({ state }) => state === 'published'))
    return warning({
      found: 'no signing key is published as the next one',
      means: 'A rotation has to wait, and a revoked key leaves none behind it that verifiers know.',
      do: 'Start the server, which publishes one. If this comes again, somebody changed signing_keys.',
    })
  const { algorithm, activated_at } = active
  const since = activated_at ?? 0
  if (since + settings.keyRotation + patience < clock.now())
    return warning({
      found: `the signing key is ${Math.floor((clock.now() - since) / day)} days old, and KEY_ROTATION is less`,
      means: 'No server has been running since then, or none can write to the database.',
      do: 'Start the server, which rotates, or write: gatewright key rotate',
    })
  return ok(`${algorithm} signs since ${toTimestamp(since)}, ${rows.length} keys in use`)
}
