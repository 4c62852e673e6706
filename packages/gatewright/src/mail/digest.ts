import type { RoleTable } from '../permissions/roles.ts'
import { countAtMost } from '../storage/count-at-most.ts'
import type { Database, UserRow } from '../storage/tables.ts'
import type { Work } from '../storage/transaction.ts'
import { toLocale } from '../users/locale.ts'
import type { UnusualCounts } from './letters.ts'
import { type MailDependencies, queueMail } from './queue.ts'
import { digestPatterns } from './texts/unusual.ts'

/** More is not counted. */
const most = 1_000
/** So many administrators are told. */
const mostReaders = 50

/** What was raised since then, by pattern. */
const countRaised = async (db: Database, since: number): Promise<UnusualCounts> => {
  const counts: UnusualCounts = {}
  for (const pattern of digestPatterns) {
    const raised = db
      .selectFrom('unusual')
      .select('subject')
      .where('pattern', '=', pattern)
      .where('raised_at', '>', since)
      .limit(most)
    const count = await countAtMost(db, raised.as('found'))
    if (count > 0) counts[pattern] = count
  }
  return counts
}

const listReaders = (
  db: Database,
  { administrative }: Pick<RoleTable, 'administrative'>,
): Promise<Pick<UserRow, 'id' | 'username' | 'email' | 'locale'>[]> =>
  db
    .selectFrom('users')
    .select(['id', 'username', 'email', 'locale'])
    .where('email_verified_at', 'is not', null)
    .where('disabled_at', 'is', null)
    .where('id', 'in', eb =>
      eb
        .selectFrom('user_roles')
        .select('user_id')
        .where('role', 'in', [...administrative]),
    )
    .orderBy('id')
    .limit(mostReaders)
    .execute()

/** Tells the administrators what sign-ins were unusual since then: how many of each pattern, and nobody's name. */
export const sendDigest = async (
  dependencies: Omit<MailDependencies, 'mail'> & { readonly roleTable: Pick<RoleTable, 'administrative'> },
  work: Work,
  { since, secretId }: { readonly since: number; readonly secretId: string },
): Promise<void> => {
  const unusual = await countRaised(work.db, since)
  if (Object.keys(unusual).length === 0) return
  const mail = { isOn: true, wake: () => {} }
  for (const { id: userId, username, email, locale } of await listReaders(work.db, dependencies.roleTable)) {
    const who = { to: email ?? '', locale: toLocale(locale) }
    const content = { ...who, letter: 'unusual-sign-ins', values: { username, unusual }, links: {} } as const
    await queueMail({ ...dependencies, mail }, work, { content, userId, secretId })
  }
}
