import { codePurposes, type Purpose } from '../codes/purposes.ts'
import { day, hour } from '../ground/clock.ts'
import { escapeHtml } from '../ground/escape-html.ts'
import type { Locale } from '../users/locale.ts'
import { type LetterValues, type LinkName, letters, linkPages, type UnusualCounts } from './letters.ts'
import type { Letter } from './queue.ts'
import { en, type MailTexts } from './texts/en.ts'
import { digestPatterns } from './texts/unusual.ts'
import { zhCn } from './texts/zh-cn.ts'
import { zhTw } from './texts/zh-tw.ts'

export const mailTexts: Readonly<Record<Locale, MailTexts>> = { en, 'zh-CN': zhCn, 'zh-TW': zhTw }

/** What a link is good for. */
const purposeOf = {
  verify: 'verify-email',
  reset: 'reset-password',
  undo: 'undo-email',
  notMe: 'not-me',
  invitation: 'invitation',
  first: 'first-password',
  prove: 'prove-email',
} as const satisfies Readonly<Record<LinkName, Purpose>>

/** Who writes, and where links lead: by the settings, never by a request. */
export type Sender = { readonly appName: string; readonly publicUrl: string }

type Words = Readonly<Record<string, string>>

const fill = (text: string, words: Words): string =>
  text.replaceAll(/\{(\w+)\}/g, (_, name: string) => words[name] ?? '')

const longestWord = 300
/** A word of ours or of a stranger, on one line and not too long. */
const tame = (text: string): string =>
  text
    .replaceAll(/[\p{C}\s]+/gu, ' ')
    .trim()
    .slice(0, longestWord)

/**
 * Names of API keys are chosen by whoever is signed in, who may be a thief; whom a user is linked to is written by an
 * administrator who may do little. No mail program makes a link of one.
 */
const chosen: readonly string[] = ['key', 'keys', 'issuer', 'service']
const unlinked = (text: string): string =>
  text.replace(/^https?:\/\//, '').replaceAll(/[^\p{L}\p{M}\p{N} _,()-]/gu, '·')

/** A checkpoint is ours, and is only one as long as it is whole. */
const toWord = ([name, text]: readonly [string, string]): readonly [string, string] => {
  if (name === 'checkpoint') return [name, text]
  return [name, chosen.includes(name) ? unlinked(tame(text)) : tame(text)]
}

const listUnusual = (counts: UnusualCounts, { patterns }: MailTexts): string =>
  digestPatterns
    .flatMap(name => (counts[name] === undefined ? [] : [`${patterns[name]} (${counts[name]})`]))
    .join('; ')

const toWords = (
  { factor, at, unusual, ...values }: LetterValues,
  texts: MailTexts,
  sender: Sender,
): Words => ({
  ...Object.fromEntries(Object.entries(values).map(toWord)),
  ...(at !== undefined && { at: at.replace('T', ' ').replace(/:\d\d\.\d+Z$/, ' UTC') }),
  ...(factor !== undefined && { factor: texts.factors[factor] }),
  ...(unusual !== undefined && { unusual: listUnusual(unusual, texts) }),
  app: sender.appName,
  url: sender.publicUrl,
})

const showLifetime = (texts: MailTexts, link: LinkName): string => {
  const { lifetime } = codePurposes[purposeOf[link]]
  if (lifetime === hour) return texts.oneHour
  return lifetime < 2 * day
    ? fill(texts.hours, { count: String(lifetime / hour) })
    : fill(texts.days, { count: String(lifetime / day) })
}

/** A token stands behind `#`, so it is in no log, and in no Referer. */
const toLink = ({ publicUrl }: Sender, link: LinkName, token: string): string =>
  `${publicUrl}/console/${linkPages[link]}#${token}`

type Part = { readonly kind: 'text' | 'facts' | 'link' | 'small'; readonly lines: readonly string[] }

const factNames = ['at', 'address', 'device', 'keys', 'unusual'] as const

const toParts = ({ letter, links, values }: Letter, texts: MailTexts, sender: Sender): readonly Part[] => {
  const text = texts.letters[letter]
  const words = toWords(values, texts, sender)
  const lines = (words.inviter === undefined && text.linesOfNobody) || text.lines
  const facts = factNames.filter(name => words[name]).map(name => fill(texts[name], words))
  const link = 'link' in letters[letter] ? (letters[letter].link as LinkName) : undefined
  const token = link && links[link]
  const say = (...lines: readonly string[]) => lines.map(line => fill(line, words))
  return [
    { kind: 'text', lines: say(words.username ? texts.greeting : texts.greetingOfNobody) },
    ...lines.map((line): Part => ({ kind: 'text', lines: say(line) })),
    ...(facts.length > 0 ? [{ kind: 'facts', lines: facts } as const] : []),
    ...(link === undefined || token === undefined
      ? []
      : ([
          { kind: 'text', lines: say(text.link ?? texts.notMe) },
          { kind: 'link', lines: [toLink(sender, link, token)] },
          { kind: 'small', lines: [fill(texts.lifetime, { time: showLifetime(texts, link) })] },
        ] as const)),
    { kind: 'small', lines: say(texts.footer) },
  ]
}

const style = 'font:16px/1.5 system-ui,sans-serif;color:#1f2933;max-width:36em;margin:2em auto;padding:0 1em'

const toHtml = ({ kind, lines }: Part): string => {
  const [first = ''] = lines.map(escapeHtml)
  if (kind === 'link') return `<p><a href="${first}">${first}</a></p>`
  const size = kind === 'small' ? ' style="font-size:14px;color:#52606d"' : ''
  return `<p${size}>${lines.map(escapeHtml).join('<br>')}</p>`
}

export type Rendered = { readonly subject: string; readonly text: string; readonly html: string }

/** A letter as its reader sees it: in plain text, and the same in HTML. */
export const renderLetter = (letter: Letter, sender: Sender): Rendered => {
  const texts = mailTexts[letter.locale]
  const parts = toParts(letter, texts, sender)
  const subject = fill(texts.letters[letter.letter].subject, toWords(letter.values, texts, sender))
  const body = parts.map(toHtml).join('\n')
  return {
    subject,
    text: `${parts.map(({ lines }) => lines.join('\n')).join('\n\n')}\n`,
    html: `<!doctype html>
<html lang="${letter.locale}"><head><meta charset="utf-8"><title>${escapeHtml(subject)}</title></head>
<body style="${style}">
${body}
</body></html>
`,
  }
}
