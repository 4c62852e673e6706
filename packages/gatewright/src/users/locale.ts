/** The languages that mail is written in, by the tag that people know them by. */
export const locales = ['en', 'zh-CN', 'zh-TW'] as const
export type Locale = (typeof locales)[number]

const isLocale = (text: string): text is Locale => (locales as readonly string[]).includes(text)

/** As a row has it: a language that a newer version wrote there is English here. */
export const toLocale = (text: string): Locale => (isLocale(text) ? text : 'en')

const isTraditional = /^(?!.*hans).*(hant|-(tw|hk|mo)\b)/i

/**
 * The first language asked for that there is; English where there is none.
 *
 *     pickLocale(['fr', 'zh-HK']) // 'zh-TW'
 */
export const pickLocale = (wanted: readonly string[]): Locale => {
  const tag = wanted.find(name => /^(en|zh)\b/i.test(name)) ?? 'en'
  if (/^en/i.test(tag)) return 'en'
  return isTraditional.test(tag) ? 'zh-TW' : 'zh-CN'
}
