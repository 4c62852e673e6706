import { sql } from 'kysely'
import { second } from '../ground/clock.ts'
import { leavesMachine, parsePostgresAddress } from '../ground/postgres-address.ts'
import { extraConnections } from '../storage/database.ts'
import { measureOffset } from '../storage/database-clock.ts'
import { findTlsWarnings } from '../storage/database-tls.ts'
import { findFaults, findWeakenings, readServerFacts, type ServerFacts } from '../storage/postgres-server.ts'
import type { DatabaseFacts } from './facts.ts'
import { type Finding, ok, problem, warning } from './finding.ts'
import { judgePasswordOfRole } from './secret-age.ts'

type Facts = Pick<DatabaseFacts, 'db' | 'settings' | 'clock'>

export const checkServer = async ({ db }: Facts): Promise<Finding> => judgeServer(await readServerFacts(db))

export const judgeServer = (facts: ServerFacts): Finding => {
  const faults = findFaults(facts)
  if (faults.length === 0) return ok(`PostgreSQL ${facts.versionText}, ${facts.encoding}, the primary`)
  return problem({
    found: faults.join('; '),
    means: 'The server does not start.',
    do: 'Use a primary of PostgreSQL 15 or newer, with a database in UTF8.',
  })
}

/** Values of `synchronous_commit` with which a commit is on this server's disk, at least. */
const durable = ['on', 'remote_apply']

export const checkServerDurability = async ({ db }: Facts): Promise<Finding> =>
  judgeServerDurability(await readServerFacts(db))

export const judgeServerDurability = (facts: ServerFacts): Finding => {
  const weakenings = findWeakenings(facts)
  if (weakenings.length > 0)
    return problem({
      found: weakenings.map(line => line.split(':')[0]).join('; '),
      means: 'A power cut can undo what was answered, also a logout, or damage the database.',
      do: 'Write fsync = on and full_page_writes = on in postgresql.conf; a start in production stops without.',
    })
  if (facts.standbys > 0 && facts.synchronousStandbys === '')
    return warning({
      found: `${facts.standbys} other servers copy this one, and no commit waits for them`,
      means:
        'A fail-over undoes the last seconds that were answered, also logouts, by as much as the copy is behind.',
      do: 'Name those that may be promoted in synchronous_standby_names, and leave synchronous_commit on.',
    })
  if (!durable.includes(facts.synchronousCommit))
    return warning({
      found: `the role ${facts.role} has synchronous_commit=${facts.synchronousCommit}`,
      means:
        'The server sets it to "on" for itself; behind a pooler that shares connections, writes outside a transaction keep it.',
      do: `alter role "${facts.role}" set synchronous_commit = on`,
    })
  return ok(
    `fsync, full_page_writes, synchronous_commit=${facts.synchronousCommit}${facts.standbys > 0 ? `, commits wait for ${facts.synchronousStandbys}` : ''}`,
  )
}

export const checkServerWritable = async ({ db }: Facts): Promise<Finding> => {
  const { rows } = await sql<{ readOnly: string }>`
    select current_setting('transaction_read_only') as "readOnly"`.execute(db)
  if (rows[0]?.readOnly === 'off') return ok('can be written')
  return problem({
    found: 'can only be read: default_transaction_read_only is on',
    means: 'Nobody can sign in or out.',
    do: 'Set it to off, for the server, the database or the role, whichever has it.',
  })
}

export const checkRolesOfServer = async ({ db, settings, clock }: Facts): Promise<Finding> => {
  const ending = await judgePasswordOfRole({ db, clock })
  if (ending !== undefined) return ending
  const { role, auditRights } = await readServerFacts(db)
  if (auditRights.length === 0) return ok(`the server's role ${role} can't change audit events`)
  return warning({
    found: `the server's role ${role} may ${auditRights.join(', ')} audit events`,
    means: 'Grants protect nothing: whoever takes over the server can remove what it recorded.',
    do:
      settings.databaseAdminUrl === undefined
        ? 'Make a second role for the server, and write the one that owns the tables as DATABASE_ADMIN_URL: docs/postgresql.md.'
        : 'Write a role as DATABASE_URL that owns nothing and is no superuser: docs/postgresql.md.',
  })
}

export const checkWayToServer = async ({ db, settings }: Facts): Promise<Finding> => {
  const weak = findTlsWarnings(settings)
  if (weak.length > 0)
    return warning({
      found: weak.join(' '),
      means: 'Passwords, keys and everything stored can be read, or changed, on the way.',
      do: 'Write ?sslmode=verify-full&sslrootcert=<PEM of the authority> behind the address.',
    })
  const { isEncrypted } = await readServerFacts(db)
  const address = parsePostgresAddress(settings.databaseUrl)
  if (address !== undefined && !leavesMachine(address)) return ok('stays on this machine')
  return ok(`TLS ${isEncrypted ? 'with' : 'to a proxy before'} the server, whose name is checked`)
}

const mostDifference = 2 * second

export const checkClockOfServer = async ({ db, clock }: Facts): Promise<Finding> =>
  judgeClockOfServer((await measureOffset(db, clock)).offset)

/** @param offset by so many milliseconds the server is ahead */
export const judgeClockOfServer = (offset: number): Finding => {
  const seconds = `${(Math.abs(offset) / second).toFixed(1)} s`
  if (Math.abs(offset) <= mostDifference) return ok(`${seconds} from this machine's`)
  return problem({
    found: `${seconds} ${offset > 0 ? 'ahead of' : 'behind'} this machine's clock`,
    means:
      'This process is not ready (/readyz): it goes by the time of the database, its logs and certificates by this one.',
    do: 'Set both clocks and keep them right, for example with: timedatectl set-ntp true',
  })
}

export const checkPool = async ({ db, settings: { databasePool } }: Facts): Promise<Finding> => {
  const { maxConnections } = await readServerFacts(db)
  const found = `DATABASE_POOL=${databasePool} of ${maxConnections} connections that the server has for all`
  if (databasePool + extraConnections < maxConnections) return ok(found)
  return warning({
    found,
    means: 'One process alone can use them all up: further ones, and commands like this, are answered 503.',
    do: `Write a DATABASE_POOL that, with ${extraConnections} more, is below ${maxConnections} divided by the number of processes, or raise max_connections.`,
  })
}
