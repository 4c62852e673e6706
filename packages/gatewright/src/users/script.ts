/** The scripts that people write today: Unicode UAX #31, tables 5 (recommended) and 7 (limited use). */
const livingScripts = [
  ...['Latin', 'Cyrillic', 'Greek', 'Arabic', 'Hebrew', 'Armenian', 'Georgian', 'Devanagari', 'Bengali'],
  ...['Gurmukhi', 'Gujarati', 'Oriya', 'Tamil', 'Telugu', 'Kannada', 'Malayalam', 'Sinhala', 'Thai', 'Lao'],
  ...['Tibetan', 'Myanmar', 'Khmer', 'Ethiopic', 'Thaana', 'Adlam', 'Balinese', 'Bamum', 'Batak'],
  ...['Canadian_Aboriginal', 'Chakma', 'Cham', 'Cherokee', 'Hanifi_Rohingya', 'Javanese', 'Kayah_Li'],
  ...['Lepcha', 'Limbu', 'Lisu', 'Mandaic', 'Meetei_Mayek', 'Miao', 'Mongolian', 'Newa', 'Nko'],
  ...['Nyiakeng_Puachue_Hmong', 'Ol_Chiki', 'Osage', 'Saurashtra', 'Sundanese', 'Syloti_Nagri', 'Syriac'],
  ...['Tai_Le', 'Tai_Tham', 'Tai_Viet', 'Tifinagh', 'Vai', 'Wancho', 'Yi'],
]

/** Scripts that one language writes side by side (the augmented script sets of Unicode UTS #39 §5.1). */
const writtenTogether = [
  ['Han', 'Hiragana', 'Katakana'],
  ['Han', 'Hangul'],
  ['Han', 'Bopomofo'],
]

/** Letters that Unicode counts to no script, although they are of these alone: the long vowel of kana. */
const sharedLetters: Readonly<Record<string, string>> = { Hiragana: 'ー', Katakana: 'ー' }

/**
 * Letters go by Script, because Script_Extensions also lets in signs that many scripts share, such as an
 * apostrophe that counts as a letter. Marks go by Script_Extensions, because most of them are shared.
 * Enclosing marks are no part of writing.
 */
const toPattern = (scripts: readonly string[]): RegExp => {
  const letters = scripts.map(script => `\\p{sc=${script}}`).join('')
  const marks = scripts.map(script => `\\p{scx=${script}}`).join('')
  const shared = scripts.map(script => sharedLetters[script] ?? '').join('')
  return new RegExp(`^[[\\p{L}&&[${letters}]][[\\p{Mn}\\p{Mc}]&&[${marks}]]${shared}]*$`, 'v')
}

const patterns = [...livingScripts.map(script => [script]), ...writtenTogether].map(toPattern)

/**
 * Whether a text consists of letters, and marks on letters, of one living script (Unicode UTS #39 §5.1;
 * Japanese, Korean and Chinese with Bopomofo count as one each). Nothing else may be in it, no digits and
 * no spaces; the empty text is of any script.
 *
 *     isOfOneScript('жук')   // true
 *     isOfOneScript('pаypal') // false: the first "а" is Cyrillic
 */
export const isOfOneScript = (letters: string): boolean => patterns.some(pattern => pattern.test(letters))
