import { second } from '../../ground/clock.ts'
import type { DeliveryCounts } from '../../ground/delivery-counts.ts'
import { isPostgresUrl } from '../../storage/database.ts'
import { type DatabaseFigures, readDatabaseFigures } from '../../storage/database-figures.ts'
import { version } from '../../upkeep/manifest.ts'
import { byLabel, type MetricRow, type Sources, single } from './metric.ts'

const toResults = ({ done, failed, givenUp }: Readonly<DeliveryCounts>) =>
  byLabel('result', [
    ['delivered', done],
    ['failed', failed],
    ['given_up', givenUp],
  ])

const ofDatabase =
  (pick: (figures: DatabaseFigures) => number | undefined): MetricRow['list'] =>
  ({ engine }) => {
    const figures = readDatabaseFigures(engine.db)
    return single(figures && pick(figures))
  }

type MapCounts = { readonly known: number; readonly checked: number }

const toLookUps = (map: string, { known, checked }: MapCounts) => [
  { labels: { map, result: 'known' }, value: known },
  { labels: { map, result: 'checked' }, value: checked },
]

const limitHits = ({ engine }: Sources, pick: 'limited' | 'storeAway') =>
  byLabel(
    'limit',
    [...engine.limitHits()].map(([name, hits]) => [name, hits[pick]]),
  )

/** What a process knows of itself. */
export const engineMetrics: readonly MetricRow[] = [
  {
    name: 'gatewright_build_info',
    help: 'Always 1: the version of Gatewright, of Node.js, and the kind of database.',
    type: 'gauge',
    labels: ['version', 'node', 'database'],
    list: ({ engine: { settings } }) => {
      const database = isPostgresUrl(settings.databaseUrl) ? 'postgresql' : 'sqlite'
      return [{ labels: { version, node: process.versions.node, database }, value: 1 }]
    },
  },
  {
    name: 'gatewright_limit_hits_total',
    help: 'Requests that a limit refused, by limit.',
    type: 'counter',
    labels: ['limit'],
    list: sources => limitHits(sources, 'limited'),
  },
  {
    name: 'gatewright_limit_store_away_total',
    help: 'Requests that were refused because an exact limit could not be counted, by limit.',
    type: 'counter',
    labels: ['limit'],
    list: sources => limitHits(sources, 'storeAway'),
  },
  {
    name: 'gatewright_hashing_waiting',
    help: 'Passwords that wait to be hashed.',
    type: 'gauge',
    labels: [],
    list: ({ engine }) => single(engine.hasher.waiting()),
  },
  {
    name: 'gatewright_hashing_active',
    help: 'Passwords that are being hashed, or lie ready for a thread.',
    type: 'gauge',
    labels: [],
    list: ({ engine }) => single(engine.hasher.running()),
  },
  {
    name: 'gatewright_hashes_total',
    help: 'Password hashes that were begun.',
    type: 'counter',
    labels: [],
    list: ({ engine }) => single(engine.hasher.count()),
  },
  {
    name: 'gatewright_hashing_refused_total',
    help: 'Requests that were refused because too many passwords waited.',
    type: 'counter',
    labels: [],
    list: ({ engine }) => single(engine.hasher.refused()),
  },
  {
    name: 'gatewright_credential_look_ups_total',
    help: 'Access tokens and API keys that this process knew already, and those that it had to check (a signature, or a read).',
    type: 'counter',
    labels: ['map', 'result'],
    list: ({ engine }) => [
      ...toLookUps('access_tokens', engine.accessTokens.counts()),
      ...toLookUps('api_keys', engine.knownKeys.counts()),
    ],
  },
  {
    name: 'gatewright_database_in_use',
    help: 'PostgreSQL: connections at work, of DATABASE_POOL. SQLite: 1 while a transaction writes.',
    type: 'gauge',
    labels: [],
    list: ofDatabase(({ inUse }) => inUse),
  },
  {
    name: 'gatewright_database_waiting',
    help: 'Who waits for a connection (PostgreSQL), or for a turn to write (SQLite).',
    type: 'gauge',
    labels: [],
    list: ofDatabase(({ waiting }) => waiting),
  },
  {
    name: 'gatewright_database_unwritable_seconds',
    help: 'For how long the database has taken no writes though it can be read; 0 where it takes them.',
    type: 'gauge',
    labels: [],
    list: ({ engine }) => single((engine.processes.writeTrouble()?.milliseconds ?? 0) / second),
  },
  {
    name: 'gatewright_disk_free_ratio',
    help: 'SQLite: the share of its disk that is free, from 0 to 1.',
    type: 'gauge',
    labels: [],
    list: ({ engine }) => single(engine.freeShare()),
  },
  {
    name: 'gatewright_database_transactions_total',
    help: 'SQLite: transactions that were committed.',
    type: 'counter',
    labels: [],
    list: ofDatabase(({ transactions }) => transactions),
  },
  {
    name: 'gatewright_database_commits_total',
    help: 'SQLite: how often the disk was waited for; several transactions share one commit.',
    type: 'counter',
    labels: [],
    list: ofDatabase(({ commits }) => commits),
  },
  {
    name: 'gatewright_mails_total',
    help: 'Attempts to send mail: delivered, failed (tried again) and given up.',
    type: 'counter',
    labels: ['result'],
    list: ({ engine }) => toResults(engine.mail.counts()),
  },
  {
    name: 'gatewright_hook_events_total',
    help: 'Attempts to deliver events to hooks: delivered, failed (tried again) and given up.',
    type: 'counter',
    labels: ['result'],
    list: ({ engine }) => toResults(engine.hooks.counts()),
  },
  {
    name: 'gatewright_audit_unsealed_seconds',
    help: 'For how long the oldest audit event waits to be sealed, as this process sees it; 0 where all are.',
    type: 'gauge',
    labels: [],
    list: ({ engine }) => single(engine.sealer.lag() / second),
  },
  {
    name: 'gatewright_revocations_age_seconds',
    help: 'The age of the view of what was taken back; past REVOCATION_MAX_AGE requests are answered 503.',
    type: 'gauge',
    labels: [],
    list: ({ engine }) => single(engine.revocations.age() / second),
  },
  {
    name: 'gatewright_wake_line_works',
    help: 'Whether what is said on a line by which other processes are woken arrives (1), or time alone wakes (0).',
    type: 'gauge',
    labels: ['line'],
    list: ({ engine }) =>
      byLabel(
        'line',
        engine.lines.states().map(({ line, works }) => [line, Number(works)]),
      ),
  },
  {
    name: 'gatewright_feed_changes_total',
    help: 'How often this process found the feed of cut-offs to be another one (other-epoch), an older state (went-back), on another server (failed-over) or on one that was restarted, or its file lost.',
    type: 'counter',
    labels: ['change'],
    list: ({ engine }) => byLabel('change', Object.entries(engine.revocations.harm().changes)),
  },
  {
    name: 'gatewright_cut_offs_written_back_total',
    help: 'Cut-offs that this process knew and a database lacked that went back; it has them again.',
    type: 'counter',
    labels: [],
    list: ({ engine }) => single(engine.revocations.harm().writtenBack),
  },
]
