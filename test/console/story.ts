import { join } from 'node:path'
import type { BrowserContext, BrowserContextOptions, Page } from 'playwright-core'
import type { TextName } from '../../apps/console/src/texts/en.ts'
import { type Language, languages, toText } from '../../apps/console/src/texts/languages.ts'
import type { LetterName } from '../../packages/gatewright/src/mail/letters.ts'
import { en as mailsInEn } from '../../packages/gatewright/src/mail/texts/en.ts'
import { zhCn as mailsInZhCn } from '../../packages/gatewright/src/mail/texts/zh-cn.ts'
import { zhTw as mailsInZhTw } from '../../packages/gatewright/src/mail/texts/zh-tw.ts'
import { codeAt } from '../factors/enrolled.ts'
import { type ReadMail, readOutbox } from '../mail/read-outbox.ts'
import { until } from '../process/until.ts'
import { addAuthenticator } from './authenticators.ts'

/** A server with nothing in its database, and browsers that know nothing of each other. */
export type World = {
  readonly url: string
  /** Where it puts its mail. */
  readonly outbox: string
  readonly newContext: (options?: BrowserContextOptions) => Promise<BrowserContext>
  /** Told at each station, for pictures. */
  readonly onStation?: (name: string, page: Page) => Promise<void>
  /** Told of each mail as it is read. */
  readonly onMail?: (name: LetterName, mail: ReadMail) => Promise<void>
}

const locales = { en: 'en-GB', 'zh-Hans': 'zh-CN', 'zh-Hant': 'zh-TW' } as const

/** What mails say, by the language of the pages. */
export const mailTexts = { en: mailsInEn, 'zh-Hans': mailsInZhCn, 'zh-Hant': mailsInZhTw } as const

type FactorName = keyof typeof mailsInEn.factors

/** What browsers say that they are: the owner is told of each that was not seen before. */
const devices = {
  laptop:
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
  phone:
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Version/18.5 Mobile/15E148 Safari/604.1',
  library: 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0',
} as const

export const person = { username: 'alice', email: 'alice@example.org' } as const
const passwords = {
  first: 'a sentence that alice knows',
  second: 'another sentence that alice knows',
} as const

export const outboxOf = (folder: string): string => join(folder, 'data', 'outbox')

/**
 * What happens to somebody who loses everything but the paper with the codes, and then the password too: told in
 * the words of the pages, so that it can be told in every language.
 * @returns the mails that came, the oldest first
 */
export const tellStory = async (world: World, language: Language): Promise<readonly ReadMail[]> => {
  const { url, outbox, onStation = async () => {}, onMail = async () => {} } = world
  const say = (name: TextName, values: Readonly<Record<string, string | number>> = {}): string =>
    toText(language, name, values)
  const heard = new Set<string>()

  const button = (page: Page, name: TextName, values = {}) =>
    page.getByRole('button', { name: say(name, values), exact: true })
  const press = (page: Page, name: TextName, values = {}) => button(page, name, values).click()
  const fill = (page: Page, name: TextName, value: string) =>
    page.getByLabel(say(name), { exact: true }).fill(value)
  const shown = (page: Page, name: TextName, values = {}) =>
    page.getByText(say(name, values)).first().waitFor()

  const openPage = async (path: string, device: keyof typeof devices): Promise<Page> => {
    const context = await world.newContext({ locale: locales[language], userAgent: devices[device] })
    const page = await context.newPage()
    await page.goto(`${url}/console${path}`)
    return page
  }

  /** Waits for a mail that was not read before, by what it is about. */
  const hear = async (name: LetterName, factor: FactorName = 'totp'): Promise<ReadMail> => {
    const { letters, factors } = mailTexts[language]
    const subject = letters[name].subject.replace('{factor}', factors[factor])
    const find = () => readOutbox(outbox).find(mail => mail.subject === subject && !heard.has(mail.file))
    await until(`a mail comes: ${subject}`, () => find() !== undefined)
    const mail = find()
    if (mail === undefined) throw new TypeError('it was there')
    heard.add(mail.file)
    await onMail(name, mail)
    return mail
  }
  const follow = async (page: Page, { link = '' }: ReadMail): Promise<void> => {
    await page.goto('about:blank')
    await page.goto(link)
  }
  const signIn = async (page: Page, password: string): Promise<void> => {
    await fill(page, 'username', person.username)
    await fill(page, 'passwordLabel', password)
    await press(page, 'signInSubmit')
  }
  const keepCodes = async (page: Page): Promise<readonly string[]> => {
    await page.getByLabel(say('recoveryKept')).check()
    const codes = await page.locator('main li code').allInnerTexts()
    await press(page, 'goOn')
    return codes
  }

  // Registers and verifies.
  const laptop = await openPage('/register', 'laptop')
  await fill(laptop, 'username', person.username)
  await fill(laptop, 'passwordLabel', passwords.first)
  await fill(laptop, 'emailOptional', person.email)
  await onStation('register', laptop)
  await press(laptop, 'registerSubmit')
  await shown(laptop, 'signedInAs', { username: person.username })
  await follow(laptop, await hear('verify-email'))
  await shown(laptop, 'verifyIntro')
  await onStation('verify', laptop)
  await press(laptop, 'verifySubmit')
  await shown(laptop, 'verifyDone')

  // Adds a passkey and an app.
  const device = await addAuthenticator(laptop)
  await laptop.goto(`${url}/console/me/security`)
  await fill(laptop, 'passkeyName', 'Laptop')
  await press(laptop, 'passkeyAdd')
  await shown(laptop, 'recoveryOnce')
  await onStation('recovery-codes', laptop)
  const codes = await keepCodes(laptop)
  await press(laptop, 'authenticatorAdd')
  await laptop.getByLabel(say('authenticatorCode')).waitFor()
  await onStation('authenticator', laptop)
  const secret = (await laptop.locator('main code').first().innerText()).replaceAll(/\s/g, '')
  await fill(laptop, 'authenticatorCode', codeAt(secret, Date.now()))
  await press(laptop, 'authenticatorConfirm')
  await button(laptop, 'removeOf', { name: say('authenticator') }).waitFor()
  await onStation('security', laptop)
  await hear('factor-added', 'passkey')
  await hear('factor-added', 'totp')

  // Loses both, and comes back with a code from the paper, on a new device.
  await device.lose()
  await laptop.context().close()
  const phone = await openPage('/sign-in', 'phone')
  await signIn(phone, passwords.first)
  await shown(phone, 'chooseProveRecovery')
  await press(phone, 'chooseProveRecovery')
  await fill(phone, 'recoveryCode', codes[0] ?? '')
  await onStation('recovery', phone)
  await press(phone, 'confirmSubmit')
  await shown(phone, 'signedInAs', { username: person.username })
  await hear('recovery-code-used')
  await hear('new-device')
  await phone.goto(`${url}/console/me/security`)
  for (const [name, factor] of [
    ['Laptop', 'passkey'],
    [say('authenticator'), 'totp'],
  ] as const) {
    await press(phone, 'removeOf', { name })
    await phone
      .getByRole('dialog')
      .getByRole('button', { name: say('remove'), exact: true })
      .click()
    await shown(phone, 'removed', { name })
    await hear('factor-removed', factor)
  }
  await onStation('removed', phone)

  // Forgets the password as well.
  await phone.context().close()
  const library = await openPage('/forgot', 'library')
  await fill(library, 'email', person.email)
  await onStation('forgot', library)
  await press(library, 'forgotSubmit')
  await shown(library, 'forgotDone')
  await follow(library, await hear('reset-password'))
  await fill(library, 'newPassword', passwords.second)
  await onStation('reset', library)
  await press(library, 'resetSubmit')
  await shown(library, 'resetDone')
  await hear('password-reset')
  await library.getByRole('link', { name: say('signInTitle') }).click()
  await signIn(library, passwords.second)
  await shown(library, 'reviewIntro')
  await onStation('review', library)
  await press(library, 'reviewYes')
  await shown(library, 'profileIntro')
  await onStation('back', library)
  await hear('new-device')
  await library.context().close()
  return readOutbox(outbox)
}

export const storyLanguages = Object.keys(languages) as readonly Language[]
