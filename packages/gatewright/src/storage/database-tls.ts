import { type DatabaseTls, leavesMachine, parsePostgresAddress } from '../ground/postgres-address.ts'
import type { Settings } from '../ground/settings.ts'

const weaknesses: Readonly<Partial<Record<DatabaseTls, string>>> = {
  none: 'asks for no TLS, and the database is on another machine: whoever is on the way reads and changes what is stored',
  unverified:
    'does not check who answers (sslmode=no-verify), and the database is on another machine: whoever is on the way can take its place',
}

/** What is weak about the way to the database, one line for each address; empty where it stays on this machine. */
export const findTlsWarnings = ({
  databaseUrl,
  databaseAdminUrl,
}: Pick<Settings, 'databaseUrl' | 'databaseAdminUrl'>): readonly string[] =>
  Object.entries({ DATABASE_URL: databaseUrl, DATABASE_ADMIN_URL: databaseAdminUrl }).flatMap(
    ([name, url]) => {
      const address = url === undefined ? undefined : parsePostgresAddress(url)
      const weakness = address && leavesMachine(address) ? weaknesses[address.tls] : undefined
      return weakness === undefined ? [] : [`${name} ${weakness}. Write sslmode=verify-full there.`]
    },
  )
