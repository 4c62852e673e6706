/**
 * Many users and what belongs to them, written by SQL that both databases take: `i` counts from 1. Ids lie as random
 * ones do, so that rows that follow each other in a list do not lie side by side in their table.
 */

/** The id of the `i`th: 22 characters, as every id has. */
export const idOf = (kind: string, i: number | string): string =>
  `'${kind}-' || (10000000000000000 + ((${i}) * 2654435761) % 4294967291)`

type Rows = {
  readonly table: string
  readonly columns: string
  readonly values: string
  /** Which of the numbers have a row. */
  readonly where?: string
}

/** One user in 50 is disabled, one in 40 a moderator; one in 5 has one of a hundred roles made at run time. */
const rowsOf = (now: number, count: number): readonly Rows[] => {
  const begun = `${now - count} + i`
  const ended = now + 86_400_000
  return [
    {
      table: 'users',
      columns: 'id, username, username_key, email, email_key, version, created_at, disabled_at',
      values: `${idOf('user', 'i')}, 'user-' || i, 'user-' || i, 'user-' || i || '@example.org',
        'user-' || i || '@example.org', 1, ${begun}, case when i % 50 = 0 then ${now} end`,
    },
    {
      table: 'users',
      columns: 'id, username, username_key, version, created_at, kind',
      values: `${idOf('serv', 'i')}, 'service-' || i, 'service-' || i, 1, ${begun}, 'service'`,
      where: 'i % 10 = 0',
    },
    {
      table: 'roles',
      columns: 'name, description, created_at, changed_at',
      values: `'made-' || i, '', ${now}, ${now}`,
      where: 'i <= 100',
    },
    { table: 'user_roles', columns: 'user_id, role', values: `${idOf('user', 'i')}, 'user'` },
    {
      table: 'user_roles',
      columns: 'user_id, role',
      values: `${idOf('user', 'i')}, 'moderator'`,
      where: 'i % 40 = 0',
    },
    {
      table: 'user_roles',
      columns: 'user_id, role',
      values: `${idOf('user', 'i')}, 'made-' || (1 + i / 5 % 100)`,
      where: 'i % 5 = 0',
    },
    {
      table: 'sessions',
      columns: `id, user_id, user_version, generation, generation_since, refresh_key, amr, auth_time, device,
        address, created_at, last_used_at, expires_at, token_expires_at`,
      values: `${idOf('sess', 'i')}, ${idOf('user', 'i')}, 1, 1, 0, '', 'pwd', ${begun}, '', '', ${begun}, ${begun},
        ${ended}, ${ended}`,
    },
    {
      table: 'api_keys',
      columns: 'id, user_id, name, secret_hash, permissions, allowed_addresses, created_at, address',
      values: `${idOf('keys', 'i')}, ${idOf('user', 'i')}, 'key', '', 'posts:write', '', ${begun}, ''`,
    },
  ]
}

/** A server ends what takes long. */
const atOnce = 50_000

/** Writes so many users, each with a session and an API key, and a tenth as many services. */
export const addManyUsers = async (
  run: (sql: string) => Promise<unknown>,
  { count, now }: { readonly count: number; readonly now: number },
): Promise<void> => {
  for (let from = 1; from <= count; from += atOnce) {
    const to = Math.min(from + atOnce - 1, count)
    const numbers = `with recursive n(i) as (select ${from} union all select i + 1 from n where i < ${to})`
    for (const { table, columns, values, where = 'true' } of rowsOf(now, count))
      await run(`insert into ${table} (${columns}) ${numbers} select ${values} from n where ${where}`)
  }
}
