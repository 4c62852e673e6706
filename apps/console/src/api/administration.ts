import type {
  AdministeredUser,
  AnySession,
  CursorPage,
  Explanation,
  KnownPermission,
  ListedUser,
  OpenInvitation,
  Role,
  Service,
  SettingsShown,
  SigningKey,
  UserSearch,
} from './administration-answers.ts'
import type { Ask } from './ask.ts'
import type { AuditEvent, AuditSearch, Chain, EventKind } from './audit-answers.ts'
import type { AskedSeries, Health, Identity, Issuer, Statistics } from './installation-answers.ts'
import type { KeyRequest, NewApiKey, OwnedKey } from './key-answers.ts'
import type { FindingKind, ReviewPage, SignOff } from './review-answers.ts'

/** `?q=al&state=enabled`, without what is not asked for. */
export const toQuery = (asked: Readonly<Record<string, string | undefined>>): string => {
  const given = Object.entries(asked).filter((entry): entry is [string, string] => Boolean(entry[1]))
  return given.length === 0 ? '' : `?${new URLSearchParams(given)}`
}

/** How many rows stand on a page that is read by its number. */
export const invitationsPerPage = 50

type Named = Pick<Identity, 'issuer' | 'subject'>

/** The routes of administrators, one line each. */
export const createAdministration = (ask: Ask) => {
  const one = (list: string, id: string): string => `/admin/${list}/${encodeURIComponent(id)}`
  /** What has an address of its own below the thing; its end is a method. */
  const change = (list: string) => (id: string, name: string, reason?: string) =>
    name === 'delete'
      ? ask('DELETE', one(list, id))
      : ask('POST', `${one(list, id)}/${name}`, reason === undefined ? undefined : { reason })
  const changeRoles = (list: string) => (id: string, roles: readonly string[]) =>
    ask('PUT', `${one(list, id)}/roles`, { roles })
  return {
    listUsers: (search: UserSearch, cursor?: string) =>
      ask('GET', `/admin/users${toQuery({ ...search, cursor })}`) as Promise<CursorPage<ListedUser>>,
    findUser: (id: string) => ask('GET', one('users', id)) as Promise<AdministeredUser>,
    changeUser: change('users'),
    changeUserRoles: changeRoles('users'),
    listInvitations: async (page: number) =>
      (await ask('GET', `/admin/invitations?page=${page}&per_page=${invitationsPerPage}`)) as {
        readonly invitations: readonly OpenInvitation[]
        readonly total: number
      },
    /** With a name the user is there at once; without one whoever reads the mail chooses it. */
    addUser: (person: {
      readonly email: string
      readonly roles: readonly string[]
      readonly username?: string
    }) => ask('POST', '/admin/users', person),
    listServices: (cursor?: string) =>
      ask('GET', `/admin/services${toQuery({ cursor })}`) as Promise<CursorPage<Service>>,
    findService: (id: string) => ask('GET', one('services', id)) as Promise<Service>,
    createService: (service: Pick<Service, 'name' | 'description' | 'roles'>) =>
      ask('POST', '/admin/services', service),
    changeService: change('services'),
    changeServiceRoles: changeRoles('services'),
    explain: (question: { readonly user?: string; readonly permission?: string; readonly route?: string }) =>
      ask('POST', '/admin/explain', question) as Promise<Explanation>,
    listSessions: (user?: string, cursor?: string) =>
      ask('GET', `/admin/sessions${toQuery({ user, cursor })}`) as Promise<CursorPage<AnySession>>,
    endSession: (id: string) => ask('DELETE', one('sessions', id)),
    listSigningKeys: async () =>
      ((await ask('GET', '/admin/signing-keys')) as { readonly signing_keys: readonly SigningKey[] })
        .signing_keys,
    rotateSigningKeys: () => ask('POST', '/admin/signing-keys/rotate'),
    revokeSigningKey: (kid: string) => ask('POST', `${one('signing-keys', kid)}/revoke`),
    listKeys: (owner?: string, cursor?: string) =>
      ask('GET', `/admin/api-keys${toQuery({ owner_id: owner, cursor })}`) as Promise<CursorPage<OwnedKey>>,
    makeKey: (owner: string, request: KeyRequest) =>
      ask('POST', '/admin/api-keys', { owner_id: owner, ...request }) as Promise<NewApiKey>,
    rotateKey: (id: string) => ask('POST', `${one('api-keys', id)}/rotate`) as Promise<NewApiKey>,
    revokeKey: (id: string) => ask('DELETE', one('api-keys', id)),
    listRoles: async () => ((await ask('GET', '/admin/roles')) as { readonly roles: readonly Role[] }).roles,
    listPermissions: async () =>
      ((await ask('GET', '/admin/permissions')) as { readonly permissions: readonly KnownPermission[] })
        .permissions,
    createRole: (role: Pick<Role, 'name' | 'description' | 'permissions'>) =>
      ask('POST', '/admin/roles', role),
    changeRole: (name: string, role: Pick<Role, 'description' | 'permissions'>) =>
      ask('PATCH', one('roles', name), role),
    deleteRole: (name: string) => ask('DELETE', one('roles', name)),
    findSettings: () => ask('GET', '/admin/settings') as Promise<SettingsShown>,
    findHealth: () => ask('GET', '/admin/health') as Promise<Health>,
    findStatistics: (asked: AskedSeries = {}) =>
      ask('GET', `/admin/statistics${toQuery(asked)}`) as Promise<Statistics>,
    listEvents: (search: AuditSearch, cursor?: string) =>
      ask('GET', `/admin/audit${toQuery({ ...search, cursor })}`) as Promise<CursorPage<AuditEvent>>,
    listEventKinds: async () =>
      ((await ask('GET', '/admin/audit/events')) as { readonly events: readonly EventKind[] }).events,
    findChain: () => ask('GET', '/admin/audit/chain') as Promise<Chain>,
    findReview: (days: string, kind?: FindingKind, cursor?: string) =>
      ask('GET', `/admin/access-review${toQuery({ unused_for: days, kind, cursor })}`) as Promise<ReviewPage>,
    listSignOffs: async () =>
      ((await ask('GET', '/admin/access-review/sign-offs')) as { readonly data: readonly SignOff[] }).data,
    signReview: (signing: {
      readonly digest: string
      readonly unused_for: string
      readonly comment: string
    }) => ask('POST', '/admin/access-review/sign-offs', signing),
    listIssuers: async () =>
      ((await ask('GET', '/admin/issuers')) as { readonly issuers: readonly Issuer[] }).issuers,
    changeIssuer: (name: 'block' | 'unblock', issuer: string) =>
      ask('POST', `/admin/issuers/${name}`, { issuer }),
    listIdentities: async (user: string) =>
      ((await ask('GET', `${one('users', user)}/identities`)) as { readonly data: readonly Identity[] }).data,
    linkIdentity: (user: string, { issuer, subject }: Named) =>
      ask('POST', `${one('users', user)}/identities`, { issuer, subject }),
    unlinkIdentity: (user: string, { issuer, subject }: Named) =>
      ask('DELETE', `${one('users', user)}/identities${toQuery({ issuer, subject })}`),
    revokeInvitation: (id: string) => ask('DELETE', one('invitations', id)),
  }
}
