import { type Clock, toTimestamp } from '../ground/clock.ts'
import type { Random } from '../ground/random.ts'
import type { Secrets } from '../ground/secrets.ts'
import type { Database } from '../storage/tables.ts'
import { type HoldingKind, type Holdings, hideWith, holdingKinds, readHoldings } from './holdings.ts'
import { makeFile } from './new-file.ts'
import { BadFile, type Heading, type Part, proveFile, readParts, writeParts } from './sealed-file.ts'

/** What a file says of itself that tells what everybody held at a moment. */
export type RevocationsHeading = Heading & {
  readonly gatewright: 'revocations'
  /** RFC 3339. */
  readonly made_at: string
  /** When the installation was made. */
  readonly installation: number
}

export type HeldThen = { readonly heading: RevocationsHeading; readonly held: Holdings }

type Dependencies = {
  readonly db: Database
  readonly secrets: Secrets
  readonly random: Random
  readonly clock: Clock
}

type Rows = {
  readonly of: HoldingKind
  readonly rows: readonly (readonly [string, ...(string | number | null)[]])[]
}

const batch = 1_000

async function* toParts(heading: RevocationsHeading, held: Holdings): AsyncGenerator<Part> {
  yield { kind: 'json', value: heading }
  for (const kind of holdingKinds) {
    const all = [...held[kind]].map(([key, values]) => [key, ...values] as const)
    for (let at = 0; at === 0 || at < all.length; at += batch)
      yield { kind: 'json', value: { of: kind, rows: all.slice(at, at + batch) } satisfies Rows }
  }
}

/**
 * Writes what everybody holds into a small file: what a restore of an older backup has to take away again is what is
 * missing in it. It has ids and fingerprints, and nobody gets anything by it.
 * @throws Refusal `conflict` where the name is taken
 */
export const writeRevocations = async (
  { db, secrets, random, clock }: Dependencies,
  { to, replace }: { readonly to: string; readonly replace: boolean },
): Promise<{ readonly made_at: string; readonly users: number }> => {
  const made_at = toTimestamp(clock.now())
  const { secret_id: secret, created_at: installation } = await db
    .selectFrom('installation')
    .select(['secret_id', 'created_at'])
    .executeTakeFirstOrThrow()
  const held = await readHoldings(db, hideWith(secrets, secret))
  const heading = { gatewright: 'revocations', format: 1, secret, made_at, installation } as const
  await makeFile(to, { replace, random }, file => writeParts(file, secrets, secret, toParts(heading, held)))
  return { made_at, users: held.users.size }
}

const collect = async (parts: AsyncIterable<Part>): Promise<Holdings> => {
  const all = Object.fromEntries(holdingKinds.map(kind => [kind, new Map()])) as Record<
    HoldingKind,
    Map<string, readonly (string | number | null)[]>
  >
  const seen = new Set<HoldingKind>()
  for await (const part of parts) {
    if (part.kind !== 'json') continue
    const { of: kind, rows } = part.value as Rows
    seen.add(kind)
    for (const [key, ...values] of rows) all[kind]?.set(key, values)
  }
  // One of an older version may not have a kind, and then nothing of it would be held.
  const missing = holdingKinds.find(kind => !seen.has(kind))
  if (missing !== undefined)
    throw new BadFile(`it says nothing of ${missing}: it was made by another version`)
  return all
}

/** Reads the whole file. @throws BadFile */
export const readRevocations = async (from: string, secrets: Secrets): Promise<HeldThen> => {
  const proven = await proveFile(from, secrets, 'revocations')
  const heading = proven.heading as RevocationsHeading
  return { heading, held: await collect(readParts(from, proven)) }
}
