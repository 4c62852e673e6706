import type { PasskeyRow } from '../storage/tables.ts'
import type { RelyingParty } from './relying-party.ts'

/** ES256, EdDSA (Ed25519) and RS256, by their COSE numbers: the one liked best first. */
export const algorithms = [-7, -8, -257] as const

/** Milliseconds a browser waits for its user; a challenge lives as long. */
const timeout = 300_000

type Known = Pick<PasskeyRow, 'credential_id' | 'transports'>

const toDescriptor = ({ credential_id: id, transports }: Known) => ({
  type: 'public-key' as const,
  id,
  transports: transports.split(' ').filter(name => name !== ''),
})

/** For `PublicKeyCredential.parseCreationOptionsFromJSON`: discoverable, verifies its user, without attestation. */
export const toCreationOptions = (
  { id, name }: RelyingParty,
  {
    challenge,
    userHandle,
    username,
    known,
  }: {
    readonly challenge: string
    readonly userHandle: string
    readonly username: string
    /** The user's own passkeys: an authenticator that has one makes no second. */
    readonly known: readonly Known[]
  },
) => ({
  rp: { id, name },
  user: { id: userHandle, name: username, displayName: username },
  challenge,
  pubKeyCredParams: algorithms.map(alg => ({ type: 'public-key' as const, alg })),
  timeout,
  excludeCredentials: known.map(toDescriptor),
  authenticatorSelection: {
    residentKey: 'required' as const,
    requireResidentKey: true as const,
    userVerification: 'required' as const,
  },
  attestation: 'none' as const,
})

export type CreationOptions = ReturnType<typeof toCreationOptions>

/**
 * For `PublicKeyCredential.parseRequestOptionsFromJSON`.
 * @param known the passkeys to choose from; none where nobody is known yet: the browser offers what it has
 */
export const toRequestOptions = (
  { id: rpId }: RelyingParty,
  { challenge, known = [] }: { readonly challenge: string; readonly known?: readonly Known[] },
) => ({
  rpId,
  challenge,
  timeout,
  userVerification: 'required' as const,
  allowCredentials: known.map(toDescriptor),
})

export type RequestOptions = ReturnType<typeof toRequestOptions>
