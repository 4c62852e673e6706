import type { Password } from './password.ts'
import { leastBesideOwnWords } from './strength.ts'

/** Whose password it is, as far as it is known. */
export type NamesOfUser = {
  readonly username?: string | undefined
  readonly email?: string | null | undefined
}

/** What is on every page of the service. */
export type NamesOfService = {
  readonly settings: { readonly appName: string }
  readonly publicUrl: string
  readonly roleTable: { readonly roles: ReadonlyMap<string, unknown> }
}

/** Shorter ones are in everything. */
const leastLength = 3

/** NFKC as usernames are: a name typed in wide letters is the same name. */
const toWord = (text: string): string => text.normalize('NFKC').toLowerCase()

const partsOf = (text: string): readonly string[] => [text, ...text.split(/[^\p{L}\p{N}]+/u)]

/**
 * The words that a password must not consist of: the username, the e-mail address, APP_NAME, the host of
 * PUBLIC_URL and the roles, each whole and in its parts, in small letters.
 */
export const ownWords = (
  { username = '', email }: NamesOfUser,
  { settings, publicUrl, roleTable }: NamesOfService,
): readonly string[] => {
  const [mailbox = '', domain = ''] = (email ?? '').split('@')
  const { hostname } = new URL(publicUrl)
  const names = [
    username,
    email ?? '',
    mailbox,
    domain,
    settings.appName,
    hostname,
    ...roleTable.roles.keys(),
  ]
  const words = names.flatMap(partsOf).map(toWord)
  return [...new Set(words)].filter(word => [...word].length >= leastLength)
}

/** Whether without these words fewer than 8 code points are left of a password. */
export const hasLittleBeside = (words: readonly string[], password: Password): boolean => {
  const longestFirst = words.toSorted((a, b) => b.length - a.length)
  const whole = toWord(password)
  const rest = longestFirst.reduce((text, word) => text.replaceAll(word, ''), whole)
  return rest !== whole && [...rest].length < leastBesideOwnWords
}
