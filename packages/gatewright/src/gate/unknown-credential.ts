import { addressGroup } from '../ground/address.ts'
import { Refusal } from '../ground/refusal.ts'
import type { Limiter } from '../limits/limiter.ts'
import type { KnownSecrets } from './known-secrets.ts'
import type { Passage } from './passage.ts'

type Dependencies = { readonly limiter: Limiter; readonly knownSecrets: KnownSecrets }

const limit = 'refused-credential'

/**
 * Asked before a signature is checked or a query made for a credential that this process has not seen to be
 * good. From an address that has shown too many made-up ones, no further one is judged; what this process gave
 * or knows goes on, so nobody's neighbour signs him out.
 * @param hash of the credential, as `knownSecrets` has it
 * @throws Refusal `rate_limited`
 */
export const admitUnknown = (
  { limiter, knownSecrets }: Dependencies,
  passage: Passage,
  hash: string,
): void => {
  const address = knownSecrets.has(hash) ? undefined : passage.address
  admit({ limiter }, passage, hash, address)
}

/**
 * The same of an API key, which counts for each address that shows it: whoever has stolen one that is not taken from
 * there must not be able to keep its owner's programs from having it read again.
 * @throws Refusal `rate_limited`
 */
export const admitKey = ({ limiter, knownSecrets }: Dependencies, passage: Passage, hash: string): void => {
  const { address } = passage
  admit(
    { limiter },
    passage,
    `${hash} ${addressGroup(address)}`,
    knownSecrets.has(hash) ? undefined : address,
  )
}

/**
 * The same of a subject of another issuer, whom a good signature proves and a query must say more of: alone, with
 * however many tokens, and as nobody's neighbour.
 * @throws Refusal `rate_limited`
 */
export const admitSubject = (
  dependencies: Pick<Dependencies, 'limiter'>,
  passage: Passage,
  foreignId: string,
): void => admit(dependencies, passage, foreignId, undefined)

const admit = (
  { limiter }: Pick<Dependencies, 'limiter'>,
  passage: Passage,
  session: string,
  address: string | undefined,
): void => {
  const report = limiter.look(limit, { address, session })
  if (!report.allowed) {
    passage.reports = [...passage.reports, report]
    throw new Refusal('rate_limited', { reason: limit, retryAfter: report.retryAfter })
  }
  passage.unknownCredential = session
}

/** What a revoked key has signed proves nothing: somebody else may hold that key. */
const isProvenOurs = ({ session, apiKeyOwner }: Passage, { details }: Refusal): boolean =>
  details.reason !== 'key_revoked' && (session ?? apiKeyOwner ?? details.session) !== undefined

/**
 * Once it was judged, and refused: what was made up counts for its address. What was ours and is over counts
 * alone, so that an office that comes back in the morning is no flood.
 */
export const countRefused = async (
  { limiter }: Pick<Dependencies, 'limiter'>,
  passage: Passage,
  refusal: Refusal,
): Promise<void> => {
  const { address, unknownCredential: session } = passage
  if (session !== undefined)
    await limiter.take(limit, isProvenOurs(passage, refusal) ? { session } : { address })
}
