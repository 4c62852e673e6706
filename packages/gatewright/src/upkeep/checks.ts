import { checkClientAddress } from './address-check.ts'
import { checkAudit } from './audit-check.ts'
import { checkCertificate, checkClientAuthorities } from './certificate-check.ts'
import {
  checkDatabase,
  checkDurability,
  checkIntegrity,
  checkMigrations,
  checkWritable,
} from './database-checks.ts'
import {
  type DatabaseFacts,
  type DatabaseKind,
  type Facts,
  type MachineFacts,
  type SettingsFacts,
  type Source,
  withFacts,
} from './facts.ts'
import { checkPermissions } from './file-checks.ts'
import { type Finding, problem } from './finding.ts'
import { checkHooks } from './hook-checks.ts'
import { checkHousekeeping } from './housekeeping-check.ts'
import { checkAdministrator, checkSecret, checkSecretOfDatabase } from './installation-checks.ts'
import { checkSigningKeys } from './key-checks.ts'
import { checkClock, checkClockOfAudit, checkNode, checkSpace } from './machine-checks.ts'
import { checkMail } from './mail-checks.ts'
import { type OwnParts, toOwnFacts } from './own-facts.ts'
import { checkProcesses } from './process-checks.ts'
import { checkRoles } from './role-checks.ts'
import { checkServedCertificate } from './served-certificate.ts'
import {
  checkClockOfServer,
  checkPool,
  checkRolesOfServer,
  checkServer,
  checkServerDurability,
  checkServerWritable,
  checkWayToServer,
} from './server-checks.ts'
import {
  checkAddress,
  checkAdministrators,
  checkLimits,
  checkProductionRules,
  checkRegistration,
  checkSettings,
} from './settings-checks.ts'
import { checkNotifications, checkValkey } from './wake-checks.ts'
import { checkWentBack } from './went-back.ts'

/** A row of the table; `run` gives undefined where what it looks at is not there. */
type Check = {
  readonly name: string
  /** The kind of database that it is about; absent where it is about both, or none. */
  readonly of?: DatabaseKind
  /** A server makes it between its requests as well: it reads few rows, holds no lock and connects to nobody. */
  readonly beside?: true
  readonly run: (facts: Facts) => Finding | Promise<Finding> | undefined
}

type Judge<Given> = (facts: Given) => Finding | Promise<Finding>

const onMachine =
  (judge: Judge<MachineFacts>): Check['run'] =>
  facts =>
    judge(facts.machine)
const onSettings =
  (judge: Judge<SettingsFacts>): Check['run'] =>
  facts =>
    facts.settings && judge(facts.settings)
const onDatabase =
  (judge: Judge<DatabaseFacts>): Check['run'] =>
  facts =>
    facts.database && judge(facts.database)
const onTables =
  (judge: Judge<DatabaseFacts>): Check['run'] =>
  facts =>
    facts.tables && judge(facts.tables)

/** What `gatewright doctor` looks at. A new check is a row here. */
const checks: readonly Check[] = [
  { name: 'node', run: onMachine(checkNode) },
  { name: 'clock', run: onMachine(checkClock) },
  { name: 'settings', run: onMachine(checkSettings) },
  { name: 'production-rules', beside: true, run: onSettings(checkProductionRules) },
  { name: 'public-url', beside: true, run: onSettings(checkAddress) },
  { name: 'certificate', beside: true, run: onSettings(checkCertificate) },
  { name: 'client-authorities', beside: true, run: onSettings(checkClientAuthorities) },
  { name: 'served-certificate', run: onSettings(checkServedCertificate) },
  { name: 'limits', beside: true, run: onSettings(checkLimits) },
  { name: 'registration', beside: true, run: onSettings(checkRegistration) },
  { name: 'administrators', beside: true, run: onSettings(checkAdministrators) },
  { name: 'permissions', beside: true, run: onSettings(checkPermissions) },
  { name: 'disk-space', beside: true, run: onSettings(checkSpace) },
  { name: 'secret', run: onSettings(checkSecret) },
  { name: 'database', run: onSettings(checkDatabase) },
  { name: 'integrity', of: 'sqlite', run: onDatabase(checkIntegrity) },
  { name: 'durability', of: 'sqlite', run: onDatabase(checkDurability) },
  { name: 'writing', of: 'sqlite', run: onDatabase(checkWritable) },
  { name: 'database-server', of: 'postgres', run: onDatabase(checkServer) },
  { name: 'database-tls', of: 'postgres', beside: true, run: onDatabase(checkWayToServer) },
  { name: 'database-clock', of: 'postgres', run: onDatabase(checkClockOfServer) },
  { name: 'database-pool', of: 'postgres', beside: true, run: onDatabase(checkPool) },
  { name: 'durability', of: 'postgres', beside: true, run: onDatabase(checkServerDurability) },
  { name: 'writing', of: 'postgres', run: onDatabase(checkServerWritable) },
  { name: 'migrations', run: onDatabase(checkMigrations) },
  { name: 'database-secret', run: onTables(checkSecretOfDatabase) },
  { name: 'signing-keys', beside: true, run: onTables(checkSigningKeys) },
  { name: 'processes', run: onTables(checkProcesses) },
  { name: 'client-address', beside: true, run: onTables(checkClientAddress) },
  { name: 'administrator', beside: true, run: onTables(checkAdministrator) },
  { name: 'hooks', beside: true, run: onTables(checkHooks) },
  { name: 'mail', beside: true, run: onTables(checkMail) },
  { name: 'housekeeping', beside: true, run: onTables(checkHousekeeping) },
  { name: 'roles', run: onTables(checkRoles) },
  { name: 'database-roles', of: 'postgres', beside: true, run: onTables(checkRolesOfServer) },
  { name: 'audit-chain', beside: true, run: onTables(checkAudit) },
  { name: 'audit-clock', beside: true, run: onTables(checkClockOfAudit) },
  { name: 'database-history', run: onTables(checkWentBack) },
  { name: 'notifications', of: 'postgres', run: onTables(checkNotifications) },
  { name: 'valkey', run: onTables(checkValkey) },
]

export type CheckedFinding = Finding & { readonly name: string }

export type Examination = {
  readonly findings: readonly CheckedFinding[]
  /** The names of checks that could not be made, because of what others found. */
  readonly notChecked: readonly string[]
}

const unexpected = (error: unknown): Finding =>
  problem({
    found: `could not be checked: ${error instanceof Error ? error.message : String(error)}`,
    means: 'What this looks at is broken in a way that was not expected.',
    do: 'See the other findings first; then report this line.',
  })

const runCheck = async (
  { name, run }: Check,
  facts: Facts,
): Promise<CheckedFinding | { readonly name: string }> => {
  try {
    return { name, ...(await run(facts)) }
  } catch (error) {
    return { name, ...unexpected(error) }
  }
}

const isMade = (result: CheckedFinding | { readonly name: string }): result is CheckedFinding =>
  'level' in result

const isOf =
  (kind: DatabaseKind) =>
  ({ of = kind }: Check): boolean =>
    of === kind

/** Makes every check, one after the other. Looks only: nothing is made, mended or changed. */
export const examine = (source: Source): Promise<Examination> =>
  withFacts(source, async facts => {
    const results: (CheckedFinding | { readonly name: string })[] = []
    for (const check of checks.filter(isOf(facts.settings?.database.kind ?? 'sqlite')))
      results.push(await runCheck(check, facts))
    return {
      findings: results.filter(isMade),
      notChecked: results.filter(result => !isMade(result)).map(({ name }) => name),
    }
  })

/** Those that a server can make of itself, between its requests and over its own connections. */
export const examineBeside = async (server: OwnParts): Promise<readonly CheckedFinding[]> => {
  const facts = toOwnFacts(server)
  const findings: CheckedFinding[] = []
  for (const check of checks.filter(isOf(facts.database.database.kind))) {
    if (check.beside === undefined) continue
    const result = await runCheck(check, facts)
    if (isMade(result)) findings.push(result)
  }
  return findings
}
