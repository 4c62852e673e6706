import type {
  AdministeredUser,
  CursorPage,
  ListedUser,
  OpenInvitation,
  UserSearch,
} from './administration-answers.ts'
import type { Ask } from './ask.ts'

/** `?q=al&state=enabled`, without what is not asked for. */
const toQuery = (asked: Readonly<Record<string, string | undefined>>): string => {
  const given = Object.entries(asked).filter((entry): entry is [string, string] => Boolean(entry[1]))
  return given.length === 0 ? '' : `?${new URLSearchParams(given)}`
}

/** How many rows stand on a page that is read by its number. */
export const invitationsPerPage = 50

/** The routes of administrators, one line each. */
export const createAdministration = (ask: Ask) => {
  const one = (list: string, id: string): string => `/admin/${list}/${encodeURIComponent(id)}`
  return {
    listUsers: (search: UserSearch, cursor?: string) =>
      ask('GET', `/admin/users${toQuery({ ...search, cursor })}`) as Promise<CursorPage<ListedUser>>,
    findUser: (id: string) => ask('GET', one('users', id)) as Promise<AdministeredUser>,
    changeUser: (id: string, change: string, reason?: string) =>
      ask('POST', `${one('users', id)}/${change}`, reason === undefined ? undefined : { reason }),
    changeUserRoles: (id: string, roles: readonly string[]) =>
      ask('PUT', `${one('users', id)}/roles`, { roles }),
    deleteUser: (id: string) => ask('DELETE', one('users', id)),
    listInvitations: async (page: number) =>
      (await ask('GET', `/admin/invitations?page=${page}&per_page=${invitationsPerPage}`)) as {
        readonly invitations: readonly OpenInvitation[]
        readonly total: number
      },
    invite: (email: string, roles: readonly string[]) => ask('POST', '/admin/users', { email, roles }),
    revokeInvitation: (id: string) => ask('DELETE', one('invitations', id)),
  }
}
