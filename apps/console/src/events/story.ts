import { ownStories } from '../activity/own-story.ts'
import type { AuditEvent } from '../api/audit-answers.ts'
import { fill, type Language } from '../texts/languages.ts'
import { type Stories, zhCn } from './zh-cn.ts'
import { zhTw } from './zh-tw.ts'

/** English is told by the API. */
export const stories = { 'zh-Hans': zhCn, 'zh-Hant': zhTw } as const satisfies Partial<
  Record<Language, Stories>
>

type Told = keyof typeof stories
type Facts = { readonly event: AuditEvent; readonly language: Told; readonly words: Stories['words'] }

const lookUp = (table: Readonly<Record<string, string>>, name: string): string | undefined =>
  Object.hasOwn(table, name) ? table[name] : undefined

const nameOf = ({ words }: Facts, { id, username }: NonNullable<AuditEvent['user']>): string =>
  username ?? fill(words.user, { id })

/** Of whoever did it to somebody else the API gives the id alone. */
const tellWho = (facts: Facts): string => {
  const { event, language, words } = facts
  const { actor, user } = event
  if (actor === null) return words.somebody
  if (actor === user?.id) return nameOf(facts, user)
  return lookUp(stories[language].others, actor) ?? fill(words.administratorOf, { id: actor })
}

const tellWhom = (facts: Facts): string =>
  facts.event.user === null ? facts.words.nobody : nameOf(facts, facts.event.user)

const tellSession = (facts: Facts): string =>
  facts.event.user === null ? facts.words.session : fill(facts.words.sessionOf, { whom: tellWhom(facts) })

/** A reason as owners read it where they do; that of a session that ended before; one without words by its id. */
const toReason = (language: Told, reason: string): string => {
  const { reasons, endings } = stories[language]
  const { why } = ownStories[language]
  const words = lookUp(reasons, reason) ?? lookUp(why, reason)
  if (words !== undefined) return words
  const ending = lookUp(endings, reason)
  if (ending === undefined) return reason
  return ending.includes('{who}') ? why.ended : ending
}

const tellReason = ({ event: { reason }, language, words }: Facts): string =>
  reason === null ? '' : fill(words.reason, { reason: toReason(language, reason) })

const tellEnding = (facts: Facts): string => {
  const ending = lookUp(stories[facts.language].endings, facts.event.reason ?? '')
  if (ending === undefined) return tellReason(facts)
  return fill(facts.words.reason, { reason: fill(ending, { who: tellWho(facts) }) })
}

const tellValue = ({ words }: Facts, value: unknown): string => {
  if (value === undefined) return words.unknown
  if (Array.isArray(value)) return value.join('、') || words.none
  return value === null ? words.none : String(value)
}

const tellDetail = (facts: Facts, name: string): string =>
  facts.event.erased.includes(name) ? facts.words.erased : tellValue(facts, facts.event.details[name])

const tellLacking = (facts: Facts): string => {
  const { lacks } = facts.event.details
  return lacks === undefined ? '' : fill(facts.words.lacking, { lacks: tellValue(facts, lacks) })
}

/** What stands between braces and is no detail. */
export const parts: Readonly<Record<string, (facts: Facts) => string>> = {
  who: tellWho,
  whom: tellWhom,
  someone: facts => (facts.event.user === null ? facts.words.somebody : tellWhom(facts)),
  session: tellSession,
  ending: tellEnding,
  because: tellReason,
  reason: ({ event, words }) => event.reason ?? words.unknown,
  times: facts => fill(facts.words.times, { count: tellValue(facts, facts.event.details.count ?? 1) }),
  lacking: tellLacking,
  answer: ({ event: { details }, words }) =>
    details.allowed ? words.yes : fill(words.no, { code: String(details.code ?? words.unknown) }),
}

const namesIn = (sentence: string): readonly string[] =>
  [...sentence.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name)

/** No space stands between two Chinese characters, or beside a Chinese mark. */
const needless = /(?<=\p{Script=Han}) (?=\p{Script=Han})|(?<=[，。：；（）]) | (?=[，。：；（）])/gu

const tellIn = (language: Told, event: AuditEvent, sentence: string): string => {
  const facts = { event, language, words: stories[language].words }
  const values = namesIn(sentence).map(
    name => [name, parts[name]?.(facts) ?? tellDetail(facts, name)] as const,
  )
  const told = fill(sentence, Object.fromEntries(values))
  const { address } = event
  return `${(address === null ? told : fill(facts.words.from, { told, address })).replaceAll(needless, '')}。`
}

/**
 * An event in one sentence for administrators, and its language where it is not that of the page: the API's own
 * sentence in English, and of the events of an application.
 */
export const tellEvent = (language: Language, event: AuditEvent) => {
  const english = { text: event.text, lang: 'en' } as const
  if (language === 'en') return english
  const sentence = lookUp(stories[language].events, event.event)
  return sentence === undefined ? english : { text: tellIn(language, event, sentence), lang: undefined }
}
