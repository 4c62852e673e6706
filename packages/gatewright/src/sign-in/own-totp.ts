import { recordEvent } from '../audit/record.ts'
import { matchCode, type Provisioning, stepAt, type TotpSecret, toProvisioning } from '../factors/totp.ts'
import { beginEnrolment, dropTotp, findEnrolment, findTotp, insertTotp } from '../factors/totp-factors.ts'
import { Refusal } from '../ground/refusal.ts'
import type { Secrets } from '../ground/secrets.ts'
import type { Settings } from '../ground/settings.ts'
import { multiFactor } from '../permissions/multi-factor.ts'
import type { Database } from '../storage/tables.ts'
import { inTransaction, type Work } from '../storage/transaction.ts'
import { getUser } from '../users/users.ts'
import { type FactorFault, factors } from './factors.ts'
import {
  type ChangedFactors,
  changeFactors,
  holdProvenSession,
  type Owner,
  type OwnFactorsDependencies,
} from './own-factors.ts'

type Dependencies = OwnFactorsDependencies & {
  readonly secrets: Secrets
  readonly settings: Pick<Settings, 'appName'>
}

const refuseSecond = async ({ db }: Work, userId: string): Promise<void> => {
  if ((await findTotp(db, userId)) === undefined) return
  throw new Refusal('conflict', {
    reason: 'factor_exists',
    detail: 'There is an authenticator app already. Remove it first.',
  })
}

/**
 * Shows this session the secret of an authenticator app. It is no factor before the same session has shown a code
 * of it.
 * @throws Refusal `conflict` where there is one already, `session_ended`, `insufficient_user_authentication`
 */
export const beginTotp = (dependencies: Dependencies, owner: Owner): Promise<Provisioning> =>
  inTransaction(dependencies.db, async work => {
    const secretId = await dependencies.processes.secretInForce(work)
    await holdProvenSession(work, owner)
    await refuseSecond(work, owner.userId)
    const secret = await beginEnrolment(dependencies, work, owner, secretId)
    const { username: label } = await getUser(work.db, owner.userId)
    return toProvisioning(secret, { issuer: dependencies.settings.appName, label })
  })

type Proof = { readonly secret: TotpSecret; readonly step: number }

/** What was shown to this session, and a code of it: no step was taken of it before. */
const prove = async (
  dependencies: Dependencies,
  db: Database,
  owner: Owner,
  code: string,
): Promise<Proof | FactorFault> => {
  const secret = await findEnrolment(dependencies, db, owner)
  if (secret === undefined) return 'no_such_factor'
  const now = dependencies.clock.now()
  const match = matchCode(secret, code, { now, lastStep: stepAt(0) })
  return typeof match === 'string' ? 'wrong_code' : { secret, step: match.step }
}

const refuseUnproven = (dependencies: Dependencies, owner: Owner, reason: FactorFault): Promise<never> =>
  inTransaction<never>(dependencies.db, async work => {
    const { userId, sessionId, origin } = owner
    const entry = { origin, userId, sessionId, reason, details: { method: 'totp' } }
    await recordEvent(dependencies, work, 'second-factor.failed', entry)
    return new Refusal('invalid_mfa_code', { reason, hasEvent: true })
  })

/**
 * Makes the app that this session was shown a factor. What another session was shown is nothing here, so that
 * nobody confirms an app that a thief has set up.
 * @throws Refusal `invalid_mfa_code`, `conflict`, and as {@link changeFactors}
 */
export const confirmTotp = async (
  dependencies: Dependencies,
  { code, ...owner }: Owner & { readonly code: string },
): Promise<ChangedFactors> => {
  const shown = await prove(dependencies, dependencies.db, owner, code)
  if (typeof shown === 'string') return refuseUnproven(dependencies, owner, shown)
  return changeFactors(dependencies, owner, {
    kind: 'added',
    method: 'totp',
    amr: [...factors.totp.amr, multiFactor],
    run: async (work, secretId) => {
      await refuseSecond(work, owner.userId)
      // Somebody may have asked for another secret, or confirmed this one, meanwhile.
      const proof = await prove(dependencies, work.db, owner, code)
      if (typeof proof === 'string') throw new Refusal('invalid_mfa_code', { reason: proof })
      await insertTotp(dependencies, work, { userId: owner.userId, ...proof, secretId })
    },
  })
}

/** @throws Refusal `not_found` without one, and as {@link changeFactors} */
export const removeTotp = (dependencies: Dependencies, owner: Owner): Promise<ChangedFactors> =>
  changeFactors(dependencies, owner, {
    kind: 'removed',
    method: 'totp',
    run: async work => {
      if (!(await dropTotp(work, owner.userId))) throw new Refusal('not_found')
    },
  })
