import { join } from 'node:path'
import type { Page } from 'playwright-core'
import type { Language } from '../../apps/console/src/texts/languages.ts'
import { codeAt } from '../factors/enrolled.ts'
import { type ReadMail, readOutbox } from '../mail/read-outbox.ts'
import { addAuthenticator } from './authenticators.ts'
import { createTeller, type Teller, type World } from './teller.ts'

export const person = { username: 'alice', email: 'alice@example.org' } as const
const passwords = {
  first: 'a sentence that alice knows',
  second: 'another sentence that alice knows',
} as const

export const outboxOf = (folder: string): string => join(folder, 'data', 'outbox')

const signIn = async ({ fill, press }: Teller, page: Page, password: string): Promise<void> => {
  await fill(page, 'username', person.username)
  await fill(page, 'passwordLabel', password)
  await press(page, 'signInSubmit')
}

const register = async (teller: Teller): Promise<Page> => {
  const { openPage, fill, press, read, follow, hear, onStation } = teller
  const laptop = await openPage('/register', 'laptop')
  await fill(laptop, 'username', person.username)
  await fill(laptop, 'passwordLabel', passwords.first)
  await fill(laptop, 'emailOptional', person.email)
  await onStation('register', laptop)
  await press(laptop, 'registerSubmit')
  await read(laptop, 'signedInAs', { username: person.username })
  await follow(laptop, await hear('verify-email'))
  await read(laptop, 'verifyIntro')
  await onStation('verify', laptop)
  await press(laptop, 'verifySubmit')
  await read(laptop, 'verifyDone')
  return laptop
}

/** @returns the recovery codes that came with the first factor */
const addPasskey = async (teller: Teller, laptop: Page): Promise<readonly string[]> => {
  const { goTo, fill, press, read, say, onStation, hear } = teller
  await goTo(laptop, '/me/security')
  await fill(laptop, 'passkeyName', 'Laptop')
  await press(laptop, 'passkeyAdd')
  await read(laptop, 'recoveryOnce')
  await onStation('recovery-codes', laptop)
  await laptop.getByLabel(say('recoveryKept')).check()
  const codes = await laptop.locator('main li code').allInnerTexts()
  await press(laptop, 'goOn')
  await hear('factor-added', 'passkey')
  return codes
}

const addApp = async (teller: Teller, laptop: Page): Promise<void> => {
  const { fill, press, say, waitForButton, onStation, hear } = teller
  await press(laptop, 'authenticatorAdd')
  await laptop.getByLabel(say('authenticatorCode')).waitFor()
  await onStation('authenticator', laptop)
  const secret = (await laptop.locator('main code').first().innerText()).replaceAll(/\s/g, '')
  await fill(laptop, 'authenticatorCode', codeAt(secret, Date.now()))
  await press(laptop, 'authenticatorConfirm')
  await waitForButton(laptop, 'removeOf', { name: say('authenticator') })
  await onStation('security', laptop)
  await hear('factor-added', 'totp')
}

/** With a code from the paper, on a device that was never used before. */
const comeBack = async (teller: Teller, code: string): Promise<Page> => {
  const { openPage, press, fill, read, onStation, hear } = teller
  const phone = await openPage('/sign-in', 'phone')
  await signIn(teller, phone, passwords.first)
  await read(phone, 'chooseProveRecovery')
  await press(phone, 'chooseProveRecovery')
  await fill(phone, 'recoveryCode', code)
  await onStation('recovery', phone)
  await press(phone, 'confirmSubmit')
  await read(phone, 'signedInAs', { username: person.username })
  await hear('recovery-code-used')
  await hear('new-device')
  return phone
}

const removeWhatIsLost = async (teller: Teller, phone: Page): Promise<void> => {
  const { goTo, press, say, read, hear, onStation } = teller
  const lost = { passkey: 'Laptop', totp: say('authenticator') } as const
  await goTo(phone, '/me/security')
  for (const factor of ['passkey', 'totp'] as const) {
    const name = lost[factor]
    await press(phone, 'removeOf', { name })
    await phone
      .getByRole('dialog')
      .getByRole('button', { name: say('remove'), exact: true })
      .click()
    await read(phone, 'removed', { name })
    await hear('factor-removed', factor)
  }
  await onStation('removed', phone)
}

const forgetPassword = async (teller: Teller): Promise<void> => {
  const { openPage, fill, press, read, follow, hear, say, onStation } = teller
  const library = await openPage('/forgot', 'library')
  await fill(library, 'email', person.email)
  await onStation('forgot', library)
  await press(library, 'forgotSubmit')
  await read(library, 'forgotDone')
  await follow(library, await hear('reset-password'))
  await fill(library, 'newPassword', passwords.second)
  await onStation('reset', library)
  await press(library, 'resetSubmit')
  await read(library, 'resetDone')
  await hear('password-reset')
  await library.getByRole('link', { name: say('signInTitle') }).click()
  await signIn(teller, library, passwords.second)
  await read(library, 'reviewIntro')
  await onStation('review', library)
  await press(library, 'reviewYes')
  await read(library, 'profileIntro')
  await hear('new-device')
}

/**
 * What happens to somebody who loses everything but the paper with the codes, and then forgets the password too.
 * @returns the mails that came, the oldest first
 */
export const tellStory = async (world: World, language: Language): Promise<readonly ReadMail[]> => {
  const teller = createTeller(world, language)
  const laptop = await register(teller)
  const device = await addAuthenticator(laptop)
  const [code = ''] = await addPasskey(teller, laptop)
  await addApp(teller, laptop)
  await device.lose()
  await laptop.context().close()
  const phone = await comeBack(teller, code)
  await removeWhatIsLost(teller, phone)
  await phone.context().close()
  await forgetPassword(teller)
  return readOutbox(world.outbox)
}
