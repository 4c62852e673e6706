import type { CredentialPlaces } from '../../gate/credential.ts'
import type { GateRule } from '../../gate/passage.ts'
import type { PrincipalKind } from '../../gate/principal.ts'
import type { CredentialKind } from '../../ground/credential-settings.ts'
import { isPublic } from '../../permissions/decide-access.ts'
import type { DeclaredRoute } from '../route-table.ts'

/** What this server takes, and where. */
export type Taken = CredentialPlaces & {
  /** Whether `TRUSTED_ISSUERS` names any: which ones is nobody's business here. */
  readonly hasOtherIssuers: boolean
}

/** Where access tokens are taken, a 401 names their scheme, as it is written in the settings. */
const toToken = ({ token, challenge }: CredentialPlaces, which: string) =>
  token.header === 'authorization' && token.scheme === 'bearer'
    ? {
        type: 'http',
        scheme: 'bearer',
        bearerFormat: 'JWT',
        description: `${which[0]?.toUpperCase()}${which.slice(1)}.`,
      }
    : {
        type: 'apiKey',
        in: 'header',
        name: token.name,
        description: `\`${challenge}\`, a space, and ${which}.`,
      }

const toBearer = (taken: Taken) => toToken(taken, 'the `access_token` of a sign-in')

const toOtherIssuer = (taken: Taken) =>
  toToken(
    taken,
    'an access token of another issuer that this server trusts, with the permissions that its own are mapped to; it stands where one of this server would',
  )

const toApiKey = ({ apiKey }: CredentialPlaces) => ({
  type: 'apiKey',
  in: 'header',
  name: apiKey.name,
  description: 'An API key (`gwk_…`), with its own permissions as far as its owner has them.',
})

const toCookie = ({ cookie }: CredentialPlaces) => ({
  type: 'apiKey',
  in: 'cookie',
  name: cookie.name,
  description:
    'Set by `POST …/sessions`; a browser sends it by itself. What changes something asks for X-CSRF-Token as well.',
})

type Row = {
  readonly name: 'bearer' | 'cookie' | 'api_key' | 'other_issuer'
  readonly credential: CredentialKind
  readonly kind: PrincipalKind
  readonly isTaken: (rule: GateRule) => boolean
  readonly toScheme: (taken: Taken) => Readonly<Record<string, string>>
}

/** Where a credential may stand, and what kind of principal it makes. */
const rows: readonly Row[] = [
  { name: 'bearer', credential: 'bearer', kind: 'user', isTaken: () => true, toScheme: toBearer },
  {
    name: 'cookie',
    credential: 'cookie',
    kind: 'user',
    isTaken: ({ ignoresCookie }) => !ignoresCookie,
    toScheme: toCookie,
  },
  { name: 'api_key', credential: 'api-key', kind: 'api-key', isTaken: () => true, toScheme: toApiKey },
  {
    name: 'other_issuer',
    credential: 'bearer',
    kind: 'client',
    isTaken: () => true,
    toScheme: toOtherIssuer,
  },
]

/** The rows of what this server takes. */
const rowsOf = ({ accepted, hasOtherIssuers }: Taken): readonly Row[] =>
  rows.filter(({ kind, credential }) => accepted.has(credential) && (kind !== 'client' || hasOtherIssuers))

export const toSecuritySchemes = (taken: Taken) =>
  Object.fromEntries(rowsOf(taken).map(({ name, toScheme }) => [name, toScheme(taken)]))

/**
 * What the operation asks for. A public one that names its principals, or reads a credential by itself,
 * answers more to a caller who shows one: there it is optional.
 */
export const toSecurity = (
  { rule }: DeclaredRoute,
  taken: Taken,
): readonly Readonly<Record<string, readonly string[]>>[] => {
  const { access, principals = ['user'], readsOwnCredential } = rule
  const shown = rowsOf(taken)
    .filter(({ kind, isTaken }) => principals.includes(kind) && isTaken(rule))
    .map(({ name }) => ({ [name]: [] }))
  if (!isPublic(access)) return shown
  return rule.principals !== undefined || readsOwnCredential ? [{}, ...shown] : []
}

/** Whether the operation lets somebody in by the session cookie. */
export const takesCookie = (route: DeclaredRoute, taken: Taken): boolean =>
  toSecurity(route, taken).some(scheme => 'cookie' in scheme)
