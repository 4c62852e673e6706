import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { BrowserContext, Page } from 'playwright-core'
import { browserMissing, type Console, makeUser, open, startConsole } from '../console/start-console.ts'
import { password } from '../harness.ts'
import { type BrowserAuthenticator, giveAuthenticator } from './authenticator.ts'

type Answered = { readonly status: number; readonly body: Record<string, unknown> }

/** Runs a script in the page, which finds the values as JSON. */
const run = <T>(page: Page, values: object, script: string): Promise<T> =>
  page.evaluate(`(async asked => { ${script} })(${JSON.stringify(values)})`)

/** In the page: sends JSON, with the page's cookie and CSRF token. */
const send = (page: Page, asked: object): Promise<Answered> =>
  run(
    page,
    asked,
    `const answer = await fetch('/api/v1/' + asked.path, {
       method: asked.method,
       headers: { 'content-type': 'application/json', 'x-csrf-token': asked.csrf },
       ...(asked.body !== undefined && { body: JSON.stringify(asked.body) }),
     })
     return { status: answer.status, body: await answer.json() }`,
  )

/** In the page: what the browser answers to options, or the name of its refusal. */
const create = (page: Page, options: object): Promise<unknown> =>
  run(
    page,
    options,
    `try {
       const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(asked)
       return (await navigator.credentials.create({ publicKey })).toJSON()
     } catch (error) {
       return error.name
     }`,
  )

const get = (page: Page, options: object): Promise<unknown> =>
  run(
    page,
    options,
    `try {
       const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(asked)
       return (await navigator.credentials.get({ publicKey })).toJSON()
     } catch (error) {
       return error.name
     }`,
  )

describe('a real browser', { skip: browserMissing }, () => {
  let c: Console
  let context: BrowserContext
  let page: Page
  let authenticator: BrowserAuthenticator
  let csrf = ''
  before(async () => {
    c = await startConsole()
    context = await c.newContext()
    await makeUser(c, 'ann')
    page = await open(c, '/sign-in', context)
    authenticator = await giveAuthenticator(page)
  })
  after(() => c.close())

  const ask = async (method: string, path: string, body?: unknown): Promise<Answered> => {
    const answered = await send(page, { method, path, body, csrf })
    if (typeof answered.body.csrf_token === 'string') csrf = answered.body.csrf_token
    return answered
  }
  const signInByPassword = () => ask('POST', 'sessions', { username: 'ann', password })
  const signInByPasskey = async (): Promise<Answered> => {
    const { body: options } = await ask('POST', 'login/passkey/options')
    return ask('POST', 'login/passkey', { response: await get(page, options), delivery: 'cookie' })
  }

  test('makes a passkey, which is the first factor and brings recovery codes', async () => {
    assert.equal((await signInByPassword()).status, 201)
    const { body: options } = await ask('POST', 'me/passkeys/options')
    const response = await create(page, options)
    const added = await ask('POST', 'me/passkeys', { response, name: 'Laptop' })
    assert.equal(added.status, 200, JSON.stringify(added.body))
    assert.equal((added.body.recovery_codes as unknown[]).length, 10)
    assert.equal(await authenticator.count(), 1)
  })

  test('makes no second one on the same authenticator', async () => {
    const { body: options } = await ask('POST', 'me/passkeys/options')
    assert.equal(await create(page, options), 'InvalidStateError')
  })

  test('signs in with it, without a name and without a password', async () => {
    const answered = await signInByPasskey()
    assert.equal(answered.status, 200, JSON.stringify(answered.body))
    const current = await ask('GET', 'sessions/current')
    assert.equal((current.body.user as { username: string }).username, 'ann')
  })

  test('shows it as a second factor after the password', async () => {
    const half = await signInByPassword()
    assert.equal(half.status, 401)
    assert.deepEqual(half.body.methods, ['passkey', 'recovery_code'])
    const { mfa_token } = half.body
    const { body: options } = await ask('POST', 'login/mfa/options', { mfa_token })
    const response = await get(page, options)
    const whole = await ask('POST', 'login/mfa', { mfa_token, method: 'passkey', response })
    assert.equal(whole.status, 201, JSON.stringify(whole.body))
  })

  test('steps up with it', async () => {
    const { body: options } = await ask('POST', 'step-up/options')
    const response = await get(page, options.passkey as object)
    const stepped = await ask('POST', 'step-up', { response })
    assert.equal(stepped.status, 200, JSON.stringify(stepped.body))
    assert.equal((await ask('GET', 'me')).status, 200)
  })

  test('does nothing for whoever is not its owner', async () => {
    await authenticator.setVerified(false)
    const { body: options } = await ask('POST', 'login/passkey/options')
    assert.equal(await get(page, options), 'NotAllowedError')
    await authenticator.setVerified(true)
  })

  test('is refused once its counter went back', async () => {
    assert.equal((await signInByPasskey()).status, 200)
    await authenticator.turnBack(1)
    const answered = await signInByPasskey()
    assert.deepEqual([answered.status, answered.body.code], [401, 'invalid_credentials'])
    const { body } = await ask('GET', 'me/passkeys')
    assert.ok((body.passkeys as { refused_since: string | null }[])[0]?.refused_since)
  })

  test('says nothing on its console of all this', () => {
    assert.deepEqual(c.faults(), [])
  })
})
