import { recordEvent } from '../audit/record.ts'
import type { Clock } from '../ground/clock.ts'
import { newId, type Random } from '../ground/random.ts'
import type { Refusal } from '../ground/refusal.ts'
import { type Browser, rememberDevice } from '../sessions/known-devices.ts'
import type { Database } from '../storage/tables.ts'
import { inTransaction } from '../storage/transaction.ts'
import type { DeviceSecret } from '../tokens/device-secret.ts'
import { refuseLink, type ShownLink, takeLink } from './shown-link.ts'

type Proof = ShownLink & { readonly browser: Browser & { readonly isRemembered: boolean } }

/** What the browser's cookie holds from now on; absent where it may be given none. */
export type Proved = { readonly deviceSecret?: DeviceSecret }

/**
 * Makes this browser a known one of whoever has the address, by a link that was sent there: strangers' guesses hold
 * it no longer. It signs nobody in, and replaces no factor.
 * @throws Refusal `invalid_link`
 */
export const proveAddress = (
  dependencies: { readonly db: Database; readonly clock: Clock; readonly random: Random },
  shown: Proof,
): Promise<Proved> =>
  inTransaction(dependencies.db, async (work): Promise<Proved | Refusal> => {
    const taken = await takeLink(dependencies, work, 'prove-email', shown)
    if (taken === undefined) return refuseLink(dependencies, work, 'prove-email', shown)
    const { id: userId } = taken.user
    const origin = { ...shown.origin, actor: userId }
    await recordEvent(dependencies, work, 'known-device.proved', { origin, userId })
    if (!shown.browser.isRemembered) return {}
    const device = { id: newId(dependencies.random), userId }
    return { deviceSecret: await rememberDevice(dependencies, work, device, shown.browser) }
  })
