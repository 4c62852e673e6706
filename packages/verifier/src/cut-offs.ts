import { createHash } from 'node:crypto'

/** What a statement says of one thing: `detail` is a version, or the `exp` that a re-read names. */
export type Entry = readonly [kind: string, name: string, until: number, detail?: number]

/** Entries name their object by this: who does not know an id learns none. */
export const nameOf = (kind: string, id: string): string =>
  createHash('sha256').update(`${kind} ${id}`).digest('base64url')

/** What of a token is looked at. Names are made once for each token. */
export type Names = {
  readonly session: string
  readonly user: string
  readonly userVersion: number
  readonly key: string
  readonly reread: string
  /** Seconds, as the token has it. */
  readonly exp: number
}

export type Verdict = 'good' | 'session ended' | 'key revoked' | 'stale'

export type CutOffs = {
  /** False where there is no room for it, or its kind or form is not known: then not enough is known of anything. */
  readonly add: (entry: Entry) => boolean
  /** Whether so many may be added, none of which is known. */
  readonly hasRoomFor: (count: number) => boolean
  readonly judge: (names: Names) => Verdict
  /** Forgets what matters no more. @param now the issuer's time, in seconds */
  readonly prune: (now: number) => void
  readonly size: () => number
}

type Known = { readonly until: number; readonly detail: number }

/** Of two entries of one thing nothing of the former is loosened by the later one. */
const both = (one: Known | undefined, until: number, detail: number): Known => ({
  until: Math.max(one?.until ?? 0, until),
  detail: Math.max(one?.detail ?? 0, detail),
})

/**
 * Seconds. A key set that still has a revoked key is believed for 15 minutes, whatever time the key's last good
 * token had; longer, for what is kept on the way. Keys are few.
 */
const keysStay = 3_600

/** Most entries are a name and a time: no object for each of them. @param stay seconds after the time */
const createPlain = (stay = 0) => {
  const untils = new Map<string, number>()
  return {
    add: (name: string, until: number): void => {
      untils.set(name, Math.max(untils.get(name) ?? 0, until))
    },
    has: (name: string): boolean => untils.has(name),
    prune: (now: number): void => {
      for (const [name, until] of untils) if (until + stay < now) untils.delete(name)
    },
    size: () => untils.size,
  }
}

type Table = {
  readonly add: (name: string, until: number, detail: number) => void
  readonly has: (name: string) => boolean
}

const createDetailed = () => {
  const known = new Map<string, Known>()
  return {
    add: (name: string, until: number, detail: number): void => {
      known.set(name, both(known.get(name), until, detail))
    },
    has: (name: string): boolean => known.has(name),
    /** Below everything where there is none. */
    detailOf: (name: string): number => known.get(name)?.detail ?? -1,
    prune: (now: number): void => {
      for (const [name, { until }] of known) if (until < now) known.delete(name)
    },
    size: () => known.size,
  }
}

/** What the issuer's feed has told, by the kinds that this version knows. @param most entries */
export const createCutOffs = (most: number): CutOffs => {
  const sessions = createPlain()
  const keys = createPlain(keysStay)
  const users = createDetailed()
  const rereads = createDetailed()
  const tables = [sessions, keys, users, rereads]
  const size = (): number => tables.reduce((sum, table) => sum + table.size(), 0)

  /** One entry for each kind of the feed. */
  const kinds: Readonly<Record<string, { readonly table: Table; readonly hasDetail: boolean }>> = {
    session: { table: sessions, hasDetail: false },
    'signing-key': { table: keys, hasDetail: false },
    user: { table: users, hasDetail: true },
    'reread-user': { table: rereads, hasDetail: true },
  }
  return {
    add: ([kind, name, until, detail]) => {
      const known = Object.hasOwn(kinds, kind) ? kinds[kind] : undefined
      if (known === undefined || known.hasDetail !== (detail !== undefined)) return false
      if (size() >= most && !known.table.has(name)) return false
      known.table.add(name, until, detail ?? 0)
      return true
    },
    hasRoomFor: count => size() + count <= most,
    judge: ({ session, user, userVersion, key, reread, exp }) => {
      if (keys.has(key)) return 'key revoked'
      if (sessions.has(session) || userVersion < users.detailOf(user)) return 'session ended'
      return exp <= rereads.detailOf(reread) ? 'stale' : 'good'
    },
    prune: now => {
      for (const table of tables) table.prune(now)
    },
    size,
  }
}
