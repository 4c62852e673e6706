import { fill, type Language } from '../texts/languages.ts'
import { en, type OwnStories } from './en.ts'
import { zhCn } from './zh-cn.ts'
import { zhTw } from './zh-tw.ts'

export const ownStories: Readonly<Record<Language, OwnStories>> = { en, 'zh-Hans': zhCn, 'zh-Hant': zhTw }

/** When and why a session ended, as the server told its owner. */
export type OwnEnd = { readonly reason: string; readonly at: string }

type Writing = { readonly language: Language; readonly time: (timestamp: string) => string }

const has = <Table extends object>(table: Table, name: string): name is keyof Table & string =>
  Object.hasOwn(table, name)

/** “You were signed out because your password was changed on 3 May 2026, 14:05.” */
export const tellEnd = ({ language, time }: Writing, { reason, at }: OwnEnd): string => {
  const { ended } = ownStories[language]
  return fill(ended[has(ended, reason) ? reason : 'other'], { time: time(at) })
}

/** What happened to an account, of what its owner may know. */
export type OwnEvent = {
  readonly at: string
  readonly event: string
  readonly reason: string | null
  readonly details: Readonly<Record<string, unknown>> | null
}

const toValue = (value: unknown): string => (Array.isArray(value) ? value.join(', ') : String(value ?? '…'))

/** Facts of an event; what somebody else has done has none for its owner. */
const valuesOf = (details: OwnEvent['details'], sentence: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    [...sentence.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => [name, toValue(details?.[name])]),
  )

/** What was refused because a session had ended has the reason of that end. */
const whyOf = ({ why, ended }: OwnStories, reason: string): string => {
  if (has(why, reason)) return why[reason]
  return has(ended, reason) || reason === 'cut_off' ? why.ended : why.other
}

/** An event in a sentence; one of an application is told by its name. */
export const tellOwnEvent = (writing: Writing, { at, event, reason, details }: OwnEvent): string => {
  const stories = ownStories[writing.language]
  if (event === 'session.ended') return tellEnd(writing, { reason: reason ?? 'other', at })
  if (!has(stories.events, event)) return event
  const sentence = stories.events[event]
  return fill(sentence, { ...valuesOf(details, sentence), why: whyOf(stories, reason ?? 'other') })
}
