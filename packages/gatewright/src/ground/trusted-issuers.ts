/** What another issuer may sign with. Public keys only: whoever can check a token can make none. */
export const issuerAlgorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
] as const
export type IssuerAlgorithm = (typeof issuerAlgorithms)[number]

/**
 * What the `typ` of its access tokens is, by the name that an entry writes; undefined where there is none. Of
 * those in capitals ID tokens have the same one.
 */
export const issuerTypes = {
  'at+jwt': ['at+jwt', 'application/at+jwt'],
  'application/okta-internal-at+jwt': ['application/okta-internal-at+jwt'],
  JWT_WHICH_ID_TOKENS_HAVE_AS_WELL: ['JWT'],
  NONE_WHICH_ID_TOKENS_HAVE_AS_WELL: [undefined],
} as const satisfies Readonly<Record<string, readonly (string | undefined)[]>>
export type IssuerType = keyof typeof issuerTypes

/** A claim that lists permissions, and what its words mean: in another claim the same word may mean another thing. */
export type PermissionSource = {
  /** The names of the claims, each inside the one before, to the one that lists them. */
  readonly from: readonly string[]
  /** Theirs, and which of ours they are. What is not named is not taken. */
  readonly permissions: Readonly<Record<string, readonly string[]>>
}

/** Another issuer, whose access tokens are taken at the gate. Frozen, deeply; times in milliseconds. */
export type TrustedIssuer = {
  /** Exactly as `iss` has it. */
  readonly issuer: string
  /** What `aud` must hold. Undefined: a token that has one is refused. */
  readonly audience: string | undefined
  /** Clients whose tokens are taken without `aud`. */
  readonly clientsWithoutAudience: readonly string[]
  readonly algorithms: readonly IssuerAlgorithm[]
  /** Undefined: found by discovery, on the issuer's own address. */
  readonly jwksUri: string | undefined
  readonly type: IssuerType
  /** The claim that names the subject. */
  readonly subjectFrom: string
  readonly permissions: readonly PermissionSource[]
  /** `required`: a token acts for the user that its subject is linked to, and is refused without one. */
  readonly localUser: 'required' | 'none'
  /** Claims, and the values of which each must have one. */
  readonly requiredClaims: Readonly<Record<string, readonly string[]>>
  readonly leeway: number
  readonly longestLifetime: number
  readonly allowsPrivateAddresses: boolean
  readonly givesAdministrativePermissions: boolean
}

/** Whether ID tokens of the issuer have the same `typ` as its access tokens. */
export const isLikeIdTokens = ({ type }: Pick<TrustedIssuer, 'type'>): boolean =>
  type.endsWith('_WHICH_ID_TOKENS_HAVE_AS_WELL')

/** Ours that its tokens may have at most, each once. */
export const permissionsGivenBy = ({
  permissions,
}: Pick<TrustedIssuer, 'permissions'>): readonly string[] => [
  ...new Set(permissions.flatMap(source => Object.values(source.permissions).flat())),
]

/** What each entry weakens, for the log of the start. */
export const warningsOfIssuers = (issuers: readonly TrustedIssuer[]): readonly string[] =>
  issuers.flatMap(entry =>
    weakenings
      .filter(({ holds }) => holds(entry))
      .map(({ line }) => `TRUSTED_ISSUERS: ${entry.issuer}: ${line}`),
  )

const weakenings: readonly { readonly holds: (entry: TrustedIssuer) => boolean; readonly line: string }[] = [
  {
    holds: isLikeIdTokens,
    line: 'its access tokens are told from its ID tokens by their audience and the claims required only (token_type)',
  },
  {
    holds: ({ clientsWithoutAudience }) => clientsWithoutAudience.length > 0,
    line: 'tokens of the clients listed are taken without an audience: what they got for another API is good here as well (takes_tokens_without_audience_of_clients)',
  },
  {
    holds: ({ allowsPrivateAddresses }) => allowsPrivateAddresses,
    line: 'its keys may be fetched from this machine and private networks (allow_private_addresses)',
  },
  {
    holds: ({ givesAdministrativePermissions }) => givesAdministrativePermissions,
    line: 'whoever runs it can administer this server (gives_administrative_permissions)',
  },
  {
    holds: ({ issuer, jwksUri = issuer }) => jwksUri.startsWith('http:'),
    line: 'its keys are fetched over plain HTTP, on this machine',
  },
]
