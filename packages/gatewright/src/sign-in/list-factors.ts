import { countRecoveryCodes, type RecoveryCodesLeft } from '../factors/recovery-codes.ts'
import { findTotp } from '../factors/totp-factors.ts'
import type { Database, TotpFactorRow } from '../storage/tables.ts'
import { listMethods, type Method } from './factors.ts'

/** What a user sees of the own second factors: nothing that is secret. */
export type OwnFactors = {
  readonly methods: readonly Method[]
  readonly totp: Pick<TotpFactorRow, 'created_at' | 'last_used_at'> | undefined
  readonly recoveryCodes: RecoveryCodesLeft
  /** The password is too short to be the only proof: the last factor stays until it is changed. */
  readonly passwordNeedsFactor: boolean
}

export const listOwnFactors = async (db: Database, userId: string): Promise<OwnFactors> => {
  const { password_needs_factor } = await db
    .selectFrom('users')
    .select('password_needs_factor')
    .where('id', '=', userId)
    .executeTakeFirstOrThrow()
  return {
    methods: await listMethods(db, userId),
    totp: await findTotp(db, userId),
    recoveryCodes: await countRecoveryCodes(db, userId),
    passwordNeedsFactor: password_needs_factor === 1,
  }
}
