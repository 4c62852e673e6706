import type { ForeignUses } from '../audit/foreign-uses.ts'
import type { Federation } from '../federation/federation.ts'
import { Refusal } from '../ground/refusal.ts'
import { addressAndUsername } from '../limits/counter-keys.ts'
import type { Granting } from '../permissions/granted.ts'
import type { LiveRoleTable } from '../permissions/live-roles.ts'
import { findKnownDevice } from '../sessions/known-devices.ts'
import type { SessionDependencies } from '../sessions/sessions.ts'
import type { AccessToken, AccessTokens } from '../tokens/access-token.ts'
import { parseApiKey } from '../tokens/api-key.ts'
import { type DeviceSecret, hashDeviceSecret } from '../tokens/device-secret.ts'
import { parseSessionSecret } from '../tokens/session-secret.ts'
import { usernameKey } from '../users/username.ts'
import { findUserByName } from '../users/users.ts'
import type { AddressWatch } from './address-watch.ts'
import { checkKeyCaller, type KeyCallerDependencies } from './api-key-caller.ts'
import { type AccessDependencies, checkAccess } from './check-access.ts'
import { checkCookieCaller } from './cookie-caller.ts'
import { type CredentialPlaces, readCredential, readDeviceSecret } from './credential.ts'
import { checkCrossSite, type Origins } from './cross-site.ts'
import { checkForeignCaller, identifyForeign } from './foreign-caller.ts'
import { hashText } from './known-secrets.ts'
import { limitKeysOf, type Passage, takeFromLimit } from './passage.ts'
import { type Principal, toUserPrincipal } from './principal.ts'
import { refuseSwitchedOff } from './switched-off.ts'
import { admitUnknown } from './unknown-credential.ts'

export type GateDependencies = SessionDependencies &
  KeyCallerDependencies &
  AccessDependencies & {
    readonly roleTable: LiveRoleTable
    readonly accessTokens: AccessTokens
    readonly federation: Federation
    readonly foreignUses: ForeignUses
    readonly places: CredentialPlaces
    readonly origins: Origins
    readonly findAddress: (peer: string | undefined, rawHeaders: readonly string[]) => string
    /** Absent where nobody but this machine can come: there is nothing to find. */
    readonly addressWatch: AddressWatch | undefined
  }

type Step = (gate: GateDependencies, passage: Passage) => void | Promise<void>

/** What asks whether the server is well comes from wherever it stands, past the proxies. */
const findClientAddress: Step = ({ findAddress, addressWatch }, passage) => {
  passage.address = findAddress(passage.peer, passage.rawHeaders)
  if (passage.rule.limit !== 'unlimited') addressWatch?.note(passage)
}

const readCredentials: Step = ({ places }, passage) => {
  if (passage.rule.knowsDevices) passage.deviceSecret = readDeviceSecret(passage.rawHeaders, places)
  passage.credential = readCredential(passage.rawHeaders, places)
}

/**
 * Whether a browser is known is told by the body, which may be late: the address is counted then, if it is
 * not. Until then the look-up is paid for, like that of a session's cookie.
 */
const limitDeviceLookUp = (
  gate: GateDependencies,
  passage: Passage,
  secret: DeviceSecret,
): void | Promise<void> => {
  const hash = hashDeviceSecret(secret)
  const address = gate.knownSecrets.has(hash) ? undefined : passage.address
  return takeFromLimit(gate, passage, { session: hash, address }, 'cookie')
}

const limitAddress: Step = (gate, passage) => {
  const { address, credential, rule, deviceSecret } = passage
  if (deviceSecret !== undefined) return limitDeviceLookUp(gate, passage, deviceSecret)
  const isAnonymous = credential === undefined || (credential.kind === 'cookie' && rule.ignoresCookie)
  return takeFromLimit(gate, passage, { address, anonymous: isAnonymous ? address : undefined })
}

/**
 * A cookie that is not whole is known without the database. Where it is not asked for, or another
 * credential may stand in the body, it is as none: it keeps nobody from signing out.
 */
const readSecret = (passage: Passage, text: string): void => {
  passage.cookie = parseSessionSecret(text)
  if (passage.cookie !== undefined || passage.rule.ignoresCookie) return
  passage.hasDeadCookie = true
  if (passage.rule.readsOwnCredential) {
    passage.credential = undefined
    return
  }
  throw new Refusal('invalid_token', { reason: 'cookie_form' })
}

const readApiKey = (passage: Passage, text: string): void => {
  passage.apiKey = parseApiKey(text)
  if (passage.apiKey === undefined) throw new Refusal('invalid_token', { reason: 'key_form' })
}

const setToken = (passage: Passage, token: NonNullable<Passage['token']>): void => {
  passage.token = token
  passage.session = token
}

const identify: Step = (gate, passage) => {
  const { accessTokens, places } = gate
  refuseSwitchedOff(places, passage)
  const { credential } = passage
  if (credential === undefined) return
  if (credential.kind === 'cookie') return readSecret(passage, credential.text)
  if (passage.rule.readsOwnCredential) return
  if (credential.kind === 'api-key') return readApiKey(passage, credential.text)
  if (credential.kind !== 'bearer')
    throw new Refusal('invalid_token', { reason: `unknown_${credential.kind}` })
  const known = accessTokens.findKnown(credential.text)
  if (known !== undefined) return setToken(passage, known)
  const foreign = identifyForeign(gate, passage, credential.text)
  if (foreign !== false) return foreign === true ? undefined : foreign.then(() => {})
  admitUnknown(gate, passage, hashText(credential.text))
  return accessTokens.verify(credential.text).then(verified => setToken(passage, verified))
}

/** What a revoked key has signed says nothing, of its session neither, which goes on: the caller refreshes. */
const toRefusal = (
  { revocations }: Pick<GateDependencies, 'revocations'>,
  { keyId }: AccessToken,
): Refusal =>
  revocations.isKeyRevoked(keyId)
    ? new Refusal('invalid_token', { reason: 'key_revoked' })
    : new Refusal('session_ended', { reason: 'cut_off' })

/**
 * Holds a token whose signature is good to its time and to what was ended.
 * @throws Refusal `token_expired`, `session_ended`; `invalid_token` where its key was revoked
 */
export const refuseEnded = (
  gate: Pick<GateDependencies, 'revocations'>,
  token: AccessToken,
  now: number,
): void => {
  if (token.expiresAt <= now) throw new Refusal('token_expired', { reason: 'token_expired' })
  if (gate.revocations.isEnded(token)) throw toRefusal(gate, token)
}

/** What is made once for each token that is remembered, and again when roles allow something else. */
type Seen = {
  /** What roles allowed when it was made, and whether administrators had to show a second factor. */
  readonly definitions: GateDependencies['roleTable']['roles']
  readonly isStrict: boolean
  /** Where the claim is right. */
  readonly principal: Principal
  /** Where it may be old: with the roles that were read last. */
  reread: Principal | undefined
  /** When its use was last noted. */
  usedAt: number
}

const seenTokens = new WeakMap<AccessToken, Seen>()

const seenOf = (granting: Granting, token: AccessToken): Seen => {
  const known = seenTokens.get(token)
  const definitions = granting.roleTable.roles
  const isStrict = granting.asksAdministrators()
  if (known?.definitions === definitions && known.isStrict === isStrict) return known
  const seen: Seen = {
    definitions,
    isStrict,
    principal: toUserPrincipal(granting, token, token.roles),
    reread: undefined,
    usedAt: known?.usedAt ?? Number.NEGATIVE_INFINITY,
  }
  seenTokens.set(token, seen)
  return seen
}

/** Once in so long for each token: to every other request it is one comparison. */
const noteUse = (
  { uses }: GateDependencies,
  { address }: Passage,
  token: AccessToken,
  seen: Seen,
  now: number,
) => {
  if (now - seen.usedAt < uses.every) return
  seen.usedAt = now
  uses.note(token.sessionId, { at: now, address })
}

/** Made once for each list: a re-read gives all requests the same one until the roles change again. */
const withRoles = (granting: Granting, token: AccessToken, roles: readonly string[]): Principal => {
  const seen = seenOf(granting, token)
  if (seen.reread?.roles !== roles) seen.reread = toUserPrincipal(granting, token, roles)
  return seen.reread
}

const checkNotEnded = (gate: GateDependencies, passage: Passage): void | Promise<void> => {
  const { revocations, clock } = gate
  const { token } = passage
  if (token === undefined) return
  const now = clock.now()
  refuseEnded(gate, token, now)
  const seen = seenOf(gate, token)
  noteUse(gate, passage, token, seen, now)
  const rereadRoles = revocations.findRereadRoles(token.userId)
  if (rereadRoles === undefined) {
    passage.principal = seen.principal
    return
  }
  return rereadRoles.then(async roles => {
    await gate.roleTable.ensureRead()
    // Again: it may have ended while the database answered.
    refuseEnded(gate, token, clock.now())
    passage.principal = withRoles(gate, token, roles)
  })
}

const checkCredential: Step = (gate, passage) => {
  const { cookie, apiKey, foreign } = passage
  if (apiKey !== undefined) return checkKeyCaller(gate, passage, apiKey)
  if (foreign !== undefined) return checkForeignCaller(gate, passage, foreign)
  return cookie === undefined ? checkNotEnded(gate, passage) : checkCookieCaller(gate, passage, cookie)
}

const isJudgedHere = ({ token, apiKey, foreign, cookie, rule }: Passage): boolean =>
  token !== undefined ||
  apiKey !== undefined ||
  foreign !== undefined ||
  (cookie !== undefined && !rule.ignoresCookie && !rule.readsOwnCredential)

/** What has ended, and what roles allow: nothing is known to be newer than what this process knows of it. */
export const ensureCurrent = ({
  revocations,
  roleTable,
}: Pick<GateDependencies, 'revocations' | 'roleTable'>): Promise<void> | undefined => {
  const fresh = revocations.ensureFresh()
  return fresh === undefined ? roleTable.ensureRead() : fresh.then(() => roleTable.ensureRead())
}

const checkStillValid: Step = (gate, passage) => {
  if (!isJudgedHere(passage)) return
  const current = ensureCurrent(gate)
  return current === undefined
    ? checkCredential(gate, passage)
    : current.then(() => checkCredential(gate, passage))
}

const limitPrincipal: Step = (gate, passage) => {
  const { principal } = passage
  return principal && takeFromLimit(gate, passage, limitKeysOf(principal))
}

/** Another user's browser is as unknown as any. Asks as much for a name that nobody has. */
const findDevice = async (gate: GateDependencies, passage: Passage, secret: DeviceSecret): Promise<void> => {
  if (passage.submittedName === undefined) return
  const user = await findUserByName(gate.db, passage.submittedName)
  passage.knownDevice = await findKnownDevice(gate, secret, user?.id ?? '')
  if (passage.knownDevice !== undefined) gate.knownSecrets.add(hashDeviceSecret(secret))
}

/** A known device is counted by itself; what else shows such a cookie is counted by its address only now. */
const takeByBody = (gate: GateDependencies, passage: Passage): void | Promise<void> => {
  const { address, submittedName: name, deviceSecret, knownDevice } = passage
  if (knownDevice !== undefined) return takeFromLimit(gate, passage, { device: knownDevice.id })
  const keys = {
    ...(name !== undefined && { 'address+username': addressAndUsername(address, usernameKey(name)) }),
    ...(deviceSecret !== undefined && { address }),
  }
  if (Object.keys(keys).length > 0) return takeFromLimit(gate, passage, keys)
}

const limitBody: Step = (gate, passage) =>
  passage.deviceSecret === undefined
    ? takeByBody(gate, passage)
    : findDevice(gate, passage, passage.deviceSecret).then(() => takeByBody(gate, passage))

/**
 * One request through the gate, in order. The same table serves every door. Limits of an address come
 * before anything that costs, limits of a principal before anything is looked up for it: what is refused
 * counts as well.
 */
export const headSteps = [
  { name: 'trusted client address', run: findClientAddress },
  { name: 'one credential', run: readCredentials },
  { name: 'limits (address)', run: limitAddress },
  { name: 'who', run: identify },
  { name: 'cross-site check', run: checkCrossSite },
  { name: 'still valid', run: checkStillValid },
  { name: 'limits (principal)', run: limitPrincipal },
  { name: 'may they', run: checkAccess },
] as const satisfies readonly { readonly name: string; readonly run: Step }[]

/** Once the body has arrived, which may have taken long. */
export const bodySteps = [
  { name: 'still valid', run: checkStillValid },
  { name: 'may they', run: checkAccess },
  { name: 'limits (body)', run: limitBody },
] as const satisfies readonly { readonly name: string; readonly run: Step }[]

/** Once a request has waited for its turn. */
export const turnSteps = [
  { name: 'still valid', run: checkStillValid },
  { name: 'may they', run: checkAccess },
] as const satisfies readonly { readonly name: string; readonly run: Step }[]

/** Runs the steps in order; without a promise where none of them waits, as for a token seen before. */
export const runSteps = (
  gate: GateDependencies,
  steps: readonly { readonly run: Step }[],
  passage: Passage,
  from = 0,
): Promise<void> | undefined => {
  for (let index = from; index < steps.length; index++) {
    const waiting = steps[index]?.run(gate, passage)
    if (waiting !== undefined) return waiting.then(() => runSteps(gate, steps, passage, index + 1))
  }
  return undefined
}
