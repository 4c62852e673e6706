import type { BrowserContext, BrowserContextOptions, Page } from 'playwright-core'
import type { TextName } from '../../apps/console/src/texts/en.ts'
import { type Language, toText } from '../../apps/console/src/texts/languages.ts'
import type { LetterName } from '../../packages/gatewright/src/mail/letters.ts'
import { en } from '../../packages/gatewright/src/mail/texts/en.ts'
import { zhCn } from '../../packages/gatewright/src/mail/texts/zh-cn.ts'
import { zhTw } from '../../packages/gatewright/src/mail/texts/zh-tw.ts'
import { type ReadMail, readOutbox } from '../mail/read-outbox.ts'
import { until } from '../process/until.ts'

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

const locales = { en: 'en-GB', 'zh-Hans': 'zh-CN', 'zh-Hant': 'zh-TW' } as const satisfies Record<
  Language,
  string
>

/** What mails say, by the language of the pages. */
export const mailTexts = { en, 'zh-Hans': zhCn, 'zh-Hant': zhTw } as const satisfies Record<
  Language,
  typeof en
>

/** What browsers say that they are: the owner is told of each that was not seen before. */
const devices = {
  laptop:
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
  phone:
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Version/18.5 Mobile/15E148 Safari/604.1',
  library: 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0',
} as const

type Values = Readonly<Record<string, string | number>>
type FactorName = keyof typeof en.factors

/** Everything that a story does, in the words of the pages, so that it can be told in every language. */
export const createTeller = (
  { url, outbox, newContext, onStation = async () => {}, onMail = async () => {} }: World,
  language: Language,
) => {
  const heard = new Set<string>()
  const say = (name: TextName, values: Values = {}): string => toText(language, name, values)
  const button = (page: Page, name: TextName, values?: Values) =>
    page.getByRole('button', { name: say(name, values), exact: true })
  return {
    say,
    onStation,
    press: (page: Page, name: TextName, values?: Values) => button(page, name, values).click(),
    waitForButton: (page: Page, name: TextName, values?: Values) => button(page, name, values).waitFor(),
    fill: (page: Page, name: TextName, value: string) =>
      page.getByLabel(say(name), { exact: true }).fill(value),
    read: (page: Page, name: TextName, values?: Values) =>
      page.getByText(say(name, values)).first().waitFor(),
    goTo: (page: Page, path: string) => page.goto(`${url}/console${path}`),

    /** A browser that nobody has used before. */
    openPage: async (path: string, device: keyof typeof devices): Promise<Page> => {
      const context = await newContext({ locale: locales[language], userAgent: devices[device] })
      const page = await context.newPage()
      await page.goto(`${url}/console${path}`)
      return page
    },

    /** Waits for a mail that was not read before, by what it is about. */
    hear: async (name: LetterName, factor: FactorName = 'totp'): Promise<ReadMail> => {
      const { letters, factors } = mailTexts[language]
      const subject = letters[name].subject.replace('{factor}', factors[factor])
      const find = () => readOutbox(outbox).find(mail => mail.subject === subject && !heard.has(mail.file))
      await until(`a mail comes: ${subject}`, () => find() !== undefined)
      const mail = find()
      if (mail === undefined) throw new TypeError('it was there')
      heard.add(mail.file)
      await onMail(name, mail)
      return mail
    },

    follow: async (page: Page, { link = '' }: ReadMail): Promise<void> => {
      await page.goto('about:blank')
      await page.goto(link)
    },
  }
}

export type Teller = ReturnType<typeof createTeller>
