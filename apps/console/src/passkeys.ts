import { Refused } from './api/refused.ts'

/** The code of a passkey that was not shown: the browser's own dialog was closed, or there is none for here. */
export const passkeyUnused = 'passkey_unused'
/** The code of an authenticator that has a passkey of this account already. */
export const passkeyKnown = 'passkey_known'

/** Whether this browser knows passkeys and speaks of them in JSON. */
export const hasPasskeys = (): boolean =>
  typeof PublicKeyCredential === 'function' && 'parseRequestOptionsFromJSON' in PublicKeyCredential

/** Browsers say by a name why nothing was shown, and tell pages no more than that. */
const toRefused = (error: unknown): unknown => {
  if (!(error instanceof DOMException)) return error
  return new Refused({ code: error.name === 'InvalidStateError' ? passkeyKnown : passkeyUnused })
}

const toResponse = async (asked: Promise<Credential | null>): Promise<unknown> => {
  const shown = await asked.catch(error => {
    throw toRefused(error)
  })
  if (!(shown instanceof PublicKeyCredential)) throw new Refused({ code: passkeyUnused })
  return shown.toJSON()
}

/** Asks for a passkey of this place. @param options as the server gives them @throws Refused */
export const showPasskey = (options: unknown): Promise<unknown> => {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(
    options as PublicKeyCredentialRequestOptionsJSON,
  )
  return toResponse(navigator.credentials.get({ publicKey }))
}

/** Makes a passkey for this place. @param options as the server gives them @throws Refused */
export const makePasskey = (options: unknown): Promise<unknown> => {
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(
    options as PublicKeyCredentialCreationOptionsJSON,
  )
  return toResponse(navigator.credentials.create({ publicKey }))
}
