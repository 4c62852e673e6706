import { algorithms } from '../passkeys/options.ts'
import { anyText, flag, givenName, integer, list, named, strictObject } from './schemas.ts'

const base64url = (most: number) =>
  ({ type: 'string', minLength: 1, maxLength: most, pattern: '^[A-Za-z0-9_-]+$' }) as const

/** As long as an authenticator may make one: 1,023 bytes. */
const credentialId = base64url(1_364)

/** Nobody reads them; which there are is the browser's to know. */
const extensionResults = {
  type: 'object',
  additionalProperties: false,
  maxProperties: 16,
  patternProperties: { '^[A-Za-z0-9_.-]{1,64}$': {} },
} as const

const ofBrowser = {
  id: credentialId,
  rawId: credentialId,
  type: { const: 'public-key' },
  clientExtensionResults: extensionResults,
  authenticatorAttachment: { type: ['string', 'null'], maxLength: 64 },
} as const

const transports = {
  ...list({ type: 'string', pattern: '^[a-z-]{1,32}$', maxLength: 32 }),
  maxItems: 8,
} as const

/** What `PublicKeyCredential.toJSON()` gives for a new passkey. */
export const registrationResponse = named(
  'PasskeyRegistration',
  strictObject(
    {
      ...ofBrowser,
      response: strictObject(
        {
          clientDataJSON: base64url(2_048),
          attestationObject: base64url(8_192),
          transports,
          authenticatorData: base64url(4_096),
          publicKey: base64url(4_096),
          publicKeyAlgorithm: integer,
        },
        ['transports', 'authenticatorData', 'publicKey', 'publicKeyAlgorithm'],
      ),
    },
    ['clientExtensionResults', 'authenticatorAttachment'],
  ),
)

/** What `PublicKeyCredential.toJSON()` gives for a passkey that was used. */
export const assertionResponse = named(
  'PasskeyAssertion',
  strictObject(
    {
      ...ofBrowser,
      response: strictObject(
        {
          clientDataJSON: base64url(2_048),
          authenticatorData: base64url(2_048),
          signature: base64url(2_048),
          userHandle: { type: ['string', 'null'], maxLength: 128, pattern: '^[A-Za-z0-9_-]*$' },
          attestationObject: base64url(8_192),
        },
        ['userHandle', 'attestationObject'],
      ),
    },
    ['clientExtensionResults', 'authenticatorAttachment'],
  ),
)

const descriptor = strictObject({ type: { const: 'public-key' }, id: anyText, transports: list(anyText) })
const verifiesUser = { const: 'required' } as const

/** For `PublicKeyCredential.parseRequestOptionsFromJSON`. */
export const requestOptions = named(
  'PasskeyRequestOptions',
  strictObject({
    rpId: anyText,
    challenge: anyText,
    timeout: integer,
    userVerification: verifiesUser,
    allowCredentials: list(descriptor),
  }),
)

/** For `PublicKeyCredential.parseCreationOptionsFromJSON`. */
export const creationOptions = named(
  'PasskeyCreationOptions',
  strictObject({
    rp: strictObject({ id: anyText, name: anyText }),
    user: strictObject({ id: anyText, name: anyText, displayName: anyText }),
    challenge: anyText,
    pubKeyCredParams: list(strictObject({ type: { const: 'public-key' }, alg: integer })),
    timeout: integer,
    excludeCredentials: list(descriptor),
    authenticatorSelection: strictObject({
      residentKey: { const: 'required' },
      requireResidentKey: flag,
      userVerification: verifiesUser,
    }),
    attestation: { const: 'none' },
  }),
)

export const passkeyName = givenName(64)

/** A challenge for examples. */
export const madeUpChallenge = 'ExampleOfAChallengeThatABrowserAnswersOnce_'

const madeUp = 'AAAA'

/** An answer to it for examples. */
export const assertionExample = {
  id: madeUp,
  rawId: madeUp,
  type: 'public-key',
  clientExtensionResults: {},
  response: { clientDataJSON: madeUp, authenticatorData: madeUp, signature: madeUp, userHandle: madeUp },
} as const

/** Options for examples. */
export const requestOptionsExample = {
  rpId: 'localhost',
  challenge: madeUpChallenge,
  timeout: 300_000,
  userVerification: 'required',
  allowCredentials: [],
} as const

/** An answer to creation options for examples. */
export const registrationExample = {
  id: madeUp,
  rawId: madeUp,
  type: 'public-key',
  clientExtensionResults: {},
  response: { clientDataJSON: madeUp, attestationObject: madeUp, transports: ['internal'] },
} as const

/** Creation options for examples. */
export const creationOptionsExample = {
  rp: { id: 'localhost', name: 'Gatewright' },
  user: { id: madeUpChallenge, name: 'alice', displayName: 'alice' },
  challenge: madeUpChallenge,
  pubKeyCredParams: algorithms.map(alg => ({ type: 'public-key', alg })),
  timeout: 300_000,
  excludeCredentials: [],
  authenticatorSelection: {
    residentKey: 'required',
    requireResidentKey: true,
    userVerification: 'required',
  },
  attestation: 'none',
} as const
