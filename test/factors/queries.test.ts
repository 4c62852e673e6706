import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { minute } from 'gatewright/clock'
import { listMethods } from '../../packages/gatewright/src/sign-in/factors.ts'
import { type Caller, password, signUp } from '../harness.ts'
import { giveAddress, giveLink } from '../mail/given-link.ts'
import { givePasskey } from '../passkeys/registered.ts'
import { freshName } from '../senders.ts'
import { type CountedApp, startCountedApp } from '../sessions/counted-app.ts'
import { logQueries } from '../sessions/query-log.ts'
import { enrolWithCodes, halfIn, nextCode, plantTotp } from './enrolled.ts'
import { t, useScene } from './scene.ts'

useScene()
let counted: CountedApp
let ann: Caller
beforeEach(async () => {
  t.clock.advance(minute)
  ann = await signUp(t, freshName())
})

const countOf = (queries: readonly string[], pattern: RegExp): number =>
  queries.filter(sql => pattern.test(sql)).length

const showApp = async () => ({
  mfa_token: await halfIn(t.engine, ann.id),
  method: 'totp',
  code: await nextCode(t.engine, ann.id),
})

describe('what is asked of the database', () => {
  before(async () => {
    counted = await startCountedApp(t.engine)
  })
  after(() => counted.close())

  test('a second half looks its browser up once, and the times of the factors once', async () => {
    await plantTotp(t.engine, ann.id)
    const first = await t.call('POST', 'login/mfa', { body: await showApp() })
    const cookie = String([first.headers['set-cookie']].flat()[0]).split(';')[0] ?? ''
    t.clock.advance(minute)
    const { status, queries } = await counted.ask('POST', 'login/mfa', { cookie }, await showApp())
    assert.equal(status, 200)
    assert.equal(countOf(queries, /^select .* from "known_devices" where "secret_hash"/), 1)
    assert.equal(countOf(queries, /^select "created_at" from "totp_factors".* union all /), 1)
  })

  test('a reset of the password writes its user once', async () => {
    const email = `${freshName()}@example.org`
    await giveAddress(t.engine, ann.id, email)
    const token = await giveLink(t.engine, 'reset-password', ann.id, { email })
    const body = { token, new_password: `${password}, another` }
    const { status, queries } = await counted.ask('POST', 'password/reset', {}, body)
    assert.equal(status, 204)
    assert.equal(countOf(queries, /^update "users" set .*"password_hash"/), 1)
    assert.equal(countOf(queries, /^update "users" set .*"review_due"/), 1)
    assert.equal(countOf(queries, /^update "users" set (?!"version")/), 1)
  })

  test('a sign-in asks for factors of every kind by one statement, whatever there is', async () => {
    const nothing = logQueries(t.engine)
    assert.deepEqual(await listMethods(nothing.engine.db, ann.id), [])
    await enrolWithCodes(t.engine, ann.id)
    await givePasskey(t.engine, ann.id)
    const all = logQueries(t.engine)
    assert.deepEqual(await listMethods(all.engine.db, ann.id), ['passkey', 'totp', 'recovery_code'])
    assert.deepEqual(nothing.queries, all.queries)
    // The log has the parts of a statement as well, each before the whole.
    assert.equal(countOf(all.queries, /^select exists/), 1)
    assert.match(all.queries.at(-1) ?? '', /^select exists .*"passkeys".*"totp_factors".*"recovery_codes"/)
  })

  test('and finds each kind where it is the only one, and no other user’s', async () => {
    const kinds = {
      totp: async (id: string) => plantTotp(t.engine, id),
      passkey: async (id: string) => givePasskey(t.engine, id),
    }
    for (const [method, give] of Object.entries(kinds)) {
      const { id } = await signUp(t, freshName())
      await give(id)
      assert.deepEqual(await listMethods(t.engine.db, id), [method])
    }
    assert.deepEqual(await listMethods(t.engine.db, ann.id), [])
  })

  test('recovery codes alone are no second factor', async () => {
    await enrolWithCodes(t.engine, ann.id)
    await t.engine.db.deleteFrom('totp_factors').where('user_id', '=', ann.id).execute()
    assert.deepEqual(await listMethods(t.engine.db, ann.id), [])
  })
})
