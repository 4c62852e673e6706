/** What is refused, and the sentence that is said. None of them ever holds a part of the text. */
const reasons = {
  encoding: 'the text is not UTF-8 without a byte order mark',
  syntax: 'the text is not JSON',
  depth: 'arrays and objects are nested more than 32 deep',
  duplicate_name: 'a name occurs twice in one object',
  forbidden_name: 'a name is __proto__, constructor or prototype, or holds a backslash',
  text: 'a string or name holds NUL or half of a surrogate pair',
  size: 'an array or the members of all objects are more than 5,000',
  number: 'a number is infinite, or an integer too large to be exact',
} as const

export type JsonReason = keyof typeof reasons

/** Thrown by {@link parseJson}. Its message tells the reason and nothing of the text, so it may be logged. */
export class JsonError extends Error {
  override readonly name = 'JsonError'
  readonly reason: JsonReason

  constructor(reason: JsonReason) {
    super(reasons[reason])
    this.reason = reason
  }
}

/**
 * The value of a JSON text (RFC 8259), read so that no two parsers can disagree about it (I-JSON,
 * RFC 7493, and a little more). Linear in the text's length; bounding the length is the caller's part.
 *
 * Refused: one name twice in an object, however it is written (`"a"` and `"\u0061"`); the names
 * `__proto__`, `constructor` and `prototype`, and names with a backslash in them; NUL and lone surrogates in strings and names; numbers
 * that overflow (`1e400`) and integers beyond 2^53 - 1, also where they are written as `1e20`; nesting
 * deeper than 32; more than 5,000 elements of an array, or members in all: checking them costs the reader
 * more than sending them costs the writer.
 *
 * @throws JsonError
 *
 *     parseJson('{"a": [1, 2]}')      // { a: [1, 2] }
 *     parseJson('{"a": 1, "a": 2}')   // throws JsonError, reason 'duplicate_name'
 */
export const parseJson = (text: string): unknown => {
  const value = parseSyntax(text)
  // Of equal names `JSON.parse` keeps the last only. So the value has as many members as the text has
  // names if, and only if, no name occurs twice: no name has to be unescaped or compared here.
  const members = countMembers(value, deepest)
  if (members !== countNames(text)) throw new JsonError('duplicate_name')
  if (members > most) throw new JsonError('size')
  return value
}

/**
 * As {@link parseJson}, from bytes. The bytes must be strict UTF-8 (RFC 8259 §8.1): no overlong forms,
 * no surrogates, nothing cut off, no byte order mark.
 *
 * @throws JsonError
 */
export const parseJsonBytes = (bytes: Uint8Array): unknown => parseJson(decode(bytes))

const deepest = 32
const most = 5_000

// `ignoreBOM` leaves the mark in the text, where `JSON.parse` refuses it.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

const decode = (bytes: Uint8Array): string => {
  try {
    return utf8.decode(bytes)
  } catch {
    throw new JsonError('encoding')
  }
}

const parseSyntax = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    // V8's message quotes the text, so it ends here.
    throw new JsonError('syntax')
  }
}

/** Counts the names in a text that `JSON.parse` took: there, a colon outside strings ends a name. */
const countNames = (text: string): number => {
  let names = 0
  let inString = false
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at)
    if (unit === backslash) at += 1
    else if (unit === quote) inString = !inString
    else if (unit === colon && !inString) names += 1
  }
  return names
}

const [backslash, quote, colon] = [0x5c, 0x22, 0x3a]

/** Checks a value all the way down and counts its members. `levels` bounds the recursion. */
const countMembers = (value: unknown, levels: number): number => {
  if (typeof value === 'string') checkText(value)
  if (typeof value === 'number') checkNumber(value)
  if (typeof value !== 'object' || value === null) return 0
  if (levels === 0) throw new JsonError('depth')
  return Array.isArray(value) ? countInArray(value, levels - 1) : countInObject(value, levels - 1)
}

const countInArray = (items: readonly unknown[], levels: number): number => {
  if (items.length > most) throw new JsonError('size')
  let members = 0
  for (const item of items) members += countMembers(item, levels)
  return members
}

const countInObject = (value: object, levels: number): number => {
  let members = 0
  for (const [name, member] of Object.entries(value)) {
    checkName(name)
    members += 1 + countMembers(member, levels)
  }
  return members
}

const checkText = (text: string): void => {
  if (!text.isWellFormed() || text.includes('\0')) throw new JsonError('text')
}

const forbiddenNames: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype'])

/**
 * Why no backslashes: V8 (13.6 and 14.6 at least, nodejs/node#63785) remembers the names of objects that it
 * read before, and takes an escaped name for a remembered one that is spelled like its first characters
 * *before* unescaping. Once `{"a":1,"\\":2}` was read, `{"a":1,"\u0062":2}` has a member `\`. Such a wrong
 * name always holds the backslash that begins the escape, so it is refused here, whoever planted it.
 */
const checkName = (name: string): void => {
  checkText(name)
  if (forbiddenNames.has(name) || name.includes('\\')) throw new JsonError('forbidden_name')
}

const checkNumber = (value: number): void => {
  if (!Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value)))
    throw new JsonError('number')
}
