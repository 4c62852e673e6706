import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from 'react'
import type { TextName } from './en.ts'
import { isLanguage, type Language, pickLanguage, pickLocale, toText } from './languages.ts'

type Values = Readonly<Record<string, string | number>>

type UsedTexts = {
  readonly language: Language
  readonly setLanguage: (language: Language) => void
  readonly text: (name: TextName, values?: Values) => string
  /** A timestamp as people of this language write it. */
  readonly time: (timestamp: string) => string
  readonly date: (timestamp: string) => string
  /** A day of UTC, wherever it is read. */
  readonly dayOf: (date: string) => string
  /** Of a timestamp its hour, and the day of the week that it is in, by the clock on the wall. */
  readonly hourOf: (timestamp: string) => string
  readonly weekdayOf: (timestamp: string) => string
  /** Of a day of the week, 0 for Sunday. */
  readonly weekdayName: (weekday: number) => string
  readonly number: (count: number) => string
}

const key = 'gatewright-language'

const readLanguage = (): Language => {
  const remembered = localStorage.getItem(key)
  return isLanguage(remembered) ? remembered : pickLanguage(navigator.languages)
}

const Texts = createContext<UsedTexts | undefined>(undefined)

export const useTexts = (): UsedTexts => {
  const texts = useContext(Texts)
  if (texts === undefined) throw new TypeError('texts are read inside a TextsProvider')
  return texts
}

const createTexts = (language: Language, setLanguage: UsedTexts['setLanguage']): UsedTexts => {
  const locale = pickLocale(language, navigator.languages)
  const time = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short' })
  const date = new Intl.DateTimeFormat(locale, { dateStyle: 'long' })
  const day = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short', timeZone: 'UTC' })
  const hour = new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
  const weekday = new Intl.DateTimeFormat(locale, { weekday: 'short', day: 'numeric' })
  const weekdayName = new Intl.DateTimeFormat(locale, { weekday: 'short', timeZone: 'UTC' })
  const number = new Intl.NumberFormat(locale)
  return {
    language,
    setLanguage,
    text: (name, values) => toText(language, name, values),
    time: timestamp => time.format(new Date(timestamp)),
    date: timestamp => date.format(new Date(timestamp)),
    dayOf: written => day.format(new Date(written)),
    hourOf: timestamp => hour.format(new Date(timestamp)),
    weekdayOf: timestamp => weekday.format(new Date(timestamp)),
    weekdayName: place => weekdayName.format(Date.UTC(2026, 10, 22 + place)),
    number: count => number.format(count),
  }
}

/** The language of the browser, until a person chooses one; that is remembered. */
export const TextsProvider = ({ children }: { readonly children: ReactNode }) => {
  const [language, setLanguage] = useState(readLanguage)
  useEffect(() => {
    document.documentElement.lang = language
  }, [language])
  const texts = useMemo(
    () =>
      createTexts(language, chosen => {
        localStorage.setItem(key, chosen)
        setLanguage(chosen)
      }),
    [language],
  )
  return <Texts value={texts}>{children}</Texts>
}
