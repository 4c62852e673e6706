import { eventCountsOf } from '../../audit/event-counts.ts'
import { auditEvents } from '../../audit/events.ts'
import { byLabel, type MetricRow } from './metric.ts'

type Row = {
  readonly name: string
  readonly help: string
  readonly label: string
  /** By the name of an audit event, how it is called here. */
  readonly of: Readonly<Record<string, string>>
}

const prefix = 'unusual.'
const patterns = Object.keys(auditEvents).filter(name => name.startsWith(prefix))

const rows: readonly Row[] = [
  {
    name: 'gatewright_sign_ins_total',
    help: 'Sign-ins, and confirmations of who somebody is: sessions that began, second factors asked for in between, and what failed.',
    label: 'result',
    of: {
      'session.started': 'started',
      'second-factor.asked': 'second_factor_asked',
      'sign-in.failed': 'failed',
    },
  },
  {
    name: 'gatewright_second_factors_total',
    help: 'Second factors that were refused, recovery codes that were taken, and copies of passkeys that were found.',
    label: 'result',
    of: {
      'second-factor.failed': 'failed',
      'recovery-code.used': 'recovery_code',
      'passkey.cloned': 'cloned_passkey',
    },
  },
  {
    name: 'gatewright_refreshes_total',
    help: 'Refresh tokens that were shown: the live one, the one before it within its window, an older one (reused: a theft, or a lost answer) and one that the database does not know yet (ahead: it went back).',
    label: 'result',
    of: {
      'session.refreshed': 'refreshed',
      'session.refresh-retried': 'retried',
      'refresh-token.reused': 'reused',
      'refresh-token.ahead': 'ahead',
    },
  },
  {
    name: 'gatewright_unusual_sign_ins_total',
    help: 'Unusual sign-ins, by pattern.',
    label: 'pattern',
    of: Object.fromEntries(patterns.map(name => [name, name.slice(prefix.length)])),
  },
]

/** What this process wrote as audit events: counted once they are committed. */
export const eventMetrics: readonly MetricRow[] = [
  ...rows.map(
    ({ label, of, ...metric }): MetricRow => ({
      ...metric,
      type: 'counter',
      labels: [label],
      list: ({ engine }) => {
        const counted = eventCountsOf(engine.db)
        return byLabel(
          label,
          Object.entries(of).map(([event, name]) => [name, counted.get(event) ?? 0]),
        )
      },
    }),
  ),
  {
    name: 'gatewright_audit_events_total',
    help: 'Audit events that this process wrote, by name.',
    type: 'counter',
    labels: ['event'],
    list: ({ engine }) => byLabel('event', eventCountsOf(engine.db)),
  },
]
