import { type Clock, second } from '../ground/clock.ts'
import { sha256 } from '../ground/encoding.ts'
import { Refusal } from '../ground/refusal.ts'
import type { KeyRing } from '../keys/key-ring.ts'
import type { CutOffRow } from '../storage/tables.ts'
import { toJws } from '../tokens/jws.ts'
import { margin } from './cut-offs.ts'
import type { FeedPart } from './published-feed.ts'

/** What a statement is called in its header, and whom it is for: no access token has either. */
const statementType = 'gatewright-revocations+jwt'
const statementAudience = 'gatewright-verifier'

/** Nobody who did not know an id learns it here. */
const nameOf = ({ kind, subject }: CutOffRow): string => sha256(`${kind} ${subject}`)

const toSeconds = (milliseconds: number): number => Math.ceil(milliseconds / second)

/**
 * Of a re-read: the `exp` up to which tokens were made before it. Both are promises that transactions made in
 * turn, so no clocks are compared.
 */
const newestBefore = ({ matters_until }: CutOffRow): number => Math.floor((matters_until - margin) / second)

type Entry = readonly [kind: string, name: string, until: number, detail?: number]

const details: Readonly<Record<string, (row: CutOffRow) => number>> = {
  user: ({ version }) => version ?? 0,
  'reread-user': newestBefore,
}

/** What ends access tokens, or makes them stale: a verifier elsewhere takes nothing else. */
const published: readonly string[] = ['session', 'user', 'signing-key', 'reread-user']

const toEntry = (row: CutOffRow): Entry => {
  const detail = Object.hasOwn(details, row.kind) ? details[row.kind]?.(row) : undefined
  const entry = [row.kind, nameOf(row), toSeconds(row.matters_until)] as const
  return detail === undefined ? entry : [...entry, detail]
}

/** Made once for a page that is told to many. */
const entriesOf = new WeakMap<readonly CutOffRow[], readonly Entry[]>()
const toEntries = (rows: readonly CutOffRow[]): readonly Entry[] => {
  const known = entriesOf.get(rows)
  if (known !== undefined) return known
  const entries = rows.filter(({ kind }) => published.includes(kind)).map(toEntry)
  entriesOf.set(rows, entries)
  return entries
}

type Dependencies = { readonly issuer: string; readonly keyRing: KeyRing; readonly clock: Clock }

/**
 * A part of the feed as a statement, signed by the key that signs now, for the one who sent this nonce.
 * @throws Refusal `not_found` where the key has no public half, `unavailable` where no key is known to sign
 */
export const signStatement = async (
  { issuer, keyRing, clock }: Dependencies,
  { epoch, after, place, isLast, rows, age }: FeedPart,
  nonce: string,
): Promise<string> => {
  const active = await keyRing.getActive()
  if (active.publicJwk === undefined)
    throw new Refusal('not_found', { detail: 'With a shared key nobody elsewhere can check a statement.' })
  return toJws(active, statementType, {
    iss: issuer,
    aud: statementAudience,
    iat: Math.floor(clock.now() / second),
    nonce,
    epoch,
    after,
    place,
    last: isLast,
    entries: toEntries(rows),
    age: Math.ceil(age()),
  })
}
