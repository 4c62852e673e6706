import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import { minute } from 'gatewright/clock'
import type { Page } from 'playwright-core'
import { password } from '../harness.ts'
import { untilEqual } from '../process/until.ts'
import { confirm } from './own-account.ts'
import { browserMissing, type Console, makeUser, openAs, startConsole } from './start-console.ts'

const heading = (page: Page, name: string) => page.getByRole('heading', { name, exact: true })

const firefox = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0'

describe('the own devices', { skip: browserMissing }, () => {
  let c: Console
  before(async () => {
    c = await startConsole()
  })
  after(() => c.close())
  afterEach(() => c.rest())

  test('ending another device signs that browser out, and this one stays', async () => {
    await makeUser(c, 'erin')
    const [page, other] = [await openAs(c, 'erin', '/me/devices'), await openAs(c, 'erin', '/me')]
    await page.reload()
    await page.getByText('This device').waitFor()
    const devices = page
      .locator('main ul')
      .first()
      .getByRole('listitem')
      .filter({ hasText: 'Chrome on Linux' })
    await untilEqual(() => devices.count(), 2)
    c.t.clock.advance(11 * minute)
    await page.getByRole('button', { name: /^End Chrome on Linux, 127\.0\.0\.1$/ }).click()
    await confirm(page, password)
    await page.getByText('That device is signed out.').waitFor()
    await page.getByText('You are signed in nowhere else.').waitFor()

    await other.getByRole('link', { name: 'Devices' }).click()
    await heading(other, 'Sign in').waitFor()
    await other
      .getByText(/^You were signed out from another device of yours on \d+ \w+ \d{4}, \d+:\d+\.$/)
      .waitFor()
    await other.getByRole('banner').locator('select').selectOption('zh-Hant', { force: true })
    await other.getByText(/^您於 \d{4}年\d+月\d+日.* 在另一台裝置上將此處登出。$/).waitFor()
    await page.getByRole('link', { name: 'Profile' }).click()
    await heading(page, 'Profile').waitFor()
  })

  test('devices are named in the language of the page, on a phone too, and a hostile name is none', async () => {
    await makeUser(c, 'peggy')
    const hostile = '\u202E<img src=x onerror=alert(1)>'
    const agents = [firefox, 'Mozilla/5.0 (Windows NT 10.0)', 'curl/8.14.1', encodeURI(hostile), hostile]
    for (const agent of agents) {
      const body = { username: 'peggy', password }
      const answer = await c.t.call('POST', 'login', {
        body,
        headers: { 'user-agent': agent },
        address: '192.0.2.1',
      })
      assert.equal(answer.status, 200, answer.text)
    }
    const page = await openAs(c, 'peggy', '/me/devices')
    await page.setViewportSize({ width: 320, height: 640 })
    const names = {
      en: ['Firefox on Windows', 'Unknown program on Windows', 'Unknown device'],
      'zh-Hans': ['Windows 上的 Firefox', 'Windows 上的未知程序', '未知设备'],
      'zh-Hant': ['Windows 上的 Firefox', 'Windows 上的未知程式', '未知的裝置'],
    }
    for (const [language, [known, half, unknown]] of Object.entries(names)) {
      await page.getByRole('banner').locator('select').selectOption(language, { force: true })
      const devices = page.locator('main ul').first()
      const named = (name = '') => devices.getByRole('listitem').getByText(name, { exact: true })
      for (const name of [known, half, 'curl']) await untilEqual(() => named(name).count(), 1)
      assert.equal(await named(unknown).count(), 2)
      assert.equal(await devices.getByText('192.0.2.1').count(), agents.length)
      assert.equal(await page.locator('main img').count(), 0)
    }
  })

  test('what happened to the account is told in sentences, on a phone and in every language, with where to go on', async () => {
    await makeUser(c, 'wendy')
    const page = await openAs(c, 'wendy', '/me')
    const failed = { username: 'wendy', password: 'not the password' }
    await c.t.call('POST', 'login', { body: failed, address: '192.0.2.77' })
    await page.setViewportSize({ width: 320, height: 640 })
    await page.getByRole('link', { name: 'Activity' }).click()
    await heading(page, 'Activity').waitFor()
    const newest = page.locator('main ul').last().getByRole('listitem').first()
    const isTold = async (...texts: readonly string[]): Promise<void> => {
      for (const each of texts) await newest.getByText(each).waitFor()
    }
    await isTold('A sign-in failed: the password was wrong.', '192.0.2.77', 'not signed in')
    assert.ok(Number(await page.evaluate('document.documentElement.scrollWidth')) <= 320)
    for (const [language, told] of [
      ['zh-Hans', '登录失败：密码错误。'],
      ['zh-Hant', '登入失敗：密碼錯誤。'],
      ['en', 'A sign-in failed: the password was wrong.'],
    ] as const) {
      await page.getByRole('banner').locator('select').selectOption(language, { force: true })
      await isTold(told)
    }
    await page.getByRole('link', { name: 'Look at your second factors.' }).focus()
    await page.keyboard.press('Enter')
    await heading(page, 'Security').waitFor()
  })

  test('where the devices can not be read, the page says so and reads them when it is told to', async () => {
    await makeUser(c, 'kim')
    const page = await openAs(c, 'kim', '/me')
    await page.route('**/api/v1/sessions', route => route.fulfill({ status: 502 }))
    await page.getByRole('link', { name: 'Devices' }).click()
    await page.getByText('The server does not answer.').waitFor()
    await page.unroute('**/api/v1/sessions')
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.getByText('This device').waitFor()
    assert.equal(await page.getByRole('button', { name: 'Try again' }).count(), 0)
  })

  test('all others are ended at once', async () => {
    await makeUser(c, 'frank')
    const others = [await openAs(c, 'frank', '/me'), await openAs(c, 'frank', '/me')]
    const page = await openAs(c, 'frank', '/me/devices')
    await page.getByRole('button', { name: 'End all others' }).click()
    await page.getByText('All other devices are signed out.').waitFor()
    for (const other of others) {
      await other.reload()
      await heading(other, 'Sign in').waitFor()
    }
  })

  test('a known browser is forgotten after a confirmation, brought back, and too late it is not', async () => {
    await makeUser(c, 'rachel')
    const page = await openAs(c, 'rachel', '/me/devices')
    const known = page.getByRole('list', { name: 'Browsers that are known' }).getByRole('listitem')
    await untilEqual(() => known.count(), 1)
    const forget = async () => {
      await page.getByRole('button', { name: 'Forget Chrome on Linux' }).click()
      await page.getByRole('dialog').getByText('you stay signed in').waitFor()
      await page.getByRole('dialog').getByRole('button', { name: 'Forget' }).click()
    }
    c.t.clock.advance(11 * minute)
    await forget()
    await confirm(page, password)
    await page.getByText('Chrome on Linux is forgotten.').waitFor()
    await page.getByText('None is known.').waitFor()
    c.t.clock.advance(6 * minute)
    await page.getByRole('button', { name: 'Undo' }).click()
    await page.getByText('Chrome on Linux is known again.').waitFor()
    await untilEqual(() => known.count(), 1)
    await forget()
    await page.getByText('None is known.').waitFor()
    c.t.clock.advance(11 * minute)
    await page.getByRole('button', { name: 'Undo' }).click()
    await confirm(page, password)
    await page.getByText('It is too late to undo this.').waitFor()
    await page.getByText('None is known.').waitFor()
  })

  test('no page said anything on the console, broke the policy or asked another host', () => {
    assert.deepEqual(c.faults(), [])
  })
})
