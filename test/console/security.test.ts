import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, afterEach, before, describe, test } from 'node:test'
import { minute } from 'gatewright/clock'
import type { Page } from 'playwright-core'
import { password } from '../harness.ts'
import { untilEqual } from '../process/until.ts'
import { addAuthenticator } from './authenticators.ts'
import { addApp, addPasskey, codeOf, keepRecoveryCodes, nextCode, readSecret } from './factors.ts'
import { confirm } from './own-account.ts'
import { browserMissing, type Console, makeUser, openAs, startConsole } from './start-console.ts'

const heading = (page: Page, name: string) => page.getByRole('heading', { name, exact: true })
const offer = (page: Page) => page.getByText('Other devices stay signed in as they were.')

describe('the page of security', { skip: browserMissing }, () => {
  let c: Console
  before(async () => {
    c = await startConsole()
  })
  after(() => c.close())
  afterEach(() => c.rest())

  test('an authenticator app is set up by what the page shows, a wrong code is told, and recovery codes come once', async () => {
    await makeUser(c, 'alice')
    const page = await openAs(c, 'alice', '/me/security')
    await page.getByRole('button', { name: 'Set up an app' }).click()
    const picture = page.getByRole('img', { name: 'QR code' })
    await picture.waitFor()
    // Zero where the policy keeps it from being seen.
    await untilEqual(() => page.evaluate('document.querySelector("main img").naturalWidth > 0'), true)
    await page.getByLabel('Code from the app').fill('000000')
    await page.getByRole('button', { name: 'Add the app' }).click()
    await page.getByText('This code is not right').waitFor()
    await page.getByLabel('Code from the app').fill(` ${codeOf(c, await readSecret(page))} `)
    await page.getByRole('button', { name: 'Add the app' }).click()
    await page.getByText('Nobody can show them again.').waitFor()
    await untilEqual(() => page.locator('main li code').count(), 10)
    assert.equal(await page.getByRole('button', { name: 'Go on' }).isDisabled(), true)
    const codes = await keepRecoveryCodes(page)
    await page.getByText('Codes left: 10').waitFor()
    for (const code of codes) assert.equal(await page.getByText(code).count(), 0)
    await page.reload()
    await page.getByRole('button', { name: 'Remove Authenticator app' }).waitFor()
    assert.equal(await page.getByText(codes[0] ?? '').count(), 0)
  })

  test('recovery codes are copied, downloaded as a file that says what it is, and printed without the rest', async () => {
    await makeUser(c, 'bob')
    const context = await c.newContext({ acceptDownloads: true })
    await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: c.url })
    const page = await openAs(c, 'bob', '/me/security', context)
    await addApp(c, page)
    await page.getByText('Nobody can show them again.').waitFor()
    const codes = await page.locator('main li code').allInnerTexts()
    await page.getByRole('button', { name: 'Copy' }).click()
    await page.getByText('Copied.').waitFor()
    const [saved] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Download' }).click(),
    ])
    assert.equal(saved.suggestedFilename(), 'recovery-codes-bob.txt')
    const text = readFileSync(await saved.path(), 'utf8')
    assert.match(text, /^Recovery codes of bob for Gatewright\./)
    for (const code of codes) assert.ok(text.includes(`${code}\n`))
    await page.emulateMedia({ media: 'print' })
    assert.equal(await page.getByText(codes[9] ?? '').isVisible(), true)
    for (const hidden of [page.getByRole('navigation'), page.getByRole('button'), page.getByRole('banner')])
      assert.equal(await hidden.count(), 0, 'no part of what is printed')
  })

  test('a passkey is added under a name, renamed and removed, and a device makes no second one', async () => {
    await makeUser(c, 'carol')
    const page = await openAs(c, 'carol', '/me/security')
    await addAuthenticator(page)
    await addPasskey(page, 'Laptop')
    await keepRecoveryCodes(page)
    const row = page.getByRole('listitem').filter({ hasText: 'Laptop' })
    await row.getByText('Never used').waitFor()
    await addPasskey(page, 'The same')
    await page.getByText('has a passkey of your account already').waitFor()
    await page.getByRole('button', { name: 'Rename Laptop' }).click()
    await page.getByRole('listitem').getByLabel('Name of the passkey').fill('Kitchen')
    await page.getByRole('button', { name: 'Rename', exact: true }).click()
    await page.getByRole('button', { name: 'Remove Kitchen' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click()
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'Remove Kitchen' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click()
    await page.getByText('“Kitchen” is removed.').waitFor()
    assert.equal(await page.getByText('Codes left').count(), 0, 'recovery codes go with the last factor')
  })

  test('a passkey that may have been copied is named as refused', async () => {
    await makeUser(c, 'mallet')
    const page = await openAs(c, 'mallet', '/me/security')
    await addAuthenticator(page)
    await addPasskey(page, 'Copied')
    await keepRecoveryCodes(page)
    const row = page.getByRole('listitem').filter({ hasText: 'Copied' })
    await row.waitFor()
    assert.equal(await row.getByText('Refused since').count(), 0)
    const { db, clock } = c.t.engine
    await db.updateTable('passkeys').set({ cloned_at: clock.now() }).where('name', '=', 'Copied').execute()
    await page.reload()
    await row.getByText('Refused since').waitFor()
  })

  test('a passkey that its owner does not show is none, and it is said what to do', async () => {
    await makeUser(c, 'dave')
    const page = await openAs(c, 'dave', '/me/security')
    const { refuse } = await addAuthenticator(page)
    await refuse()
    await addPasskey(page, 'Nobody’s')
    await page.getByText('No passkey was used.').waitFor()
  })

  test('after a factor was added, other devices stay until their owner says otherwise', async () => {
    await makeUser(c, 'erin')
    const [page, other] = [await openAs(c, 'erin', '/me/security'), await openAs(c, 'erin', '/me')]
    await addApp(c, page)
    await keepRecoveryCodes(page)
    await offer(page).waitFor()
    await other.reload()
    await heading(other, 'Profile').waitFor()
    await page.getByRole('button', { name: 'End all others' }).click()
    await page.getByText('All other devices are signed out.').waitFor()
    await other.reload()
    await heading(other, 'Sign in').waitFor()
  })

  test('whoever keeps the other devices is not asked again', async () => {
    await makeUser(c, 'frank')
    const page = await openAs(c, 'frank', '/me/security')
    await addApp(c, page)
    await keepRecoveryCodes(page)
    await page.getByRole('button', { name: 'Keep them' }).click()
    await offer(page).waitFor({ state: 'detached' })
    await page.getByText('Codes left: 10').waitFor()
  })

  test('new recovery codes are shown once, and the former ones are told to work no more', async () => {
    await makeUser(c, 'grace')
    const page = await openAs(c, 'grace', '/me/security')
    await addApp(c, page)
    const former = await keepRecoveryCodes(page)
    await page.getByRole('button', { name: 'Make new codes' }).click()
    await page.getByText('Codes from before work no more.').waitFor()
    const renewed = await keepRecoveryCodes(page)
    assert.equal(new Set([...former, ...renewed]).size, 20)
    await page.getByText('Codes left: 10').waitFor()
    assert.equal(await offer(page).count(), 0, 'no factor was added')
  })

  test('the last factor of a short password stays, and the page says what comes first', async () => {
    await makeUser(c, 'heidi')
    const page = await openAs(c, 'heidi', '/me/security')
    const secret = await addApp(c, page)
    await keepRecoveryCodes(page)
    await page.getByRole('link', { name: 'Password' }).click()
    await page.getByLabel('Current password').fill(password)
    await page.getByLabel('New password').fill('tulip-97-oak')
    await page.getByRole('button', { name: 'Change the password' }).click()
    await page.getByText('The password is changed.').waitFor()
    await page.getByRole('link', { name: 'Security' }).click()
    await page.getByRole('button', { name: 'Remove Authenticator app' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click()
    await page.getByText('your password is too short to stand alone').waitFor()
    await page.getByRole('status').getByRole('link', { name: 'Change the password' }).click()
    await heading(page, 'Password').waitFor()
    assert.match(secret, /^[A-Z2-7]{32}$/)
  })

  test('after 10 minutes a change asks for the factor, not for the password, and goes on by itself', async () => {
    await makeUser(c, 'ivan')
    const page = await openAs(c, 'ivan', '/me/security')
    const secret = await addApp(c, page)
    const [code = ''] = await keepRecoveryCodes(page)
    c.t.clock.advance(11 * minute)
    await page.getByRole('button', { name: 'Make new codes' }).click()
    const dialog = page.getByRole('dialog', { name: 'Confirm that it is you' })
    await dialog.getByLabel('Code from the app').fill('000000')
    await dialog.getByRole('button', { name: 'Confirm' }).click()
    await dialog.getByText('This code is not right').waitFor()
    await dialog.getByLabel('Code from the app').fill(nextCode(c, secret))
    await dialog.getByRole('button', { name: 'Confirm' }).click()
    await page.getByText('Codes from before work no more.').waitFor()
    await page.getByLabel('I have kept these codes').check()
    const [renewed = ''] = await page.locator('main li code').allInnerTexts()
    await page.getByRole('button', { name: 'Go on' }).click()
    assert.notEqual(code, renewed)

    c.t.clock.advance(11 * minute)
    await page.getByRole('button', { name: 'Remove Authenticator app' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click()
    await dialog.getByRole('button', { name: 'Use a recovery code instead' }).click()
    await dialog.getByLabel('Recovery code').fill(renewed.toLowerCase())
    await dialog.getByRole('button', { name: 'Confirm' }).click()
    await page.getByText('“Authenticator app” is removed.').waitFor()
    await page.getByRole('dialog').waitFor({ state: 'detached' })
  })

  test('after 10 minutes a passkey confirms by a touch', async () => {
    await makeUser(c, 'judy')
    const page = await openAs(c, 'judy', '/me/security')
    await addAuthenticator(page)
    await addPasskey(page, 'Laptop')
    await keepRecoveryCodes(page)
    c.t.clock.advance(11 * minute)
    await page.getByRole('button', { name: 'Make new codes' }).click()
    const dialog = page.getByRole('dialog', { name: 'Confirm that it is you' })
    await dialog.getByRole('button', { name: 'Use the passkey' }).click()
    await page.getByText('Codes from before work no more.').waitFor()
  })

  test('a wrong password is told in the dialog of whoever has no factor', async () => {
    await makeUser(c, 'kim')
    const page = await openAs(c, 'kim', '/me/security')
    c.t.clock.advance(11 * minute)
    await page.getByRole('button', { name: 'Set up an app' }).click()
    await confirm(page, 'not the right password')
    await page.getByRole('dialog').getByText('The password is wrong.').waitFor()
    await confirm(page, password)
    await page.getByLabel('Code from the app').waitFor()
  })

  test('no page said anything on the console, broke the policy or asked another host', () => {
    assert.deepEqual(c.faults(), [])
  })
})

describe('where administrators need a second factor', { skip: browserMissing }, () => {
  let c: Console
  before(async () => {
    c = await startConsole({ adminSecondFactor: 'required' })
  })
  after(() => c.close())
  afterEach(() => c.rest())

  const waits = (page: Page) => page.getByText('What you may do as an administrator waits')

  test('the profile says that the permissions wait for one and leads to it; with one they are there', async () => {
    await makeUser(c, 'root', ['admin'])
    const page = await openAs(c, 'root', '/me')
    await waits(page).waitFor()
    await page.getByText('users:write').waitFor()
    await page.getByRole('link', { name: 'To the second factors' }).click()
    await waits(page).waitFor()
    await addApp(c, page)
    await keepRecoveryCodes(page)
    await page.getByText('Codes left: 10').waitFor()
    await waits(page).waitFor({ state: 'detached' })
    await page.getByRole('link', { name: 'Profile' }).click()
    await heading(page, 'Profile').waitFor()
    assert.equal(await waits(page).count(), 0)
  })

  test('others are told nothing of it', async () => {
    await makeUser(c, 'alice')
    const page = await openAs(c, 'alice', '/me')
    await page.getByText('Member since').waitFor()
    assert.equal(await waits(page).count(), 0)
  })
})
