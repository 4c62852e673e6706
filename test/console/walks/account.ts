import assert from 'node:assert/strict'
import type { Page } from 'playwright-core'
import { password } from '../../harness.ts'
import { type Console, withSettings } from '../start-console.ts'
import { answer, follow, openAsSomebody, press, signedInBefore } from './somebody.ts'
import type { Walk } from './walk.ts'

const agents = [
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Version/18.5 Mobile/15E148 Safari/604.1',
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0',
  `a-script/1.0 ${'with-a-long-name-and-no-blank-'.repeat(6)}`,
]

const signInElsewhere = async ({ t }: Console, username: string): Promise<void> => {
  for (const [index, agent] of agents.entries()) {
    const { status } = await t.call('POST', 'login', {
      headers: { 'user-agent': agent },
      address: `2001:db8:85a3:${index}::8a2e:370:7334`,
      body: { username, password },
    })
    assert.equal(status, 200)
  }
}

/** Makes a key, which is shown then. */
const makeKey = async (page: Page): Promise<void> => {
  await page.getByLabel('Name').fill('nightly report')
  await page.getByLabel('posts:write').check()
  await page.getByLabel('Allowed addresses').fill('192.0.2.0/24')
  await press(page, 'Make the key')
  await page.getByLabel('I have kept this key').waitFor()
}

/** The own account, but for its factors. */
export const accountWalk: Walk = async function* (console, context) {
  const { page, username } = await openAsSomebody(console, context, '/me')
  yield ['profile', page]
  await follow(page, 'Password', 'Changing it')
  yield ['password', page]
  await follow(page, 'E-mail', 'Where a link goes')
  yield ['email', page]
  await follow(page, 'API keys', 'There is no key')
  await makeKey(page)
  yield ['api-key-made', page]
  await page.getByLabel('I have kept this key').check()
  await press(page, 'Go on')
  await page.getByRole('button', { name: 'Replace the key “nightly report”' }).waitFor()
  yield ['api-keys', page]
  await page.goto('/console/me/review')
  await page.getByRole('heading', { name: 'What signs in' }).waitFor()
  yield ['review', page]
  await signInElsewhere(console, username)
  await follow(page, 'Devices', 'This device')
  yield ['devices', page]
  await signedInBefore(console, username)
  await press(page, 'End all others')
  await page.getByRole('dialog').getByLabel('Password', { exact: true }).waitFor()
  yield ['confirmation', page]
  await answer(page, 'Cancel')
  await follow(page, 'Activity', 'That wasn’t you?')
  yield ['activity', page]
  await withSettings(context, { sends_mail: false })
  await page.goto('/console/me/email')
  await page.getByText('This server sends no mail').waitFor()
  yield ['email-without-mail', page]
}
