import type { CutOffRow } from '../storage/tables.ts'
import { createIdTimes } from './id-times.ts'

/** What of a token the revocation set looks at. */
export type Revocable = {
  readonly userId: string
  readonly sessionId: string
  readonly userVersion: number
  /** The key that signed it; a cookie has none. */
  readonly keyId?: string
}

/** A cut-off as memory keeps it: enough to write it down again. Several of one thing are one. */
export type KnownCutOff = Pick<CutOffRow, 'kind' | 'subject' | 'version' | 'matters_until'>

export type Reread = 'reread-user' | 'reread-roles' | 'reread-issuers'

export type CutOffSetCalls = {
  readonly readRoles: (userId: string) => Promise<readonly string[]>
  /** Is told of every signing key that was revoked. */
  readonly onKeyRevoked?: (kid: string) => void
  /** All of these are told: a list, so that none takes the place of another. */
  readonly onReread?: readonly RereadCalls[]
}

/**
 * What is told that something of the database is to be read again, by the kind of cut-off that says so: of this
 * subject, or all of it. What ends everything of a user is such a word of that user, too.
 */
export type RereadCalls = { readonly [Kind in Reread]?: (subject?: string) => void }

type UserCutOff = { readonly version: number; readonly until: number }
type RereadUser = { readonly place: number; until: number; roles?: Promise<readonly string[]> }

/** Of two cut-offs of one thing the later may matter for less long. What the former names ends no sooner for it. */
const latest = (known: number | undefined, { matters_until }: CutOffRow): number =>
  Math.max(known ?? 0, matters_until)

/** So many entries are looked at in one go: a million would hold up every request. */
const prunedAtOnce = 10_000

/** Takes out what no longer matters, a part at a time; the next call goes on where the last one stopped. */
const createPrune = <Entry>(
  entries: Map<string, Entry>,
  untilOf: (entry: Entry) => number,
): ((now: number) => boolean) => {
  let rest = entries.entries()
  return now => {
    for (let looked = 0; looked < prunedAtOnce; looked++) {
      const { value, done } = rest.next()
      if (done) {
        rest = entries.entries()
        return true
      }
      if (untilOf(value[1]) < now) entries.delete(value[0])
    }
    return false
  }
}

/** The cut-offs that a process knows, each until it no longer matters. */
export const createCutOffSet = ({ readRoles, onKeyRevoked, onReread = [] }: CutOffSetCalls) => {
  const tellReread = (kind: Reread, subject: string): void => {
    for (const calls of onReread) calls[kind]?.(subject)
  }
  const rereadAll = (): void => {
    for (const calls of onReread) for (const call of Object.values(calls)) call()
  }
  const signingKeys = new Map<string, number>()
  const sessions = createIdTimes()
  const users = new Map<string, UserCutOff>()
  const rereads = new Map<string, RereadUser>()
  const apiKeys = createIdTimes()

  /** One entry for each kind of the feed. */
  const kinds: Readonly<Record<string, (row: CutOffRow) => void>> = {
    session: row => sessions.set(row.subject, latest(sessions.get(row.subject), row)),
    user: row => {
      tellReread('reread-user', row.subject)
      const known = users.get(row.subject)
      const version = Math.max(known?.version ?? 0, row.version ?? 0)
      users.set(row.subject, { version, until: latest(known?.until, row) })
    },
    'signing-key': row => {
      signingKeys.set(row.subject, latest(signingKeys.get(row.subject), row))
      onKeyRevoked?.(row.subject)
    },
    'reread-user': row => {
      tellReread('reread-user', row.subject)
      const known = rereads.get(row.subject)
      const until = latest(known?.until, row)
      if (known === undefined || known.place < row.place)
        rereads.set(row.subject, { place: row.place, until })
      else known.until = until
    },
    'api-key': row => apiKeys.set(row.subject, latest(apiKeys.get(row.subject), row)),
    'reread-roles': row => tellReread('reread-roles', row.subject),
    'reread-issuers': row => tellReread('reread-issuers', row.subject),
  }
  const isKeyRevoked = (kid: string | undefined): boolean => kid !== undefined && signingKeys.has(kid)

  function* list(): Generator<KnownCutOff> {
    for (const [subject, until] of signingKeys)
      yield { kind: 'signing-key', subject, version: null, matters_until: until }
    for (const [subject, { version, until }] of users)
      yield { kind: 'user', subject, version, matters_until: until }
    for (const [subject, { until }] of rereads)
      yield { kind: 'reread-user', subject, version: null, matters_until: until }
    for (const [subject, until] of sessions.entries())
      yield { kind: 'session', subject, version: null, matters_until: until }
    for (const [subject, until] of apiKeys.entries())
      yield { kind: 'api-key', subject, version: null, matters_until: until }
  }
  const untilOf: Readonly<Record<string, (subject: string) => number | undefined>> = {
    'signing-key': kid => signingKeys.get(kid),
    user: id => users.get(id)?.until,
    'reread-user': id => rereads.get(id)?.until,
    session: id => sessions.get(id),
    'api-key': id => apiKeys.get(id),
  }
  const prunes = [
    sessions.prune,
    apiKeys.prune,
    createPrune(signingKeys, until => until),
    createPrune(users, ({ until }) => until),
    createPrune(rereads, ({ until }) => until),
  ]
  let pruning = prunes

  return {
    /** False for a kind that this version does not know. */
    add: (row: CutOffRow): boolean => {
      const add = Object.hasOwn(kinds, row.kind) ? kinds[row.kind] : undefined
      add?.(row)
      return add !== undefined
    },
    isKeyRevoked,
    isEnded: ({ sessionId, userId, userVersion, keyId }: Revocable): boolean =>
      sessions.has(sessionId) ||
      userVersion < (users.get(userId)?.version ?? 0) ||
      (signingKeys.size > 0 && isKeyRevoked(keyId)),
    isApiKeyEnded: (id: string): boolean => apiKeys.has(id),
    findRereadRoles: (userId: string): Promise<readonly string[]> | undefined => {
      const reread = rereads.get(userId)
      if (reread === undefined) return undefined
      reread.roles ??= readRoles(userId)
        .then(roles => Object.freeze(roles))
        .catch(error => {
          delete reread.roles
          throw error
        })
      return reread.roles
    },
    /** Rows of a re-read may have come and gone while nothing was read: all is read again that they would name. */
    rereadAll,
    /** The roles in memory may be those of a database that is no more, and places may be given again. */
    forgetRoles: (): void => {
      for (const [id, { until }] of rereads) rereads.set(id, { place: 0, until })
      rereadAll()
    },
    /** Everything that still matters at `now`. */
    list: (now: number): Iterable<KnownCutOff> => list().filter(({ matters_until }) => matters_until >= now),
    /** Whether it names at least what this one does, for at least as long. */
    covers: ({ kind, subject, version, matters_until }: KnownCutOff): boolean =>
      (untilOf[kind]?.(subject) ?? 0) >= matters_until &&
      (version === null || (users.get(subject)?.version ?? 0) >= version),
    /** A part of it. @returns whether everything was looked at since the last time it was */
    prune: (now: number): boolean => {
      pruning = pruning.filter(prune => !prune(now))
      const isDone = pruning.length === 0
      if (isDone) pruning = prunes
      return isDone
    },
  }
}

export type CutOffSet = ReturnType<typeof createCutOffSet>
