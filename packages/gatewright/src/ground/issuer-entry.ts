import { freezeDeeply } from './freeze-deeply.ts'
import { isKnownPrivate, isPlain, issuerMembers, type Member, toMembers } from './issuer-members.ts'
import type { TrustedIssuer } from './trusted-issuers.ts'

/** What is wrong with an entry, and what to write. Never repeats a value. */
export class Mistake extends Error {
  override readonly name = 'Mistake'
}

type Members = typeof issuerMembers
type MemberName = keyof Members
type ValueOf<M> = M extends { readonly parse: (value: never) => infer Value }
  ? M extends { readonly default: infer Default }
    ? Exclude<Value, undefined> | Default
    : Exclude<Value, undefined>
  : never
type Entry = { readonly [Name in MemberName]: ValueOf<Members[Name]> }

const readMember = (
  name: string,
  row: Member<unknown>,
  written: Readonly<Record<string, unknown>>,
): unknown => {
  if (!Object.hasOwn(written, name)) {
    if ('default' in row) return row.default
    throw new Mistake(`${name} is missing: write ${row.expects}`)
  }
  const value = row.parse(written[name])
  if (value === undefined) throw new Mistake(`${name}: write ${row.expects}`)
  return value
}

const readMembers = (value: unknown): Entry => {
  const written = toMembers(value)
  if (written === undefined) throw new Mistake('write an object, such as { "issuer": "https://…", … }')
  const unknown = Object.keys(written).find(name => !Object.hasOwn(issuerMembers, name))
  if (unknown !== undefined)
    throw new Mistake(
      `it has a member that there is not${isPlain(unknown) ? ` (${unknown.slice(0, 40)})` : ''}: write only ${Object.keys(issuerMembers).join(', ')}`,
    )
  // Each row of the table has parsed its own member: the type's definition.
  return Object.fromEntries(
    Object.entries(issuerMembers).map(([name, row]) => [name, readMember(name, row, written)]),
  ) as Entry
}

type Rule = { readonly isBroken: (entry: Entry) => boolean; readonly line: string }

const addressesOf = ({ issuer, jwks_uri }: Entry): readonly URL[] => [new URL(jwks_uri ?? issuer)]

/** What must hold between the members of an entry. */
const rules: readonly Rule[] = [
  {
    isBroken: entry =>
      entry.permissions_from_several !== undefined &&
      (entry.permissions_from !== undefined || entry.permissions !== undefined),
    line: 'permissions_from_several stands beside permissions_from or permissions: write the one or the other',
  },
  {
    isBroken: entry => entry.permissions_from_several === undefined && entry.permissions_from === undefined,
    line: `permissions_from is missing: write ${issuerMembers.permissions_from.expects}`,
  },
  {
    isBroken: entry => entry.permissions_from_several === undefined && entry.permissions === undefined,
    line: `permissions is missing: write ${issuerMembers.permissions.expects}`,
  },
  {
    isBroken: entry =>
      entry.audience === undefined && entry.takes_tokens_without_audience_of_clients.length === 0,
    line: `audience is missing: write ${issuerMembers.audience.expects}`,
  },
  {
    isBroken: entry => !entry.allow_private_addresses && addressesOf(entry).some(isKnownPrivate),
    line: 'its keys are on this machine or in a private network: write "allow_private_addresses": true if that is meant',
  },
  {
    isBroken: entry =>
      entry.takes_tokens_without_audience_of_clients.length > 0 &&
      Object.keys(entry.required_claims).length === 0,
    line: 'without an audience something else must tell its access tokens from others: write required_claims, such as { "token_use": "access" }',
  },
]

const toIssuer = (entry: Entry): TrustedIssuer =>
  freezeDeeply({
    issuer: entry.issuer,
    audience: entry.audience,
    clientsWithoutAudience: entry.takes_tokens_without_audience_of_clients,
    algorithms: entry.algorithms,
    jwksUri: entry.jwks_uri,
    type: entry.token_type,
    subjectFrom: entry.subject_from,
    permissions: entry.permissions_from_several ?? [
      { from: entry.permissions_from ?? [], permissions: entry.permissions ?? {} },
    ],
    localUser: entry.local_user,
    requiredClaims: entry.required_claims,
    leeway: entry.leeway,
    longestLifetime: entry.longest_lifetime,
    allowsPrivateAddresses: entry.allow_private_addresses,
    givesAdministrativePermissions: entry.gives_administrative_permissions,
  })

/** One entry of the list. @throws Mistake */
export const readIssuerEntry = (value: unknown): TrustedIssuer => {
  const entry = readMembers(value)
  const broken = rules.find(({ isBroken }) => isBroken(entry))
  if (broken !== undefined) throw new Mistake(broken.line)
  return toIssuer(entry)
}
