import type { AttestationStatement } from '@simplewebauthn/server/helpers'
import { fromBase64url, sha256, toBase64url } from '../ground/encoding.ts'
import type { PasskeyRow } from '../storage/tables.ts'
import { algorithms } from './options.ts'
import type { RelyingParty } from './relying-party.ts'
import {
  type AssertionResponse,
  type ClientData,
  type RegistrationResponse,
  readClientData,
} from './responses.ts'

/** With the first passkey: it takes a fifth of a second. Never inside a transaction, which would wait for it. */
const loadLibrary = async () => {
  const [{ verifyAuthenticationResponse, verifyRegistrationResponse }, { decodeAttestationObject }] =
    await Promise.all([import('@simplewebauthn/server'), import('@simplewebauthn/server/helpers')])
  return { verifyAuthenticationResponse, verifyRegistrationResponse, decodeAttestationObject }
}

let library: ReturnType<typeof loadLibrary> | undefined

const getLibrary = (): ReturnType<typeof loadLibrary> => {
  library ??= loadLibrary()
  return library
}

/** Why a response is none, for the audit log; whoever sent it is told nothing of it. */
export type Fault =
  | 'passkey_type'
  | 'passkey_challenge'
  | 'passkey_origin'
  | 'passkey_frame'
  | 'passkey_relying_party'
  | 'passkey_user_not_verified'
  | 'passkey_user_handle'
  | 'passkey_attestation'
  | 'passkey_backup_changed'
  | 'passkey_signature'

type Asked = { readonly party: RelyingParty; readonly challenge: string }

const isFramed = ({ crossOrigin, topOrigin }: ClientData): boolean =>
  (crossOrigin !== undefined && crossOrigin !== false) || topOrigin !== undefined

const hasVerifiedUser = (authData: Uint8Array): boolean => ((authData[32] ?? 0) & 0b101) === 0b101

/** Says what the library did not like. It decides nothing: the response is refused already. */
const explain = (
  { party, challenge }: Asked,
  type: string,
  client: ClientData,
  authData: Uint8Array,
): Fault => {
  if (client.type !== type) return 'passkey_type'
  if (client.challenge !== challenge) return 'passkey_challenge'
  if (client.origin !== party.origin) return 'passkey_origin'
  if (toBase64url(authData.subarray(0, 32)) !== sha256(party.id)) return 'passkey_relying_party'
  return hasVerifiedUser(authData) ? 'passkey_signature' : 'passkey_user_not_verified'
}

/** What a good registration says of the new passkey. */
export type NewCredential = Pick<
  PasskeyRow,
  'credential_id' | 'public_key' | 'counter' | 'transports' | 'backup_eligible' | 'backed_up' | 'aaguid'
>

/**
 * None, or signed by the new key itself. A certificate proves a make that nobody here asks for, and checking
 * one would have the server ask addresses that the certificate names.
 */
const isUnattested = (fmt: string, statement: AttestationStatement): boolean =>
  fmt === 'none' || (fmt === 'packed' && statement.get('x5c') === undefined)

type Read = { readonly isUnattested: boolean; readonly authData: Uint8Array }

const readAttestation = async (text: string): Promise<Read> => {
  const { decodeAttestationObject } = await getLibrary()
  try {
    const read = decodeAttestationObject(Uint8Array.from(fromBase64url(text) ?? []))
    const isPlain = isUnattested(read.get('fmt'), read.get('attStmt'))
    return { isUnattested: isPlain, authData: read.get('authData') }
  } catch {
    return { isUnattested: false, authData: new Uint8Array() }
  }
}

const flag = (isSet: boolean): number => (isSet ? 1 : 0)

/**
 * Verifies what a browser answered to registration options (WebAuthn Level 3, 7.1). That the challenge is
 * taken once, and the credential id belongs to nobody, is the caller's.
 */
export const verifyRegistration = async (
  asked: Asked,
  response: RegistrationResponse,
): Promise<NewCredential | Fault> => {
  const { verifyRegistrationResponse } = await getLibrary()
  const client = readClientData(response)
  const read = await readAttestation(response.response.attestationObject)
  if (isFramed(client)) return 'passkey_frame'
  if (!read.isUnattested) return 'passkey_attestation'
  const { transports = [], ...made } = response.response
  const verified = await verifyRegistrationResponse({
    response: { ...response, response: { ...made, transports: [...transports] }, clientExtensionResults: {} },
    expectedChallenge: asked.challenge,
    expectedOrigin: asked.party.origin,
    expectedRPID: asked.party.id,
    expectedType: 'webauthn.create',
    requireUserVerification: true,
    supportedAlgorithmIDs: [...algorithms],
  }).catch(() => undefined)
  const info = verified?.registrationInfo
  if (info === undefined || info.credential.id !== response.id)
    return explain(asked, 'webauthn.create', client, read.authData)
  return {
    credential_id: info.credential.id,
    public_key: toBase64url(info.credential.publicKey),
    counter: info.credential.counter,
    transports: transports.join(' '),
    backup_eligible: flag(info.credentialDeviceType === 'multiDevice'),
    backed_up: flag(info.credentialBackedUp),
    aaguid: info.aaguid,
  }
}

/** What a good assertion says of the passkey as it is now. */
export type Use = Pick<PasskeyRow, 'counter' | 'backed_up'>

/** A user who was not asked for must be named; one who was may be left out, and is never another. */
const hasRightHandle = (
  { user_handle: handle }: Pick<PasskeyRow, 'user_handle'>,
  { response }: AssertionResponse,
  isUserKnown: boolean,
): boolean => (response.userHandle == null ? isUserKnown : response.userHandle === handle)

/**
 * Verifies what a browser answered to request options (WebAuthn Level 3, 7.2). That the challenge is taken
 * once is the caller's, and so is the counter ({@link noteUse}): an answer whose signature is wrong says
 * nothing of it, and the library would look at it first.
 * @param isUserKnown whether the options named the passkeys to choose from
 */
export const verifyAssertion = async (
  asked: Asked,
  response: AssertionResponse,
  { passkey, isUserKnown }: { readonly passkey: PasskeyRow; readonly isUserKnown: boolean },
): Promise<Use | Fault> => {
  const { verifyAuthenticationResponse } = await getLibrary()
  const client = readClientData(response)
  if (isFramed(client)) return 'passkey_frame'
  const { userHandle: _, ...signed } = response.response
  const verified = await verifyAuthenticationResponse({
    response: { ...response, response: signed, clientExtensionResults: {} },
    expectedChallenge: asked.challenge,
    expectedOrigin: asked.party.origin,
    expectedRPID: asked.party.id,
    expectedType: 'webauthn.get',
    requireUserVerification: true,
    credential: {
      id: passkey.credential_id,
      publicKey: Uint8Array.from(fromBase64url(passkey.public_key) ?? []),
      counter: 0,
    },
  }).catch(() => undefined)
  const authData = fromBase64url(signed.authenticatorData) ?? new Uint8Array()
  if (verified?.verified !== true) return explain(asked, 'webauthn.get', client, authData)
  if (!hasRightHandle(passkey, response, isUserKnown)) return 'passkey_user_handle'
  const { newCounter, credentialDeviceType, credentialBackedUp } = verified.authenticationInfo
  if (flag(credentialDeviceType === 'multiDevice') !== passkey.backup_eligible)
    return 'passkey_backup_changed'
  return { counter: newCounter, backed_up: flag(credentialBackedUp) }
}
