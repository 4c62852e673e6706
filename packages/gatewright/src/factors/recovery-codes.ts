import type { Clock } from '../ground/clock.ts'
import { sha256 } from '../ground/encoding.ts'
import type { Random } from '../ground/random.ts'
import type { Database } from '../storage/tables.ts'
import type { Work } from '../storage/transaction.ts'

/** How many a set has. */
const recoveryCodesInSet = 10

/** Crockford's base 32: no I, L, O or U, so that what was written down by hand is read again. */
const alphabet = `${'0123456789'}${'ABCDEFGHJKMNPQRSTVWXYZ'}`
const bitsOfCharacter = 5
const groups = 4
const groupLength = 6
/** 120 bits: more than the 112 from which a plain SHA-256 is enough at rest. */
const codeBytes = (groups * groupLength * bitsOfCharacter) / 8

const spell = (bytes: Uint8Array): string => {
  const bits = [...bytes].map(byte => byte.toString(2).padStart(8, '0')).join('')
  const characters = bits.match(/.{5}/g) ?? []
  return characters.map(character => alphabet[Number.parseInt(character, 2)]).join('')
}

const toGroups = (text: string): string => (text.match(/.{6}/g) ?? []).join('-')

/** `7ZK3QD-9M4T2A-H0WXCV-5RB8EN` */
const newRecoveryCode = (random: Random): string => toGroups(spell(random.bytes(codeBytes)))

/** However it was typed: in small letters, without hyphens, with O for 0. */
const normalise = (typed: string): string =>
  typed.toUpperCase().replace(/[\s-]/g, '').replace(/O/g, '0').replace(/[IL]/g, '1')

const hashOf = (typed: string): string => sha256(normalise(typed))

/** A new set; those before it are good for nothing. In a transaction that holds the user's row. */
export const renewRecoveryCodes = async (
  { clock, random }: { readonly clock: Clock; readonly random: Random },
  work: Work,
  userId: string,
): Promise<readonly string[]> => {
  await dropRecoveryCodes(work, userId)
  const codes = Array.from({ length: recoveryCodesInSet }, () => newRecoveryCode(random))
  const created_at = clock.now()
  await work.db
    .insertInto('recovery_codes')
    .values(codes.map(code => ({ code_hash: hashOf(code), user_id: userId, created_at })))
    .execute()
  return codes
}

export const dropRecoveryCodes = async ({ db }: Work, userId: string): Promise<void> => {
  await db.deleteFrom('recovery_codes').where('user_id', '=', userId).execute()
}

/** Whether this is one of the user's that was not used. Only {@link takeRecoveryCode} decides. */
export const hasRecoveryCode = async (db: Database, userId: string, typed: string): Promise<boolean> => {
  const row = await db
    .selectFrom('recovery_codes')
    .select('created_at')
    .where('code_hash', '=', hashOf(typed))
    .where('user_id', '=', userId)
    .executeTakeFirst()
  return row !== undefined
}

/** Takes a code once: of any number at once one gets it. */
export const takeRecoveryCode = async ({ db }: Work, userId: string, typed: string): Promise<boolean> => {
  const { numDeletedRows } = await db
    .deleteFrom('recovery_codes')
    .where('code_hash', '=', hashOf(typed))
    .where('user_id', '=', userId)
    .executeTakeFirst()
  return numDeletedRows === 1n
}

export type RecoveryCodesLeft = { readonly left: number; readonly createdAt: number | null }

export const countRecoveryCodes = async (db: Database, userId: string): Promise<RecoveryCodesLeft> => {
  const { left, createdAt } = await db
    .selectFrom('recovery_codes')
    .select(eb => [eb.fn.countAll<number>().as('left'), eb.fn.max('created_at').as('createdAt')])
    .where('user_id', '=', userId)
    .executeTakeFirstOrThrow()
  return { left: Number(left), createdAt: left === 0 ? null : Number(createdAt) }
}
