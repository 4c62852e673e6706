import assert from 'node:assert/strict'
import type { Engine } from 'gatewright/compose'
import { inTransaction } from 'gatewright/transaction'
import { toCreationOptions } from '../../packages/gatewright/src/passkeys/options.ts'
import { addPasskey, listPasskeys, userHandleOf } from '../../packages/gatewright/src/passkeys/passkeys.ts'
import { relyingPartyOf } from '../../packages/gatewright/src/passkeys/relying-party.ts'
import { verifyRegistration } from '../../packages/gatewright/src/passkeys/verify-response.ts'
import {
  makeVirtualPasskey,
  type PasskeyTraits,
  type VirtualPasskey,
} from '../../packages/gatewright/src/testing/virtual-passkey.ts'
import { lockUser } from '../../packages/gatewright/src/users/users.ts'

/** A passkey of the user, as the registration leaves it: nothing ends, and nobody is told. */
export const givePasskey = async (
  engine: Engine,
  userId: string,
  traits: PasskeyTraits = {},
): Promise<VirtualPasskey & { readonly id: string }> => {
  const party = relyingPartyOf(engine)
  const passkey = makeVirtualPasskey(party.origin, traits)
  const userHandle = userHandleOf(engine, await listPasskeys(engine.db, userId))
  const challenge = 'challenge'
  const options = toCreationOptions(party, { challenge, userHandle, username: 'somebody', known: [] })
  const credential = await verifyRegistration({ party, challenge }, passkey.create(options))
  assert.ok(typeof credential !== 'string')
  const row = await inTransaction(engine.db, async work => {
    await lockUser(work, userId)
    return addPasskey(engine, work, { userId, userHandle, name: 'Laptop', credential })
  })
  assert.ok(row)
  return { ...passkey, id: row.id }
}

/** The same, and every live session of the user has shown it: as after a sign-in with it. */
export const plantPasskey = async (
  engine: Engine,
  userId: string,
): Promise<VirtualPasskey & { readonly id: string }> => {
  const passkey = await givePasskey(engine, userId)
  await engine.db
    .updateTable('sessions')
    .set({ amr: 'pwd pop mfa' })
    .where('user_id', '=', userId)
    .where('ended_at', 'is', null)
    .execute()
  return passkey
}
