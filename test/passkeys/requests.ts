import { makeVirtualPasskey } from '../../packages/gatewright/src/testing/virtual-passkey.ts'
import { forgetFactors, halfIn } from '../factors/enrolled.ts'
import type { TestApp } from '../harness.ts'
import { freshName, type Sender } from '../senders.ts'
import { addUser } from '../sessions/signed-in.ts'
import { givePasskey, plantPasskey } from './registered.ts'

type Occasion = { readonly t: TestApp; readonly owner: { readonly id: string }; readonly sender: Sender }

/** A sign-in by a passkey of somebody else: nobody of the cast has one, so passwords sign them in. */
const showNew = async ({ t }: Occasion) => {
  const { id } = await addUser(t.engine, freshName())
  const passkey = await givePasskey(t.engine, id)
  return { response: passkey.get((await t.call('POST', 'login/passkey/options')).body) }
}

/** What the sender's browser answers, where the sender may ask for options at all. */
const makeNew = async ({ t, sender: { id, headers } }: Occasion) => {
  if (id !== undefined) await forgetFactors(t.engine, id)
  const { status, body } = await t.call('POST', 'me/passkeys/options', { headers })
  const response = status === 200 ? makeVirtualPasskey(t.engine.publicUrl).create(body) : {}
  return { response, name: 'Laptop' }
}

const forget = async ({ t, sender: { id } }: Occasion): Promise<undefined> => {
  if (id !== undefined) await forgetFactors(t.engine, id)
}

const plant = async (occasion: Occasion): Promise<undefined> => {
  const { t, sender } = occasion
  await forget(occasion)
  if (sender.id !== undefined) await plantPasskey(t.engine, sender.id)
}

/** Lines of the table of requests (test/route-matrix.ts). */
export const passkeyRequests = {
  'POST /api/v1/login/passkey': { body: showNew },
  'POST /api/v1/login/mfa/options': {
    body: async ({ t, owner: { id } }: Occasion) => ({ mfa_token: await halfIn(t.engine, id) }),
  },
  'GET /api/v1/me/passkeys': { body: plant },
  'POST /api/v1/me/passkeys/options': { body: forget },
  'POST /api/v1/me/passkeys': { body: makeNew, spends: true },
  'PATCH /api/v1/me/passkeys/:id': { body: () => ({ name: 'Laptop' }) },
  'DELETE /api/v1/me/passkeys/:id': { spends: true },
} as const
