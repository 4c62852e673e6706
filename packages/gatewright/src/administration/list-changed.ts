import type { AuditEventName } from '../audit/events.ts'
import { isIndexedEvent } from '../audit/indexed-events.ts'
import { day } from '../ground/clock.ts'
import type { Database } from '../storage/tables.ts'

/** What somebody should look at again who went back: it may have been changed once more since. */
const looked: readonly AuditEventName[] = [
  'user.created',
  'user.roles-changed',
  'user.disabled',
  'user.enabled',
  'user.password-change-forced',
  'second-factors.reset',
  'service.created',
  'service.roles-changed',
  'service.disabled',
  'service.enabled',
]

const before = 7 * day
/** As many as somebody looks through. */
const most = 100

/** The names of users and services that were changed by others in the week before, by name: a hundred at most. */
export const listChanged = async (db: Database, until: number): Promise<readonly string[]> => {
  const rows = await db
    .selectFrom('audit_events')
    .innerJoin('users', 'users.id', 'audit_events.user_id')
    .select(['users.username', 'users.username_key'])
    .distinct()
    .where('event', 'in', looked)
    .where(isIndexedEvent)
    .where('at', '>=', until - before)
    .where('users.deleted_at', 'is', null)
    .orderBy('users.username_key')
    .limit(most)
    .execute()
  return rows.map(({ username }) => username)
}

/** The names of users who have no password, and whom no mail reaches: a hundred at most. */
export const listLockedOut = async ({
  db,
  mail,
}: {
  readonly db: Database
  readonly mail: { readonly isOn: boolean }
}): Promise<readonly string[]> => {
  const rows = await db
    .selectFrom('users')
    .select(['username', 'username_key'])
    .where('kind', '=', 'user')
    .where('password_hash', 'is', null)
    .where('disabled_at', 'is', null)
    // Who never had one is invited, and awaits a mail; or signs in elsewhere.
    .where(({ or, and, eb, not, exists, selectFrom }) =>
      or([
        eb('former_password_hash', 'is not', null),
        and([
          eb('email', 'is', null),
          not(
            exists(
              selectFrom('identities')
                .select('identities.user_id')
                .whereRef('identities.user_id', '=', 'users.id'),
            ),
          ),
        ]),
      ]),
    )
    .$if(mail.isOn, query => query.where('email_verified_at', 'is', null))
    .where(({ not, exists, selectFrom }) =>
      not(exists(selectFrom('passkeys').select('passkeys.id').whereRef('passkeys.user_id', '=', 'users.id'))),
    )
    .orderBy('username_key')
    .limit(most)
    .execute()
  return rows.map(({ username }) => username)
}
