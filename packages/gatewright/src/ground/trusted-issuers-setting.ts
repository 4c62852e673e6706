import { readFileSync } from 'node:fs'
import { codeOf } from './error-code.ts'
import { Mistake, readIssuerEntry } from './issuer-entry.ts'
import { JsonError, parseJson } from './json.ts'
import type { Kind } from './parse-setting.ts'
import type { TrustedIssuer } from './trusted-issuers.ts'

const atEntry = (index: number, error: unknown): unknown =>
  error instanceof Mistake ? new Mistake(`entry ${index + 1}: ${error.message}`) : error

const readEntries = (value: unknown): readonly TrustedIssuer[] => {
  if (!Array.isArray(value) || value.length > 100) throw new Mistake('write a list of entries: [ { … } ]')
  const issuers = value.map((entry, index) => {
    try {
      return readIssuerEntry(entry)
    } catch (error) {
      throw atEntry(index, error)
    }
  })
  const twice = issuers.findIndex(({ issuer }, at) => issuers.findIndex(one => one.issuer === issuer) < at)
  if (twice >= 0)
    throw atEntry(twice, new Mistake('its issuer is that of an entry before it: write each once'))
  return issuers
}

const readJson = (json: string): unknown => {
  try {
    return parseJson(json)
  } catch (error) {
    throw error instanceof JsonError ? new Mistake(`${error.message}: write a JSON list of entries`) : error
  }
}

const readFile = (path: string): string => {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new Mistake(
      `the file cannot be read (${codeOf(error)}): write the path of a JSON file, or the JSON itself`,
    )
  }
}

/** From the JSON itself, which begins with a bracket, or from the file whose path this is. */
const readIssuers = (written: string): readonly TrustedIssuer[] =>
  readEntries(readJson(/^\s*[[{]/.test(written) ? written : readFile(written)))

/** What is wrong, in one line; undefined where nothing is. */
const findMistake = (written: string): string | undefined => {
  try {
    readIssuers(written)
    return undefined
  } catch (error) {
    if (error instanceof Mistake) return error.message
    throw error
  }
}

/** `TRUSTED_ISSUERS`: a JSON list, or the path of a file that holds one. */
export const trustedIssuers = {
  parse: written => {
    if (written === '') return []
    return findMistake(written) === undefined ? readIssuers(written) : undefined
  },
  expects: 'the path of a JSON file that lists them, or the list itself (see docs/trusted-issuers.md)',
  explain: findMistake,
  show: issuers => issuers.map(({ issuer }) => issuer).join(', '),
} satisfies Kind<readonly TrustedIssuer[]>
