import { recordEvent } from '../audit/record.ts'
import { lostKeys, type Take } from './taking.ts'

const factorTables = { totp_factors: 'totp', passkeys: 'passkey' } as const

export const takeFactors: Take = async ({ dependencies, work, origin, was, now }) => {
  let count = 0
  for (const [table, method] of Object.entries(factorTables)) {
    const kind = table as keyof typeof factorTables
    for (const id of lostKeys(was[kind], now[kind])) {
      const userId = String(was[kind].get(id)?.[0])
      const { numDeletedRows } = await work.db.deleteFrom(kind).where('id', '=', id).executeTakeFirst()
      if (numDeletedRows === 0n) continue
      await recordEvent(dependencies, work, 'second-factor.removed', { origin, userId, details: { method } })
      count += 1
    }
  }
  return count
}

export const takeRecoveryCodes: Take = async ({ work, now, hide }) => {
  const rows = await work.db.selectFrom('recovery_codes').select('code_hash').execute()
  const lost = rows.filter(({ code_hash }) => !now.recovery_codes.has(hide(code_hash)))
  for (const { code_hash } of lost)
    await work.db.deleteFrom('recovery_codes').where('code_hash', '=', code_hash).execute()
  return lost.length
}

/** Else a copy of a passkey would count from the backup on, unnoticed; and a code would be good twice. */
export const raiseCounters: Take = async ({ work, now }) => {
  for (const [id, [, counter, cloned_at]] of now.passkeys)
    await work.db
      .updateTable('passkeys')
      .set(eb => ({
        counter: eb
          .case()
          .when('counter', '<', Number(counter))
          .then(Number(counter))
          .else(eb.ref('counter'))
          .end(),
        cloned_at: eb.fn.coalesce('cloned_at', eb.val(cloned_at === null ? null : Number(cloned_at))),
      }))
      .where('id', '=', id)
      .execute()
  for (const [id, [, last_step]] of now.totp_factors)
    await work.db
      .updateTable('totp_factors')
      .set({ last_step: Number(last_step) })
      .where('id', '=', id)
      .where('last_step', '<', Number(last_step))
      .execute()
  return 0
}

export const unlinkIdentities: Take = async ({ dependencies, work, origin, now, hide }) => {
  const rows = await work.db.selectFrom('identities').select(['issuer', 'subject', 'user_id']).execute()
  const lost = rows.filter(
    ({ issuer, subject, user_id }) => !now.identities.has(hide(`${issuer} ${subject} ${user_id}`)),
  )
  for (const { issuer, subject, user_id: userId } of lost) {
    await work.db
      .deleteFrom('identities')
      .where('issuer', '=', issuer)
      .where('subject', '=', subject)
      .execute()
    const details = { issuer, subject }
    await recordEvent(dependencies, work, 'identity.unlinked', { origin, userId, details })
  }
  return lost.length
}

export const endKeys: Take = async ({ dependencies, work, was, now }) => {
  const ended_at = dependencies.clock.now()
  const lost = lostKeys(was.api_keys, now.api_keys)
  for (const id of lost)
    await work.db
      .updateTable('api_keys')
      .set({ ended_at, end_reason: 'restored' })
      .where('id', '=', id)
      .where('ended_at', 'is', null)
      .execute()
  // One that is being replaced ends at a time that was set since.
  for (const [id, [expires_at]] of now.api_keys)
    if (typeof expires_at === 'number')
      await work.db
        .updateTable('api_keys')
        .set({ expires_at })
        .where('id', '=', id)
        .where(({ or, eb }) => or([eb('expires_at', 'is', null), eb('expires_at', '>', expires_at)]))
        .execute()
  return lost.length
}
