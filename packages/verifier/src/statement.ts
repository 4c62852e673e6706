import type { PublicKey } from './algorithms.ts'
import type { Entry } from './cut-offs.ts'
import { JwsError, type Members, readJws } from './jws.ts'

/** A part of the feed, as the issuer has signed it for one request of ours. */
export type Statement = {
  /** Seconds: the issuer's time when it signed. */
  readonly iat: number
  readonly epoch: string
  readonly after: string
  readonly place: string
  readonly isLast: boolean
  readonly entries: readonly Entry[]
  /** Milliseconds: how old what it tells was when it was signed. */
  readonly age: number
  readonly kid: string
}

/** What the issuer sent is not what it may send. Nothing counts as known until the whole list was read anew. */
export class FeedError extends Error {
  override readonly name = 'FeedError'
}

/** Bytes: a page has 2,000 entries of some 75; what came at one moment may be five times as much. */
export const longestStatement = 4 * 1_024 * 1_024

const isText = (value: unknown): value is string => typeof value === 'string' && value.length <= 16_384
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0
const namePattern = /^[\w-]{43}$/

const isEntry = (value: unknown): value is Entry =>
  Array.isArray(value) &&
  (value.length === 3 || value.length === 4) &&
  isText(value[0]) &&
  namePattern.test(String(value[1])) &&
  value.slice(2).every(isCount)
const isEntries = (value: unknown): value is readonly Entry[] => Array.isArray(value) && value.every(isEntry)

/** Every member of a statement, and its form. */
const forms: Readonly<Record<string, (value: unknown) => boolean>> = {
  iss: isText,
  aud: isText,
  iat: isCount,
  nonce: isText,
  epoch: isText,
  after: isText,
  place: isText,
  last: value => typeof value === 'boolean',
  entries: isEntries,
  age: isCount,
}

/** A member that is not known could narrow what is told, so it is refused and not passed over. */
const hasForm = (members: Members): boolean =>
  Object.keys(members).every(name => Object.hasOwn(forms, name)) &&
  Object.entries(forms).every(([name, isRight]) => isRight(members[name]))

export type Expected = {
  readonly issuer: string
  readonly nonce: string
  readonly findKey: (kid: string) => Promise<PublicKey | undefined>
}

/**
 * The statement of an answer. Its signature, its type and whom it is for are checked, and that it answers the
 * request that was just sent: the nonce was never used before, so none can be kept and shown again.
 * @throws FeedError
 */
export const readStatement = async (
  answer: unknown,
  { issuer, nonce, findKey }: Expected,
): Promise<Statement> => {
  const { statement } = (answer ?? {}) as { readonly statement?: unknown }
  if (typeof statement !== 'string') throw new FeedError('the answer is no statement')
  const read = { most: longestStatement, typ: 'gatewright-revocations+jwt', findKey }
  const { members, key } = await readJws(statement, read).catch(error => {
    if (error instanceof JwsError) throw new FeedError(`the statement is refused: ${error.message}`)
    throw error
  })
  if (!hasForm(members)) throw new FeedError('the statement has another form')
  if (members.iss !== issuer) throw new FeedError('the statement is of another issuer')
  if (members.aud !== 'gatewright-verifier') throw new FeedError('the statement is for somebody else')
  if (members.nonce !== nonce) throw new FeedError('the statement answers another request')
  const { iat, epoch, after, place, last, entries, age } = members
  return { iat, epoch, after, place, isLast: last, entries, age, kid: key.kid } as Statement
}
