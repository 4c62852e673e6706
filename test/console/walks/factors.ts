import type { Page } from 'playwright-core'
import { addAuthenticator } from '../authenticators.ts'
import { addPasskey, codeOf, keepRecoveryCodes, readSecret } from '../factors.ts'
import { newestLink } from '../mails.ts'
import { type Console, fillSignIn } from '../start-console.ts'
import { answer, openAsSomebody, press, signedInBefore } from './somebody.ts'
import type { Walk } from './walk.ts'

const setUpApp = async (console: Console, page: Page): Promise<void> => {
  await page.getByLabel('Code from the app').fill(codeOf(console, await readSecret(page)))
  await press(page, 'Add the app')
  await page.getByLabel('I have kept these codes').waitFor()
}

/** As if a copy of the passkey had been used. */
const noteCopy = async ({ t: { engine } }: Console, username: string): Promise<void> => {
  await engine.db
    .updateTable('passkeys')
    .set({ cloned_at: engine.clock.now() })
    .where('user_id', '=', eb => eb.selectFrom('users').select('id').where('username', '=', username))
    .execute()
}

/** Second factors, from none to two of them, and what they are asked for. */
export const factorsWalk: Walk = async function* (console, context) {
  const { page, username } = await openAsSomebody(console, context, '/me/security')
  await page.getByRole('button', { name: 'Set up an app' }).waitFor()
  yield ['security-first', page]
  await press(page, 'Set up an app')
  await page.getByLabel('Code from the app').waitFor()
  yield ['security-set-up', page]
  await setUpApp(console, page)
  yield ['recovery-codes', page]
  await keepRecoveryCodes(page)
  await addAuthenticator(page)
  await addPasskey(page, 'Laptop')
  await press(page, 'Remove Laptop')
  await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).waitFor()
  yield ['security-remove', page]
  await answer(page, 'Cancel')
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  yield ['security', page]
  await signedInBefore(console, username)
  await press(page, 'Make new codes')
  await page.getByRole('dialog').getByRole('button', { name: 'Use the passkey' }).waitFor()
  yield ['confirmation-by-factor', page]
  await answer(page, 'Cancel')
  await press(page, 'Sign out')
  await fillSignIn(page, username)
  await page.getByRole('button', { name: 'Use the passkey' }).waitFor()
  yield ['second-step', page]
  await press(page, 'Use a recovery code instead')
  await page.getByLabel('Recovery code').waitFor()
  yield ['second-step-recovery', page]
  await press(page, 'Begin again')
  await press(page, 'Sign in with a passkey')
  await page.getByText(`Signed in as ${username}`).waitFor()
  await noteCopy(console, username)
  await page.getByRole('link', { name: 'Security' }).click()
  await page.getByText('Refused since').waitFor()
  yield ['security-refused', page]
}

/** Whoever follows the link of a mail that told of a stranger. */
export const notMeWalk: Walk = async function* (console, context) {
  const { page, username } = await openAsSomebody(console, context, '/me/email')
  const address = `${username}@example.org`
  await press(page, 'Send the link once more')
  await page.getByText('A link is on its way').waitFor()
  await page.goto(await newestLink(console, address))
  await press(page, 'Verify the address')
  await page.getByText('Your e-mail address is verified.').waitFor()
  yield ['verified', page]
  await page.goto('/console/me/security')
  await press(page, 'Set up an app')
  await setUpApp(console, page)
  await page.goto(await newestLink(console, address))
  await press(page, 'It was not me')
  await page.getByLabel('New password').waitFor()
  yield ['new-password-after-link', page]
}
