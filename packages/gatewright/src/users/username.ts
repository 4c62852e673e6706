import { isReservedUsername } from './reserved-usernames.ts'
import { isOfOneScript } from './script.ts'

declare const usernameKeyBrand: unique symbol

/** What usernames are compared and found by: two names that differ in case or width only have one key. */
export type UsernameKey = string & { readonly [usernameKeyBrand]: true }

export type ParsedUsername =
  /** `username` is the name as it is shown: NFKC (which is also NFC), its case as it was written. */
  | { readonly ok: true; readonly username: string; readonly key: UsernameKey }
  /** `problem` is one sentence that says what to write instead. It repeats nothing of the text. */
  | { readonly ok: false; readonly problem: string }

export type UsernameOptions = {
  /** `allow` is for names that the operator gives: the command line and the first set-up. */
  readonly reserved?: 'refuse' | 'allow'
}

/**
 * A username from the outside: 2 to 40 characters (code points) of letters of one living script, ASCII
 * digits, and single `.`, `_` or `-` between them. No `@`, so that it can't be taken for an e-mail address;
 * nothing invisible and no direction marks; marks only on a letter of their script. Names that are or look
 * like reserved ones are refused, unless `reserved` is `allow`.
 *
 * The text is put into Unicode NFKC first (UAX #15), so wide and styled letters become plain ones.
 * It does not tell whether the name is taken: the key is what must be unique.
 *
 *     parseUsername('Ａlice')    // { ok: true, username: 'Alice', key: 'alice' }
 *     parseUsername('a@b.test') // { ok: false, problem: 'Leave out "@": …' }
 */
export const parseUsername = (
  text: string,
  { reserved = 'refuse' }: UsernameOptions = {},
): ParsedUsername => {
  const username = text.length > mostUnits ? '' : text.normalize('NFKC')
  const rule = rules.find(({ breaks }) => breaks(username))
  if (rule) return { ok: false, problem: rule.problem }
  if (reserved === 'refuse' && isReservedUsername(username)) return { ok: false, problem: reservedProblem }
  return { ok: true, username, key: usernameKey(username) }
}

/**
 * The key to look up whatever was submitted as a username: never throws, costs little for any length, and
 * is the key of {@link parseUsername} for every text that it takes. Other texts get a key that no user
 * has, unless they are a user's name in another case. It holds no NUL and no half surrogate pair, so that
 * every database takes it.
 *
 *     usernameKey('ALICE') // 'alice'
 */
export const usernameKey = (text: string): UsernameKey =>
  (text.length > mostUnits ? '' : foldCase(text.toWellFormed().replaceAll('\0', '\ufffd'))) as UsernameKey

/** Six UTF-16 units, at most, become one code point in NFKC: no text longer than this has 40 or fewer. */
const mostUnits = 256

/**
 * As near to Unicode's full case folding as JavaScript comes (Unicode Standard §3.13.5, D146). Decomposed
 * first, because a capital of a composed letter may carry marks elsewhere. Small letters before capitals,
 * because the capital ẞ has ß as its small letter and is not, as ß is, SS in capitals.
 */
const foldCase = (text: string): string =>
  text.normalize('NFKD').toLowerCase().toUpperCase().toLowerCase().normalize('NFKC')

type Rule = { readonly breaks: (username: string) => boolean; readonly problem: string }

const matches = (pattern: RegExp) => (username: string) => pattern.test(username)

/** In this order: each may rely on the ones before. No pattern looks back further than a few characters. */
const rules: readonly Rule[] = [
  { breaks: name => !isWithin([...name].length, 2, 40), problem: 'Write 2 to 40 characters.' },
  { breaks: name => name.includes('@'), problem: 'Leave out "@": a username is not an e-mail address.' },
  {
    breaks: matches(/[\p{Default_Ignorable_Code_Point}\p{Bidi_Control}\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u),
    problem: 'Leave out invisible characters and direction marks.',
  },
  {
    breaks: matches(/[^\p{L}\p{Mn}\p{Mc}0-9._-]/u),
    problem: 'Write letters, the digits 0 to 9, ".", "_" and "-" only.',
  },
  { breaks: matches(/^[._-]|[._-]$/), problem: 'Begin and end with a letter or a digit.' },
  { breaks: matches(/[._-]{2}/), problem: 'Write only one of ".", "_" and "-" between letters or digits.' },
  {
    breaks: matches(/(?:^|[0-9._-])\p{M}/u),
    problem: 'Write accents and vowel signs on letters only.',
  },
  {
    // Stacks, doubles and dots on dots can't be told from fewer by eye (Unicode UTS #39 §5.4).
    breaks: matches(/\p{M}{5}|(\p{M})\1|\p{Soft_Dotted}\p{M}{0,3}\u0307/u),
    problem: 'Write at most four accents or vowel signs on a letter, none twice, and no dot on an i.',
  },
  {
    breaks: name => !isOfOneScript(name.replace(/[0-9._-]/g, '')),
    problem: 'Write all letters in one script, for example all Latin or all Cyrillic.',
  },
]

const reservedProblem = 'Choose another name: this one is reserved or looks like one that is.'

const isWithin = (value: number, least: number, most: number): boolean => value >= least && value <= most
