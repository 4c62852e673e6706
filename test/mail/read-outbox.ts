import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A mail as its reader sees it. */
export type ReadMail = {
  readonly file: string
  readonly to: string
  readonly subject: string
  readonly text: string
  readonly html: string
  /** Where its link leads, with what stands behind the `#`; undefined where it has none. */
  readonly link?: string
}

type Part = { readonly headers: string; readonly body: string }

/** Header lines that go on in the next one are one line (RFC 5322, 2.2.3). */
const toPart = (raw: string): Part => {
  const end = raw.indexOf('\r\n\r\n')
  return { headers: raw.slice(0, end).replaceAll(/\r\n[ \t]+/g, ' '), body: raw.slice(end + 4) }
}

const findHeader = ({ headers }: Part, name: string): string =>
  new RegExp(`^${name}: (.*)$`, 'im').exec(headers)?.[1]?.trim() ?? ''

/** RFC 2045, 6.7: `=E4`, and `=` at the end of a line that goes on. */
const fromQuotedPrintable = (text: string): Buffer => {
  const toByte = (_: string, hex: string): string => String.fromCharCode(Number.parseInt(hex, 16))
  return Buffer.from(text.replaceAll('=\r\n', '').replaceAll(/=([0-9A-F]{2})/gi, toByte), 'latin1')
}

const decode = (text: string, encoding: string): string => {
  if (/base64/i.test(encoding)) return Buffer.from(text, 'base64').toString()
  return /quoted-printable/i.test(encoding) ? fromQuotedPrintable(text).toString() : text
}

/** RFC 2047: `=?UTF-8?B?…?=` and `=?UTF-8?Q?…?=`; blanks between two of them are none. */
const decodeWords = (text: string): string =>
  text
    .replaceAll(/\?=\s+=\?/g, '?==?')
    .replaceAll(/=\?utf-8\?([bq])\?([^?]*)\?=/gi, (_, kind: string, word: string) =>
      kind.toUpperCase() === 'B'
        ? decode(word, 'base64')
        : decode(word.replaceAll('_', ' '), 'quoted-printable'),
    )

const bodyOf = (part: Part): string => decode(part.body, findHeader(part, 'Content-Transfer-Encoding'))

const readMail = (folder: string, file: string): ReadMail => {
  const raw = readFileSync(join(folder, file), 'utf8')
  const whole = toPart(raw)
  const [, boundary = ''] = /boundary="([^"]+)"/.exec(whole.headers) ?? []
  const parts = whole.body.split(`--${boundary}`).map(part => toPart(part.replace(/^\r\n/, '')))
  const find = (type: string): string => {
    const part = parts.find(each => findHeader(each, 'Content-Type').startsWith(type))
    return part === undefined ? '' : bodyOf(part)
  }
  const text = find('text/plain')
  const link = /^\S+\/console\/[\w-]+#\S+$/m.exec(text)?.[0]
  return {
    file,
    to: findHeader(whole, 'To').replaceAll(/[<>]/g, ''),
    subject: decodeWords(findHeader(whole, 'Subject')),
    text,
    html: find('text/html'),
    ...(link !== undefined && { link }),
  }
}

/** Every mail in the outbox of a server, the oldest first; none where there is no folder yet. */
export const readOutbox = (folder: string): readonly ReadMail[] => {
  try {
    const names = readdirSync(folder).filter(name => name.endsWith('.eml'))
    return names.sort().map(name => readMail(folder, name))
  } catch {
    return []
  }
}
