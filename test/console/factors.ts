import type { Page } from 'playwright-core'
import { codeAt } from '../factors/enrolled.ts'
import type { Console } from './start-console.ts'

/** The code that an authenticator app shows, which knows what the page shows to be typed. */
export const readSecret = async (page: Page): Promise<string> =>
  (await page.locator('main code').first().innerText()).replaceAll(/\s/g, '')

export const codeOf = ({ t }: Console, secret: string): string => codeAt(secret, t.clock.now())

/** Half a minute later another code is shown: none is taken twice. */
export const nextCode = (console: Console, secret: string): string => {
  console.t.clock.advance(30_000)
  return codeOf(console, secret)
}

/** Sets up an authenticator app on the page of security. @returns its secret */
export const addApp = async (console: Console, page: Page): Promise<string> => {
  await page.getByRole('button', { name: 'Set up an app' }).click()
  await page.getByLabel('Code from the app').waitFor()
  const secret = await readSecret(page)
  await page.getByLabel('Code from the app').fill(codeOf(console, secret))
  await page.getByRole('button', { name: 'Add the app' }).click()
  return secret
}

/** Keeps the codes that the page shows once. */
export const keepRecoveryCodes = async (page: Page): Promise<readonly string[]> => {
  await page.getByLabel('I have kept these codes').check()
  const codes = await page.locator('main li code').allInnerTexts()
  await page.getByRole('button', { name: 'Go on' }).click()
  return codes
}

export const addPasskey = async (page: Page, name: string): Promise<void> => {
  await page.getByLabel('Name of the passkey').fill(name)
  await page.getByRole('button', { name: 'Add a passkey' }).click()
}
