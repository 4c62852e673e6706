/** A series of a test of Prometheus, in its own short words: `0x10 6x20` is eleven times 0 and then 21 times 6. */
type Series = Readonly<Record<string, string>>

/** A rule by which somebody is told. Expressions are PromQL. */
export type Alert = {
  readonly name: string
  readonly expr: string
  readonly for: string
  /** `page`: now, at night as well. `ticket`: on the next working day. */
  readonly severity: 'page' | 'ticket'
  readonly means: string
  readonly do: string
  /** Told after 30 minutes of these, with these labels beside the severity. */
  readonly fires: { readonly series: Series; readonly labels?: Readonly<Record<string, string>> }
  /** Never told while these go on. */
  readonly quiet: Series
}

const busy = { 'http_requests_total{method="GET",route="/a",status="200"}': '0+6000x60' }
const none = '0x60'
const rising = '0x20 0+1x40'

export const alerts: readonly Alert[] = [
  {
    name: 'GatewrightAbsent',
    expr: 'absent(gatewright_build_info)',
    for: '5m',
    severity: 'page',
    means: 'Prometheus has no metrics of any process: none runs, or none can be read.',
    do: 'Ask `/healthz` and `/readyz`. Where they answer, look at the address and the credential that Prometheus reads `/metrics` with (`metrics:read`, or `METRICS_PORT`).',
    fires: { series: busy },
    quiet: { gatewright_build_info: '1x60' },
  },
  {
    name: 'GatewrightErrors',
    expr: 'sum(rate(http_requests_total{status=~"5.."}[5m])) / sum(rate(http_requests_total[5m])) > 0.01',
    for: '5m',
    severity: 'page',
    means: 'More than one in a hundred answers is an error of the server.',
    do: 'Look for the lines of the log at level `error`, and at `/readyz`: 503 is a database or a queue, 500 a fault in the code. `sum by (route) (rate(http_requests_total{status=~"5.."}[5m]))` names the routes.',
    fires: { series: { ...busy, 'http_requests_total{method="GET",route="/a",status="500"}': '0+120x60' } },
    quiet: { ...busy, 'http_requests_total{method="GET",route="/a",status="500"}': '0+30x60' },
  },
  {
    name: 'GatewrightSlow',
    expr: 'histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket{route!~".*/revocations"}[5m]))) > 1',
    for: '10m',
    severity: 'ticket',
    means: 'One in a hundred answers takes longer than a second; those that wait on purpose are not counted.',
    do: 'Look at `gatewright_database_waiting`, `gatewright_hashing_waiting` and `nodejs_eventloop_lag_p99_seconds`: the first is the database, the second sign-ins, the third this process. What is usual is measured (in the repository: docs/performance.md).',
    fires: {
      series: {
        'http_request_duration_seconds_bucket{route="/a",le="0.25"}': '0+90x60',
        'http_request_duration_seconds_bucket{route="/a",le="1"}': '0+95x60',
        'http_request_duration_seconds_bucket{route="/a",le="5"}': '0+100x60',
        'http_request_duration_seconds_bucket{route="/a",le="+Inf"}': '0+100x60',
      },
    },
    quiet: {
      'http_request_duration_seconds_bucket{route="/a",le="0.25"}': '0+100x60',
      'http_request_duration_seconds_bucket{route="/a",le="1"}': '0+100x60',
      'http_request_duration_seconds_bucket{route="/a",le="+Inf"}': '0+100x60',
      'http_request_duration_seconds_bucket{route="/auth/revocations",le="1"}': none,
      'http_request_duration_seconds_bucket{route="/auth/revocations",le="+Inf"}': '0+1000x60',
    },
  },
  {
    name: 'GatewrightRevocationsStale',
    expr: 'gatewright_revocations_age_seconds > 5',
    for: '1m',
    severity: 'page',
    means:
      'A process has not heard what was taken back for longer than it may (`REVOCATION_MAX_AGE`, 5 s): it answers signed-in callers with 503.',
    do: 'The database does not answer this process. Look at the database and the way to it. It mends itself when the database answers.',
    fires: {
      series: { 'gatewright_revocations_age_seconds{instance="a"}': '0.1x20 30x40' },
      labels: { instance: 'a' },
    },
    quiet: { 'gatewright_revocations_age_seconds{instance="a"}': '0.1x20 6 0.1x40' },
  },
  {
    name: 'GatewrightDatabaseWentBack',
    expr: 'increase(gatewright_feed_changes_total{change=~"went-back|other-epoch|lost"}[10m]) > 0 or increase(gatewright_refreshes_total{result="ahead"}[10m]) > 0',
    for: '0m',
    severity: 'page',
    means:
      'The database is an older state of itself or another one: what was taken back since may be good again.',
    do: 'Find out who restored or moved it. `gatewright doctor` says what to do; `gatewright restore --adopt` ends all sessions and goes on with this database.',
    fires: {
      series: { 'gatewright_feed_changes_total{change="went-back",instance="a"}': '0x25 1x40' },
      labels: { change: 'went-back', instance: 'a' },
    },
    quiet: {
      'gatewright_feed_changes_total{change="failed-over",instance="a"}': '0x25 1x40',
      'gatewright_refreshes_total{result="ahead",instance="a"}': none,
    },
  },
  {
    name: 'GatewrightRefreshReuse',
    expr: 'sum(increase(gatewright_refreshes_total{result="reused"}[15m])) > 3',
    for: '0m',
    severity: 'ticket',
    means:
      'Several old refresh tokens were shown within a quarter of an hour. Each ended its session and told its owner. One may be a lost answer; many are a client that keeps old tokens, or a theft.',
    do: 'Read the audit log for `refresh-token.reused`: one user or many, one address or many? A client of your own that shows old tokens does not keep the newest one.',
    fires: { series: { 'gatewright_refreshes_total{result="reused"}': rising } },
    quiet: { 'gatewright_refreshes_total{result="reused"}': '0x20 1x40' },
  },
  {
    name: 'GatewrightFailedSignIns',
    expr: 'sum(increase(gatewright_sign_ins_total{result="failed"}[15m])) > 100 and sum(increase(gatewright_sign_ins_total{result="failed"}[15m])) > 3 * sum(increase(gatewright_sign_ins_total{result="started"}[15m]))',
    for: '5m',
    severity: 'ticket',
    means: 'Many more sign-ins fail than succeed: somebody tries passwords, or a client has a wrong one.',
    do: 'Limits and throttling hold them up (`gatewright_limit_hits_total`). Read the audit log for `sign-in.failed`: one address, one user, or many of both? A single address can be stopped at the proxy.',
    fires: {
      series: {
        'gatewright_sign_ins_total{result="failed"}': '0+60x60',
        'gatewright_sign_ins_total{result="started"}': '0+2x60',
      },
    },
    quiet: {
      'gatewright_sign_ins_total{result="failed"}': '0+60x60',
      'gatewright_sign_ins_total{result="started"}': '0+50x60',
    },
  },
  {
    name: 'GatewrightFailedSecondFactors',
    expr: 'sum(increase(gatewright_second_factors_total{result="failed"}[15m])) > 50',
    for: '0m',
    severity: 'ticket',
    means:
      'Many second factors are refused: somebody who has passwords tries codes, or the clock of this machine is wrong.',
    do: 'Look at the clock first (`gatewright doctor`). Then read the audit log for `second-factor.failed`: whoever it is about should choose a new password.',
    fires: { series: { 'gatewright_second_factors_total{result="failed"}': '0+10x60' } },
    quiet: { 'gatewright_second_factors_total{result="failed"}': '0+1x60' },
  },
  {
    name: 'GatewrightUnusualSignIn',
    expr: 'sum by (pattern) (increase(gatewright_unusual_sign_ins_total{pattern!="new-device"}[15m])) > 0',
    for: '0m',
    severity: 'ticket',
    means: 'A sign-in, or several, follow a pattern of attacks: the label names it.',
    do: 'Read the audit log for `unusual.<pattern>`: it says who and from where. End the sessions of the user where it was not them (`gatewright user end-sessions`).',
    fires: {
      series: { 'gatewright_unusual_sign_ins_total{pattern="many-failures"}': '0x25 1x40' },
      labels: { pattern: 'many-failures' },
    },
    quiet: { 'gatewright_unusual_sign_ins_total{pattern="new-device"}': '0x25 1x40' },
  },
  {
    name: 'GatewrightManyNewDevices',
    expr: 'sum(increase(gatewright_unusual_sign_ins_total{pattern="new-device"}[1h])) > 100',
    for: '0m',
    severity: 'ticket',
    means:
      'Many users sign in with browsers that are new to them, each of whom is told by mail. On the first day of a new address that is usual.',
    do: 'Compare with `gatewright_sign_ins_total{result="failed"}`: passwords that leaked elsewhere succeed seldom, and from few addresses.',
    fires: { series: { 'gatewright_unusual_sign_ins_total{pattern="new-device"}': '0+10x60' } },
    quiet: { 'gatewright_unusual_sign_ins_total{pattern="new-device"}': '0+1x60' },
  },
  {
    name: 'GatewrightHashingFull',
    expr: 'sum(increase(gatewright_hashing_refused_total[5m])) > 0',
    for: '5m',
    severity: 'page',
    means: 'Sign-ins are refused with 503 because too many passwords wait to be hashed.',
    do: 'A flood: look where it comes from (`gatewright_limit_hits_total`, the log) and stop it at the proxy. Without one, the machine has too few cores for its sign-ins.',
    fires: { series: { gatewright_hashing_refused_total: rising } },
    quiet: { gatewright_hashing_refused_total: '3x60' },
  },
  {
    name: 'GatewrightManyLimited',
    expr: 'sum by (limit) (rate(gatewright_limit_hits_total[5m])) > 10',
    for: '10m',
    severity: 'ticket',
    means:
      'A limit refuses more than ten requests a second for ten minutes: a flood, or a client that does not wait.',
    do: 'The label names the limit ([limits](limits.md)). The log has the addresses (429). Stop a flood at the proxy; an own client must wait as `Retry-After` says.',
    fires: {
      series: { 'gatewright_limit_hits_total{limit="read"}': '0+1200x60' },
      labels: { limit: 'read' },
    },
    quiet: { 'gatewright_limit_hits_total{limit="read"}': '0+300x60' },
  },
  {
    name: 'GatewrightLimitStoreAway',
    expr: 'sum(increase(gatewright_limit_store_away_total[5m])) > 0',
    for: '2m',
    severity: 'page',
    means: 'Exact limits can not be counted: sign-ins and the like are refused with 503 after a few.',
    do: 'Look at Valkey (`VALKEY_URL`), else at the database.',
    fires: { series: { 'gatewright_limit_store_away_total{limit="sign-in"}': rising } },
    quiet: { 'gatewright_limit_store_away_total{limit="sign-in"}': '2x60' },
  },
  {
    name: 'GatewrightDatabaseBusy',
    expr: 'avg_over_time(gatewright_database_waiting[5m]) > 5',
    for: '5m',
    severity: 'ticket',
    means: 'Requests wait for a connection to PostgreSQL, or for a turn to write into SQLite.',
    do: 'PostgreSQL: look for slow statements and locks (`pg_stat_activity`); a larger `DATABASE_POOL` helps only where the server has room. SQLite: the disk is slow, or it is time for PostgreSQL.',
    fires: { series: { 'gatewright_database_waiting{instance="a"}': '9x60' }, labels: { instance: 'a' } },
    quiet: { 'gatewright_database_waiting{instance="a"}': '0x24 9 0x40' },
  },
  {
    name: 'GatewrightEventLoopSlow',
    expr: 'nodejs_eventloop_lag_p99_seconds > 0.25',
    for: '10m',
    severity: 'ticket',
    means: 'A process is held up: answers come late although nothing is waited for.',
    do: 'The machine has too few cores for what it does, or code of the application works without a pause. `WORKERS=auto` uses all cores.',
    fires: {
      series: { 'nodejs_eventloop_lag_p99_seconds{instance="a"}': '0.5x60' },
      labels: { instance: 'a' },
    },
    quiet: { 'nodejs_eventloop_lag_p99_seconds{instance="a"}': '0.02x60' },
  },
  {
    name: 'GatewrightMailLate',
    expr: 'max(gatewright_mails_oldest_due_seconds) > 900',
    for: '5m',
    severity: 'ticket',
    means: 'Mail waits for longer than a quarter of an hour: links to verify and to reset are late.',
    do: 'Look in the log for `a mail could not be sent`: its code is the mail server’s. `gatewright doctor` shows the queue.',
    fires: { series: { gatewright_mails_oldest_due_seconds: '0+60x60' } },
    quiet: { gatewright_mails_oldest_due_seconds: '60x60' },
  },
  {
    name: 'GatewrightMailGivenUp',
    expr: 'sum(increase(gatewright_mails_total{result="given_up"}[1h])) > 0',
    for: '0m',
    severity: 'ticket',
    means: 'Mail was given up: somebody was not told what happened to the account.',
    do: '`gatewright doctor` names how many; the log has the answer of the mail server.',
    fires: { series: { 'gatewright_mails_total{result="given_up"}': '0x25 1x40' } },
    quiet: { 'gatewright_mails_total{result="failed"}': '0+1x60' },
  },
  {
    name: 'GatewrightHooksLate',
    expr: 'max(gatewright_hook_events_oldest_due_seconds) > 3600 or max(gatewright_hook_events_given_up) > 0',
    for: '5m',
    severity: 'ticket',
    means: 'What your application does after something happened to a user is not done.',
    do: '`gatewright doctor` names the events, the log their error. Mend the handler and restart: a start tries them again ([hooks](hooks.md)).',
    fires: { series: { gatewright_hook_events_given_up: '0x10 1x50' } },
    quiet: { gatewright_hook_events_given_up: none, gatewright_hook_events_oldest_due_seconds: '30x60' },
  },
  {
    name: 'GatewrightHousekeepingLate',
    expr: 'time() - max by (task) (gatewright_housekeeping_last_success_timestamp_seconds) > 10800',
    for: '10m',
    severity: 'ticket',
    means:
      'A task of housekeeping was not done for three hours: old rows stay, and what is over by time is not ended.',
    do: 'Look in the log for `a task of housekeeping failed`. `gatewright doctor` says whether a process is at it ([housekeeping](housekeeping.md)).',
    fires: {
      series: { 'gatewright_housekeeping_last_success_timestamp_seconds{task="sessions"}': '-14400x60' },
      labels: { task: 'sessions' },
    },
    quiet: { 'gatewright_housekeeping_last_success_timestamp_seconds{task="sessions"}': '0+60x60' },
  },
  {
    name: 'GatewrightRowsOverdue',
    expr: 'max by (table) (gatewright_overdue_row_seconds) > 86400',
    for: '10m',
    severity: 'ticket',
    means: 'Rows of a table stay for a day longer than they should.',
    do: 'As for GatewrightHousekeepingLate. Where tasks are done, they have more to do than they manage: look at the time of the log lines, and at the load of the database.',
    fires: {
      series: { 'gatewright_overdue_row_seconds{table="sessions"}': '90000x60' },
      labels: { table: 'sessions' },
    },
    quiet: { 'gatewright_overdue_row_seconds{table="sessions"}': '3600x60' },
  },
  {
    name: 'GatewrightCutOffsWrittenBack',
    expr: 'increase(gatewright_cut_offs_written_back_total[1h]) > 0',
    for: '0m',
    severity: 'page',
    means:
      'The database lacked cut-offs that a process knew, and has them again: it lost what it had told was durable.',
    do: 'After a fail-over: the new primary did not have all commits ([PostgreSQL](postgresql.md)); `gatewright doctor` says what `synchronous_standby_names` must be. What was taken back in those seconds holds; what else was written in them is lost.',
    fires: {
      series: { 'gatewright_cut_offs_written_back_total{instance="a"}': '0x25 2x40' },
      labels: { instance: 'a' },
    },
    quiet: { 'gatewright_cut_offs_written_back_total{instance="a"}': '2x60' },
  },
  {
    name: 'GatewrightWakeLineDown',
    expr: 'gatewright_wake_line_works == 0',
    for: '15m',
    severity: 'ticket',
    means:
      'Other processes are not woken: a sign-out reaches them within the bound of time, and no longer within milliseconds.',
    do: 'The label names the line. `valkey`: look at Valkey. `listen`: a pooler in front of PostgreSQL lends connections and passes no notification on ([PostgreSQL](postgresql.md)).',
    fires: {
      series: { 'gatewright_wake_line_works{instance="a",line="valkey"}': '0x60' },
      labels: { instance: 'a', line: 'valkey' },
    },
    quiet: { 'gatewright_wake_line_works{instance="a",line="valkey"}': '1x20 0 1x40' },
  },
]
