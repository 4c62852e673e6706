import { type CredentialPlaces, credentialHeaders } from '../gate/credential.ts'

/** All that an answer of a public route may depend on: every place where a credential can stand, and CORS. */
export const varyOn = (places: CredentialPlaces): string =>
  [...credentialHeaders(places), 'Origin'].join(', ')
