import { en, type TextName, type Texts } from './en.ts'
import { zhCn } from './zh-cn.ts'
import { zhTw } from './zh-tw.ts'

/** By the tag that `lang` takes; `name` is in the language itself. */
export const languages = {
  en: { name: 'English', texts: en },
  'zh-Hans': { name: '简体中文', texts: zhCn },
  'zh-Hant': { name: '繁體中文', texts: zhTw },
} as const satisfies Readonly<Record<string, { readonly name: string; readonly texts: Texts }>>

export type Language = keyof typeof languages

export const isLanguage = (tag: string | null): tag is Language => tag !== null && tag in languages

const isTraditional = /^(?!.*hans).*(hant|-(tw|hk|mo)\b)/i

/**
 * The first language of the browser that there is; English where there is none.
 *
 *     pickLanguage(['fr', 'zh-TW']) // 'zh-Hant'
 */
export const pickLanguage = (wanted: readonly string[]): Language => {
  const tag = wanted.find(name => /^(en|zh)\b/i.test(name)) ?? 'en'
  if (/^en/i.test(tag)) return 'en'
  return isTraditional.test(tag) ? 'zh-Hant' : 'zh-Hans'
}

/** How dates are written: as the browser wants it for this language, or as most of its readers do. */
export const pickLocale = (language: Language, wanted: readonly string[]): string =>
  wanted.find(tag => /^(en|zh)\b/i.test(tag) && pickLanguage([tag]) === language) ?? language

type Values = Readonly<Record<string, string | number>>

/** A name that somebody has chosen could turn the rest of the sentence around. */
const withoutDirections = (value: string): string => value.replaceAll(/\p{Bidi_Control}/gu, '')

/** A text with what stands in braces filled in. */
export const fill = (text: string, values: Values): string =>
  text.replaceAll(/\{(\w+)\}/g, (_, key: string) => withoutDirections(String(values[key] ?? '')))

/** A text of a language, with what stands in braces filled in. */
export const toText = (language: Language, name: TextName, values: Values = {}): string =>
  fill(languages[language].texts[name], values)
