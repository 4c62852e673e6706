import { type Jwk, type PublicKey, toPublicKey } from './algorithms.ts'
import { ageOf, type Clock, type Moment, minute, momentOf, second } from './clock.ts'
import { getJson, toUnreachable, UnreachableError } from './get-json.ts'
import { metadataOf, parseIssuer, parseOwn } from './issuer-address.ts'

/** Who meets a key that is not known: what anybody may send takes nothing from what the issuer itself sends. */
export type Asker = 'token' | 'statement'

/** What the issuer has published: its keys, and where its feed is. */
export type Issuer = {
  /** The key as it is known now. */
  readonly find: (kid: string) => PublicKey | undefined
  /** The same, after one more look where it is not known and the last such look is long enough ago. */
  readonly findAnew: (kid: string, asker: Asker) => Promise<PublicKey | undefined>
  /**
   * Where the feed is, which can't be followed with keys that are too old: so no token is judged by them.
   * @throws UnreachableError
   */
  readonly getFeed: () => Promise<URL>
  /** A key was revoked: the others are read soon, and whoever looks for one does not wait for that. */
  readonly hearOfRevocation: () => void
}

/** A key is published 15 minutes before it signs: read every 5, none that signs is unknown. */
const readEvery = 5 * minute
const oldest = 15 * minute
/**
 * Between two looks for keys that are not known, are no longer new, or may have been revoked. Anybody may send a
 * token, only the issuer a statement.
 */
const coolDown = {
  token: 30 * second,
  statement: 5 * second,
  age: 5 * second,
  revocation: 5 * second,
} as const
const bounds = { most: 64 * 1_024, longest: 5 * second }
const mostKeys = 50

type Published = { readonly keys: ReadonlyMap<string, PublicKey>; readonly feed: URL; readonly at: Moment }

const toMembers = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {}

const toKeys = (value: unknown): ReadonlyMap<string, PublicKey> => {
  const { keys } = toMembers(value)
  if (!Array.isArray(keys) || keys.length > mostKeys) throw new UnreachableError('its key set is not one')
  const known = keys.flatMap(jwk => toPublicKey(toMembers(jwk) as Jwk) ?? [])
  const byId = new Map(known.map(key => [key.kid, key]))
  if (byId.size < known.length) throw new UnreachableError('its key set has two keys of one id')
  return byId
}

type Options = { readonly issuer: string; readonly clock: Clock; readonly signal: AbortSignal }

const readPublished = async ({ issuer, clock, signal }: Options): Promise<Published> => {
  const at = momentOf(clock)
  const url = parseIssuer(issuer)
  const metadata = toMembers(await getJson(metadataOf(url), { ...bounds, signal }))
  if (metadata.issuer !== issuer) throw new UnreachableError('its metadata is that of another issuer')
  const jwks = parseOwn(url, metadata.jwks_uri)
  const feed = parseOwn(url, metadata.revocation_feed_endpoint)
  if (jwks === undefined || feed === undefined)
    throw new UnreachableError('its metadata names no key set or no feed of its own')
  return { keys: toKeys(await getJson(jwks, { ...bounds, signal })), feed, at }
}

/** Reads what the issuer publishes: one read at a time, whoever asks. */
export const createIssuer = (options: Options): Issuer => {
  const { clock } = options
  const lookedAt = new Map<keyof typeof coolDown, Moment>()
  let published: Published | undefined
  let reading: Promise<void> | undefined

  const age = (): number => (published === undefined ? Number.POSITIVE_INFINITY : ageOf(clock, published.at))

  const read = (): Promise<void> => {
    reading ??= readPublished(options)
      .then(found => {
        published = found
      })
      // Whoever asks knows what to do when nothing could be read, and of nothing else.
      .catch(error => {
        throw toUnreachable('what it publishes', error)
      })
      .finally(() => {
        reading = undefined
      })
    return reading
  }
  /** One more look, or the one under way, where the last such is too short ago. */
  const readAnew = async (why: keyof typeof coolDown): Promise<void> => {
    const at = lookedAt.get(why)
    if (at !== undefined && ageOf(clock, at) < coolDown[why]) return reading
    lookedAt.set(why, momentOf(clock))
    return read()
  }
  const find = (kid: string): PublicKey | undefined => published?.keys.get(kid)

  return {
    find,
    findAnew: async (kid, asker) => {
      const known = find(kid)
      if (known !== undefined) return known
      await readAnew(asker)
      return find(kid)
    },
    getFeed: async () => {
      if (age() > oldest) await read()
      else if (age() > readEvery) readAnew('age').catch(() => {})
      if (published === undefined) throw new UnreachableError('nothing of it was read yet')
      return published.feed
    },
    hearOfRevocation: () => void readAnew('revocation').catch(() => {}),
  }
}
