import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { inTransaction } from 'gatewright/transaction'
import { systemOrigin as origin } from '../../packages/gatewright/src/audit/record.ts'
import { factorOf, type Method } from '../../packages/gatewright/src/sign-in/factors.ts'
import { startTestApp, type TestApp } from '../harness.ts'
import { freshName } from '../senders.ts'
import { addUser } from '../sessions/signed-in.ts'
import { enrolWithCodes, nextCode, plantTotp } from './enrolled.ts'

let t: TestApp
before(async () => {
  t = await startTestApp()
})
after(() => t.close())

/** All are found right before the first of them is taken: as requests that come at the same moment are. */
const takeAll = async (userId: string, method: Method, codes: readonly string[]) => {
  const checked = await Promise.all(codes.map(code => factorOf(method).check(t.engine, { userId, code })))
  const place = { origin, secretId: t.engine.secrets.newestId }
  return Promise.all(
    checked.map(each => {
      assert.ok('take' in each, 'it was right')
      return inTransaction(t.engine.db, work => each.take(work, place).then(fault => ({ fault })))
    }),
  )
}

const taken = (all: readonly { readonly fault: string | undefined }[]): number =>
  all.filter(({ fault }) => fault === undefined).length

describe('race of those who were all found right', () => {
  test('with one code of the app: one has taken it', async () => {
    const { id } = await addUser(t.engine, freshName())
    await plantTotp(t.engine, id)
    const code = await nextCode(t.engine, id)
    const all = await takeAll(id, 'totp', Array(10).fill(code))
    assert.equal(taken(all), 1)
    assert.equal(all.filter(({ fault }) => fault === 'replayed_code').length, 9)
  })

  test('with one recovery code: one has taken it', async () => {
    const { id } = await addUser(t.engine, freshName())
    const [code = ''] = await enrolWithCodes(t.engine, id)
    assert.equal(taken(await takeAll(id, 'recovery_code', Array(10).fill(code))), 1)
  })

  test('with different recovery codes: each is taken', async () => {
    const { id } = await addUser(t.engine, freshName())
    assert.equal(taken(await takeAll(id, 'recovery_code', await enrolWithCodes(t.engine, id))), 10)
  })

  test('with a code of an app that was removed meanwhile, and added anew: nobody', async () => {
    const { id } = await addUser(t.engine, freshName())
    await plantTotp(t.engine, id)
    const code = await nextCode(t.engine, id)
    const checked = await factorOf('totp').check(t.engine, { userId: id, code })
    await t.engine.db.deleteFrom('totp_factors').where('user_id', '=', id).execute()
    await plantTotp(t.engine, id)
    assert.ok('take' in checked)
    const place = { origin, secretId: t.engine.secrets.newestId }
    const { fault } = await inTransaction(t.engine.db, async work => ({
      fault: await checked.take(work, place),
    }))
    assert.equal(fault, 'replayed_code')
  })
})
