import type { CredentialPlaces } from '../../gate/credential.ts'
import type { GateRule } from '../../gate/passage.ts'
import type { PrincipalKind } from '../../gate/principal.ts'
import { isPublic } from '../../permissions/decide-access.ts'
import type { DeclaredRoute } from '../route-table.ts'

/** Where access tokens are taken, a 401 names their scheme, as it is written in the settings. */
const toBearer = ({ token, challenge }: CredentialPlaces) =>
  token.header === 'authorization' && token.scheme === 'bearer'
    ? { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'The `access_token` of a sign-in.' }
    : {
        type: 'apiKey',
        in: 'header',
        name: token.name,
        description: `\`${challenge}\`, a space, and the \`access_token\` of a sign-in.`,
      }

const toCookie = ({ cookie }: CredentialPlaces) => ({
  type: 'apiKey',
  in: 'cookie',
  name: cookie.name,
  description:
    'Set by `POST …/sessions`; a browser sends it by itself. What changes something asks for X-CSRF-Token as well.',
})

type Row = {
  readonly name: 'bearer' | 'cookie'
  readonly kind: PrincipalKind
  readonly isTaken: (rule: GateRule) => boolean
  readonly toScheme: (places: CredentialPlaces) => Readonly<Record<string, string>>
}

/** Where a credential may stand, and what kind of principal it makes. */
const rows: readonly Row[] = [
  { name: 'bearer', kind: 'user', isTaken: () => true, toScheme: toBearer },
  { name: 'cookie', kind: 'user', isTaken: ({ ignoresCookie }) => !ignoresCookie, toScheme: toCookie },
]

/** The rows of what this server takes. */
const rowsOf = ({ accepted }: CredentialPlaces): readonly Row[] =>
  rows.filter(({ name }) => accepted.has(name))

export const toSecuritySchemes = (places: CredentialPlaces) =>
  Object.fromEntries(rowsOf(places).map(({ name, toScheme }) => [name, toScheme(places)]))

/**
 * What the operation asks for. A public one that names its principals, or reads a credential by itself,
 * answers more to a caller who shows one: there it is optional.
 */
export const toSecurity = (
  { rule }: DeclaredRoute,
  places: CredentialPlaces,
): readonly Readonly<Record<string, readonly string[]>>[] => {
  const { access, principals = ['user'], readsOwnCredential } = rule
  const shown = rowsOf(places)
    .filter(({ kind, isTaken }) => principals.includes(kind) && isTaken(rule))
    .map(({ name }) => ({ [name]: [] }))
  if (!isPublic(access)) return shown
  return rule.principals !== undefined || readsOwnCredential ? [{}, ...shown] : []
}

/** Whether the operation lets somebody in by the session cookie. */
export const takesCookie = (route: DeclaredRoute, places: CredentialPlaces): boolean =>
  toSecurity(route, places).some(scheme => 'cookie' in scheme)
