import * as http from 'node:http'
import * as https from 'node:https'
import { createBoundedQueue } from '../ground/bounded-queue.ts'
import { second } from '../ground/clock.ts'
import { sha1 } from '../ground/encoding.ts'
import { Refusal } from '../ground/refusal.ts'
import type { Settings } from '../ground/settings.ts'
import type { Password } from './password.ts'

/** Why a password that was taken is noted. */
export type BreachNote = 'breached_password' | 'breach_service_away'

type BreachLog = { readonly warn: (message: string) => void }

/** See {@link createBreachCheck}. */
export type BreachCheck = {
  /** What is to be noted of a password that may be set; undefined where there is nothing. */
  readonly check: (password: Password, path: string) => Promise<BreachNote | undefined>
  /** Where its log lines go. */
  readonly tell: (log: BreachLog) => void
}

/** Characters of a hash in hexadecimal, and how many of them leave this machine. */
const hashLength = 40
const prefixLength = 5

/** An answer has about 1,000 rows of 40 bytes. */
const mostBytes = 512 * 1_024

/** Milliseconds for all of one answer. */
const longest = 2 * second

const row = /^([0-9A-F]{35}):(\d{1,12})$/

/** What asking for one can end in. */
type Found = 'found' | 'not found' | 'away'

/** Nothing packed, which could be larger than it looks; and the service wants to know what program asks. */
const headers = {
  'add-padding': 'true',
  'user-agent': 'gatewright',
  accept: 'text/plain',
  'accept-encoding': 'identity',
} as const

const ask = (url: URL, signal: AbortSignal): Promise<http.IncomingMessage> =>
  new Promise((resolve, reject) => {
    const client = url.protocol === 'https:' ? https : http
    const request = client.request(url, { signal, headers }, resolve).on('error', reject)
    // One that is told 101 (another protocol) closes without an answer and without an error.
    request.on('close', () => reject(new Error('closed without an answer'))).end()
  })

const readBody = async (answer: http.IncomingMessage): Promise<string> => {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of answer as AsyncIterable<Uint8Array>) {
    size += chunk.length
    if (size > mostBytes) throw new RangeError('the answer is too large')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('latin1')
}

/** Only a list is an answer: a page of a proxy, or nothing at all, says nothing about the password. */
const parseRows = (text: string): ReadonlyMap<string, number> => {
  const rows = text
    .trim()
    .split(/\r?\n/)
    .map(line => row.exec(line))
  return new Map(
    rows.map(found => {
      if (found === null) throw new SyntaxError('the answer is no list of hashes')
      return [found[1] ?? '', Number(found[2])]
    }),
  )
}

const read = async (url: URL, patience: number): Promise<ReadonlyMap<string, number>> => {
  const answer = await ask(url, AbortSignal.timeout(patience))
  try {
    if (answer.statusCode !== 200) throw new Error(`the answer is ${answer.statusCode}`)
    return parseRows(await readBody(answer))
  } finally {
    answer.destroy()
  }
}

type Service = { readonly base: string; readonly patience: number }

const find = async ({ base, patience }: Service, password: Password): Promise<Found> => {
  const hash = sha1(password)
  try {
    const rows = await read(new URL(hash.slice(0, prefixLength), base), patience)
    // Rows of padding have the count 0.
    return (rows.get(hash.slice(prefixLength, hashLength)) ?? 0) > 0 ? 'found' : 'not found'
  } catch {
    return 'away'
  }
}

const known = (path: string): Refusal => {
  const message = 'It stands in a list of passwords that were stolen. Choose another one, here and elsewhere.'
  return new Refusal('password_blocklisted', { reason: 'breached_password', errors: [{ path, message }] })
}

/** What follows: a refusal, a note, or nothing. */
const consequences: Readonly<
  Record<'warn' | 'refuse', Readonly<Record<Found, (path: string) => BreachNote | undefined>>>
> = {
  warn: {
    found: () => 'breached_password',
    'not found': () => undefined,
    away: () => 'breach_service_away',
  },
  refuse: {
    found: path => {
      throw known(path)
    },
    'not found': () => undefined,
    away: () => {
      throw new Refusal('unavailable', { reason: 'breach_service_away', retryAfter: 30 })
    },
  },
}

const lines: Readonly<Record<BreachNote, string>> = {
  breached_password: 'A password was taken that stands in a list of stolen ones (BREACH_CHECK=warn).',
  breach_service_away:
    'A password was taken while the service of BREACH_CHECK_URL gave no answer (BREACH_CHECK=warn).',
}

/**
 * Asks a breach service about a new password, as BREACH_CHECK says. By k-anonymity: only the first 5 of the 40
 * characters of its SHA-1 hash leave this machine, the service answers with all that begin so (about a thousand,
 * padded, so that the size tells nothing), and the rest is compared here.
 *
 * Anything but a list with status 200 within 2 seconds counts as no answer: `warn` takes the password and notes
 * it, `refuse` refuses with `unavailable`. Redirects are not followed. At most 8 questions are under way and 8
 * wait; one more counts as no answer.
 */
export const createBreachCheck = (
  { breachCheck, breachCheckUrl }: Pick<Settings, 'breachCheck' | 'breachCheckUrl'>,
  patience = longest,
): BreachCheck => {
  const service = { base: breachCheckUrl, patience }
  const queue = createBoundedQueue({ atOnce: 8, maxWaiting: 8, reason: 'breach_check_full' })
  let log: BreachLog | undefined
  const findInTurn = (password: Password): Promise<Found> =>
    queue.run(() => find(service, password)).catch((): Found => 'away')
  return {
    check: async (password, path) => {
      if (breachCheck === 'off') return undefined
      const note = consequences[breachCheck][await findInTurn(password)](path)
      if (note !== undefined) log?.warn(lines[note])
      return note
    },
    tell: logger => {
      log = logger
    },
  }
}
