import {
  isFault,
  type KeyFault,
  type KeyOwner,
  type KnownKey,
  type KnownKeys,
} from '../api-keys/known-keys.ts'
import type { Clock } from '../ground/clock.ts'
import { Refusal } from '../ground/refusal.ts'
import type { Limiter } from '../limits/limiter.ts'
import type { Granting } from '../permissions/granted.ts'
import type { LiveRoleTable } from '../permissions/live-roles.ts'
import type { Revocations } from '../revocation/revocations.ts'
import type { Uses } from '../sessions/uses.ts'
import type { ShownApiKey } from '../tokens/api-key.ts'
import { hashText, type KnownSecrets } from './known-secrets.ts'
import { type Passage, takeFromLimit } from './passage.ts'
import { type Principal, toKeyPrincipal } from './principal.ts'
import { admitKey } from './unknown-credential.ts'

/** What the gate asks about API keys. */
export type KeyCallerDependencies = Granting & {
  readonly roleTable: LiveRoleTable
  readonly clock: Clock
  readonly limiter: Limiter
  readonly knownSecrets: KnownSecrets
  readonly revocations: Pick<Revocations, 'isApiKeyEnded'>
  readonly knownKeys: KnownKeys
  readonly keyUses: Uses
}

/** One answer for all that may be wrong: whoever has found a key learns nothing of it. The log tells. */
const refuse = (passage: Passage, { reason, owner }: KeyFault): never => {
  passage.apiKeyOwner = owner
  throw new Refusal('invalid_token', { reason })
}

/** What is made once for each key that is known. */
type Seen = {
  /** What roles allowed when it was made, and whether administrators had to show a second factor. */
  readonly definitions: LiveRoleTable['roles']
  readonly isStrict: boolean
  readonly principal: Principal
  usedAt: number
}

const seenKeys = new WeakMap<KnownKey, Seen>()

const seenOf = (granting: Granting, key: KnownKey): Seen => {
  const known = seenKeys.get(key)
  const definitions = granting.roleTable.roles
  const isStrict = granting.asksAdministrators()
  if (known?.definitions === definitions && known.isStrict === isStrict) return known
  const usedAt = known?.usedAt ?? Number.NEGATIVE_INFINITY
  const seen = { definitions, isStrict, principal: toKeyPrincipal(granting, key), usedAt }
  seenKeys.set(key, seen)
  return seen
}

const findFault = (
  { revocations }: Pick<KeyCallerDependencies, 'revocations'>,
  { keyId, expiresAt, isAllowedFrom }: KnownKey,
  { address }: { readonly address: string | undefined },
  now: number,
): string | undefined => {
  if (revocations.isApiKeyEnded(keyId)) return 'key_ended'
  if (expiresAt !== null && expiresAt <= now) return 'key_expired'
  return address === undefined || isAllowedFrom(address) ? undefined : 'key_address'
}

/**
 * What changes from one request to the next. No I/O. What is refused is counted as a key that has ended is: whoever
 * shows a found one often enough would else learn that it lives, and is only not taken from there.
 */
const judge = (
  dependencies: KeyCallerDependencies,
  passage: Passage,
  { key: text }: ShownApiKey,
  key: KnownKey,
): void => {
  const now = dependencies.clock.now()
  const { userId, keyId } = key
  const reason = findFault(dependencies, key, passage, now)
  if (reason !== undefined) {
    admitKey(dependencies, passage, hashText(text))
    refuse(passage, { reason, owner: { userId, keyId } })
  }
  const seen = seenOf(dependencies, key)
  if (now - seen.usedAt >= dependencies.keyUses.every) {
    seen.usedAt = now
    dependencies.keyUses.note(keyId, { at: now, address: passage.address })
  }
  passage.apiKeyOwner = { userId, keyId } satisfies KeyOwner
  passage.rolesBehind = key.roles
  passage.principal = seen.principal
}

/**
 * Anybody can make up a key that is whole in form. One that this process has not seen to be ours is counted for
 * its address before the database is asked, in one count for all processes, and given back where it was ours.
 */
const lookUp = async (
  dependencies: KeyCallerDependencies,
  passage: Passage,
  shown: ShownApiKey,
): Promise<void> => {
  const { knownKeys, knownSecrets, limiter } = dependencies
  const hash = hashText(shown.key)
  const isNew = !knownSecrets.has(hash)
  const { address, reports } = passage
  admitKey(dependencies, passage, hash)
  if (isNew) await takeFromLimit(dependencies, passage, { address }, 'unknown-key')
  // Said only where it refuses: in an answer it would tell a key that never was from one that has ended.
  passage.reports = reports
  const found = await knownKeys.read(shown)
  await dependencies.roleTable.ensureRead()
  const isOurs = !isFault(found) || found.owner !== undefined
  if (isOurs) knownSecrets.add(hash)
  if (isOurs && isNew) await limiter.giveBack('unknown-key', { address })
  if (isFault(found)) refuse(passage, found)
  else judge(dependencies, passage, shown, found)
}

/**
 * Whom an API key stands for at this moment. One seen before costs no query: its expiry, its end and the address
 * it comes from are looked at in each request, what it may do follows its owner's roles.
 * @throws Refusal `invalid_token`, `rate_limited`
 */
export const checkKeyCaller = (
  dependencies: KeyCallerDependencies,
  passage: Passage,
  shown: ShownApiKey,
): void | Promise<void> => {
  const known = dependencies.knownKeys.find(shown)
  return known === undefined
    ? lookUp(dependencies, passage, shown)
    : judge(dependencies, passage, shown, known)
}

/**
 * The same of a key that somebody has pasted: it counts as no use, and takes from no limit.
 * @param address where it is shown from; without one, any would do
 * @param isOf is told whose it is, where its secret is right
 * @returns whom it makes, with the roles of its owner, which explain what it may
 * @throws Refusal `invalid_token`
 */
export const judgeShownKey = async (
  dependencies: KeyCallerDependencies,
  { shown, address }: { readonly shown: ShownApiKey; readonly address: string | undefined },
  isOf: (owner: KeyOwner) => void,
): Promise<Principal> => {
  const found = await dependencies.knownKeys.read(shown)
  const owner = isFault(found) ? found.owner : found
  if (owner !== undefined) isOf(owner)
  if (isFault(found)) throw new Refusal('invalid_token', { reason: found.reason })
  const reason = findFault(dependencies, found, { address }, dependencies.clock.now())
  if (reason !== undefined) throw new Refusal('invalid_token', { reason })
  return { ...toKeyPrincipal(dependencies, found), roles: found.roles }
}
