import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import { minute } from 'gatewright/clock'
import type { Page } from 'playwright-core'
import { password } from '../harness.ts'
import { browserMissing, type Console, makeUser, openAs, startConsole } from './start-console.ts'

describe('the own API keys', { skip: browserMissing }, () => {
  let c: Console
  before(async () => {
    c = await startConsole()
    await makeUser(c, 'alice')
  })
  after(() => c.close())
  afterEach(() => c.rest())

  const press = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).click()

  /** The key that the page shows, once it is kept. */
  const keep = async (page: Page): Promise<string> => {
    await page.getByText('Nobody can show it again.').waitFor()
    const key = await page.getByRole('main').locator('code').innerText()
    assert.equal(await page.getByRole('button', { name: 'Go on' }).isDisabled(), true)
    await page.getByLabel('I have kept this key').check()
    await press(page, 'Go on')
    return key
  }

  const tryKey = async (key: string): Promise<number> =>
    (await c.t.call('GET', '/api/v1/protected', { headers: { 'x-api-key': key } })).status

  test('one is made with permissions that its owner holds, shown once, replaced and revoked', async () => {
    const page = await openAs(c, 'alice', '/me/api-keys')
    await page.getByText('There is no key.').waitFor()
    assert.equal(await page.getByLabel('posts:moderate').count(), 0)
    await page.getByLabel('Name').fill('nightly report')
    await page.getByLabel('posts:write').check()
    await press(page, 'Make the key')
    const key = await keep(page)
    assert.equal(await tryKey(key), 200)
    assert.ok(!(await page.locator('body').innerText()).includes(key))
    await page.getByText('posts:write').first().waitFor()

    await press(page, 'Replace the key “nightly report”')
    const next = await keep(page)
    assert.notEqual(next, key)
    assert.equal(await tryKey(next), 200)

    await page.getByRole('button', { name: 'Revoke the key “nightly report”' }).first().click()
    await page.getByRole('dialog').getByText('is refused at once').waitFor()
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click()
    await page.getByText('The key “nightly report” is revoked.').waitFor()
    assert.equal(await tryKey(next), 401)
  })

  test('what is no address is told at its field, and a sign-in too long ago is confirmed first', async () => {
    const page = await openAs(c, 'alice', '/me/api-keys')
    c.t.clock.advance(11 * minute)
    await page.getByLabel('Name').fill('from elsewhere')
    await page.getByLabel('Allowed addresses').fill('somewhere')
    await press(page, 'Make the key')
    const confirmation = page.getByRole('dialog', { name: 'Confirm that it is you' })
    await confirmation.getByLabel('Password', { exact: true }).fill(password)
    await press(page, 'Confirm')
    await page.getByText('One of these is no address and no network').waitFor()
    await page.getByLabel('Allowed addresses').fill('2001:db8::/32')
    await press(page, 'Make the key')
    await keep(page)
    await page.getByText('Only from 2001:db8::/32').waitFor()
  })
})
