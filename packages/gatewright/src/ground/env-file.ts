import { readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import { codeOf } from './error-code.ts'

/** What an `.env` file says. */
export type EnvFile = {
  readonly values: Readonly<Record<string, string | undefined>>
  /** Every name that it sets. */
  readonly names: readonly string[]
  /** One line per mistake, by line number: a line may hold a secret and is never repeated. */
  readonly problems: readonly string[]
}

const unreadable = (problem: string): EnvFile => ({ values: {}, names: [], problems: [problem] })

/** The file's settings; none if there is no such file. A file that cannot be read is a problem. */
export const readEnvFile = (path: string): EnvFile => {
  try {
    return parseEnvFile(readFileSync(path, 'utf8'))
  } catch (error) {
    const code = codeOf(error)
    return {
      values: {},
      names: [],
      problems: code === 'ENOENT' ? [] : [`cannot be read (${code}): make it readable`],
    }
  }
}

/**
 * `NAME=value` lines, with comments and quotes as Node.js reads them (`util.parseEnv`).
 * Node.js skips what it cannot read and takes the last of two equal names; here both are problems,
 * for a skipped `REGISTRATION: closed` would leave registration open.
 */
export const parseEnvFile = (text: string): EnvFile => {
  // As Windows saves it: UTF-16.
  if (/^(.\0|\uFFFD)/s.test(text)) return unreadable('is no text in UTF-8: save it as that')
  const lines = text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .map(toLine)
    .filter(isWritten)
  const readable = lines.filter(({ name }) => name !== undefined)
  return {
    // Readable lines only: from a line without "=", parseEnv takes the next lines into a name.
    values: parseEnv(readable.map(line => line.text).join('\n')),
    names: readable.flatMap(({ name }) => name ?? []),
    problems: lines.flatMap(line => problemOf(line, lines)),
  }
}

type Line = { readonly number: number; readonly text: string; readonly name: string | undefined }

const assignment =
  /^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(?:"[^"]*"|'[^']*'|`[^`]*`|[^"'`\s].*)?\s*(?:#.*)?$/

const toLine = (text: string, index: number): Line => ({
  number: index + 1,
  text,
  name: assignment.exec(text)?.[1],
})

const isWritten = ({ text }: Line): boolean => !/^\s*(#|$)/.test(text)

const problemOf = ({ number, name }: Line, lines: readonly Line[]): readonly string[] => {
  if (name === undefined) return [`line ${number} is not a setting: write NAME=value on one line`]
  const first = lines.find(line => line.name === name)?.number
  return first === number ? [] : [`line ${number} sets ${name} again, after line ${first}: remove one`]
}
