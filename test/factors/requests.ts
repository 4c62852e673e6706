import type { TestApp } from '../harness.ts'
import type { Sender } from '../senders.ts'
import { beginEverywhere, enrolWithCodes, forgetFactors, halfIn, nextCode, plantTotp } from './enrolled.ts'

type Occasion = { readonly t: TestApp; readonly owner: { readonly id: string }; readonly sender: Sender }

/** Makes the sender somebody without a second factor, or one with all of them: whoever has no account stays nobody. */
const of =
  (make: (t: TestApp, userId: string) => Promise<unknown>) =>
  async ({ t, sender: { id } }: Occasion): Promise<undefined> => {
    if (id === undefined) return
    await forgetFactors(t.engine, id)
    await make(t, id)
  }

/** The sender has no second factor. */
export const withoutFactors = of(async () => {})
const plant = (t: TestApp, userId: string) => plantTotp(t.engine, userId)

/** The first half is right, of a user who has an authenticator app. */
const showFactor = async ({ t, owner: { id } }: Occasion) => {
  await forgetFactors(t.engine, id)
  await plantTotp(t.engine, id)
  const mfa_token = await halfIn(t.engine, id)
  return { mfa_token, method: 'totp', code: await nextCode(t.engine, id) }
}

const confirm = async ({ t, sender: { id } }: Occasion) => {
  if (id === undefined) return { code: '000000' }
  await forgetFactors(t.engine, id)
  return { code: await beginEverywhere(t.engine, id) }
}

/** Lines of the table of requests (test/route-matrix.ts). */
export const factorRequests = {
  'POST /api/v1/login/mfa': { body: showFactor },
  'GET /api/v1/me/factors': { body: of((t, id) => enrolWithCodes(t.engine, id)) },
  'POST /api/v1/me/totp': { body: withoutFactors },
  'POST /api/v1/me/totp/confirm': { body: confirm, spends: true },
  'DELETE /api/v1/me/totp': { body: of(plant), spends: true },
  'POST /api/v1/me/recovery-codes': { body: of(plant), spends: true },
} as const
