import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { everyone } from 'gatewright/access'
import { type Application, createApp } from 'gatewright/app'
import { minute } from 'gatewright/clock'
import { pino } from 'pino'
import { metricTable } from '../../packages/gatewright/src/http/metrics/metric-table.ts'
import { createMetrics } from '../../packages/gatewright/src/http/metrics/metrics.ts'
import type { ParentLink } from '../../packages/gatewright/src/workers/parent-link.ts'
import { password, signUp, startTestApp, type TestApp } from '../harness.ts'
import { keepHouse } from '../housekeeping/keep-house.ts'
import { findFreePort } from '../process/free-port.ts'
import { findPromtool, runPromtool } from '../servers/promtool.ts'
import { logQueries } from '../sessions/query-log.ts'

const promtool = await findPromtool()
let t: TestApp
let token: string
before(async () => {
  t = await startTestApp()
  token = (await signUp(t, 'chief', ['admin'])).access
})
after(() => t.close())

const read = async (): Promise<string> => {
  const { status, text, headers } = await t.call('GET', '/metrics', { token })
  assert.equal(status, 200, text)
  assert.match(String(headers['content-type']), /^text\/plain; version=0\.0\.4/)
  return text
}

/** The value of one line, by name and labels as they are written. */
const findValue = (text: string, line: string): number | undefined => {
  const found = text.split('\n').find(each => each.startsWith(`${line} `))
  return found === undefined ? undefined : Number(found.slice(line.length + 1))
}

describe('/metrics', () => {
  test('counts answers by method, pattern of the route and status, of refusals as well', async () => {
    const before = await read()
    const line = 'http_requests_total{method="GET",route="/api/v1/posts/:id",status="404"}'
    for (const id of ['one', 'two', 'three']) await t.call('GET', `posts/${id}`)
    await t.call('HEAD', 'posts/four')
    const text = await read()
    assert.deepEqual([findValue(before, line), findValue(text, line)], [undefined, 3])
    assert.equal(
      findValue(text, 'http_requests_total{method="HEAD",route="/api/v1/posts/:id",status="404"}'),
      1,
    )
    const took = 'http_request_duration_seconds'
    const labels = 'method="GET",route="/api/v1/posts/:id",status_class="4xx"'
    assert.equal(findValue(text, `${took}_bucket{${labels},le="+Inf"}`), 3)
    assert.equal(findValue(text, `${took}_count{${labels}}`), 3)
    assert.ok(Number(findValue(text, `${took}_sum{${labels}}`)) > 0)
    const buckets = [
      ...text.matchAll(
        /_bucket\{method="GET",route="\/api\/v1\/posts\/:id",status_class="4xx",le="[^"]+"\} (\d+)/g,
      ),
    ]
    const counts = buckets.map(([, count]) => Number(count))
    assert.deepEqual(
      counts,
      counts.toSorted((a, b) => a - b),
    )
  })

  test('memory exhaustion: made-up paths and methods add one line between them', async () => {
    await t.call('GET', '/nothing-here')
    // Of garbage collection Node.js tells a kind once there has been one.
    const count = (text: string): number => text.match(/^(http|gatewright)_/gm)?.length ?? 0
    const lines = count(await read())
    for (let n = 0; n < 50; n++) await t.call(n % 2 === 0 ? 'GET' : 'DELETE', `/made-up-${n}`)
    const text = await read()
    assert.equal(count(text), lines)
    assert.equal(findValue(text, 'http_requests_total{method="",route="",status="404"}'), 51)
    assert.doesNotMatch(text, /made-up/)
  })

  test('memory exhaustion: whatever paths, methods, queries and headers a caller sends, lines are of the table', async () => {
    const pick = <T>(list: readonly T[]): T => list[Math.floor(Math.random() * list.length)] as T
    const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND', 'TRACE']
    const parts = [
      'api',
      'v1',
      'posts',
      'admin',
      'users',
      '..',
      '%2e',
      '%00',
      'a"b',
      'x\\n',
      'é',
      '{route="x"}',
    ]
    for (let n = 0; n < 400; n++) {
      const path = `/${Array.from({ length: pick([1, 2, 3, 4]) }, () => pick(parts)).join('/')}?n=${n}`
      await t.app
        .inject({
          method: pick(methods) as 'GET',
          url: path,
          headers: { host: 'localhost', 'user-agent': `n${n}` },
        })
        .catch(() => {})
    }
    const text = await read()
    const routes = new Set([...text.matchAll(/route="([^"]*)"/g)].map(([, route = '']) => route))
    const known = new Set(['', ...t.app.routeTable.routes.map(({ url }) => url)])
    for (const route of routes) assert.ok(known.has(route), route)
    const told = new Set([...text.matchAll(/method="([^"]*)"/g)].map(([, method = '']) => method))
    for (const method of told)
      assert.ok(['', 'GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'].includes(method))
    assert.doesNotMatch(text, /user-agent|a\\"b|%00/)
  })

  test('is one table: each metric is told with its name, its help, its type and no label but its own', async () => {
    const text = await read()
    const own = [...text.matchAll(/^# TYPE ((?:http|gatewright)_\w+) (\w+)$/gm)].map(([, name, type]) => [
      name,
      type,
    ])
    assert.deepEqual(
      own,
      metricTable.map(({ name, type }) => [name, type]),
    )
    for (const { name, labels, help } of metricTable) {
      assert.ok(text.includes(`# HELP ${name} ${help.replaceAll('\\', '\\\\')}`), name)
      const lines = text
        .split('\n')
        .filter(line => new RegExp(`^${name}(_bucket|_sum|_count)?[ {]`).test(line))
      for (const line of lines) {
        const found = [...line.matchAll(/[{,](\w+)="/g)].map(([, label]) => label)
        assert.deepEqual(
          found.filter(label => label !== 'le'),
          labels,
          line,
        )
      }
    }
  })

  test('counts sign-ins by result, refreshes, limits that were hit, known tokens, hashes and commits', async () => {
    const app = await startTestApp({ limitsScale: 1 })
    const chief = await signUp(app, 'chief', ['admin'])
    const readThere = async () => (await app.call('GET', '/metrics', { token: chief.access })).text
    await app.call('POST', 'login', { body: { username: 'chief', password: 'not the password of chief' } })
    await app.call('POST', 'refresh', { body: { refresh_token: chief.refresh } })
    let status = 0
    for (let n = 0; n < 2_000 && status !== 429; n++) status = (await app.call('GET', 'posts')).status
    assert.equal(status, 429)
    const text = await readThere()
    const expected: Readonly<Record<string, number>> = {
      'gatewright_sign_ins_total{result="started"}': 1,
      'gatewright_sign_ins_total{result="failed"}': 1,
      'gatewright_sign_ins_total{result="second_factor_asked"}': 0,
      'gatewright_refreshes_total{result="refreshed"}': 1,
      'gatewright_refreshes_total{result="reused"}': 0,
      'gatewright_audit_events_total{event="sign-in.failed"}': 1,
      'gatewright_limit_hits_total{limit="read"}': 1,
      gatewright_hashing_waiting: 0,
      gatewright_hashing_refused_total: 0,
    }
    for (const [line, value] of Object.entries(expected)) assert.equal(findValue(text, line), value, line)
    const after = await readThere()
    const known = 'gatewright_credential_look_ups_total{map="access_tokens",result="known"}'
    assert.equal(Number(findValue(after, known)) - Number(findValue(text, known)), 1)
    assert.ok(Number(findValue(text, 'gatewright_hashes_total')) > 0)
    const isSqlite = app.engine.settings.databaseUrl.startsWith('sqlite:')
    const transactions = findValue(text, 'gatewright_database_transactions_total')
    assert.equal(isSqlite, Number(transactions) > 0 && transactions !== undefined)
    assert.notEqual(findValue(text, 'gatewright_database_in_use'), undefined)
    assert.match(
      text,
      /^gatewright_build_info\{version="[\d.]+[^"]*",node="[\d.]+",database="(sqlite|postgresql)"\} 1$/m,
    )
    await app.close()
  })

  test('passes promtool', { skip: typeof promtool === 'string' && promtool }, async () => {
    if (typeof promtool === 'string') return
    const { said, isContent } = await runPromtool(promtool, ['check', 'metrics'], await read())
    assert.ok(isContent && said === '', said)
  })

  test('tells when house was kept, how many rows that were, and the age of the oldest of each table', async () => {
    const userId = (await signUp(t, 'zebulon')).id
    await keepHouse(t)
    t.clock.advance(minute)
    const text = await read()
    const at = (t.clock.now() - minute) / 1_000
    for (const task of ['overdue_sessions', 'sessions', 'cut_offs', 'idempotency_keys', 'setup_links']) {
      assert.equal(findValue(text, `gatewright_housekeeping_last_run_timestamp_seconds{task="${task}"}`), at)
      assert.equal(
        findValue(text, `gatewright_housekeeping_last_success_timestamp_seconds{task="${task}"}`),
        at,
      )
      assert.equal(findValue(text, `gatewright_housekeeping_rows_total{task="${task}"}`), 0)
    }
    assert.equal(findValue(text, 'gatewright_oldest_row_age_seconds{table="audit_events"}'), 60)
    assert.equal(findValue(text, 'gatewright_overdue_row_seconds{table="audit_events"}'), undefined)
    assert.ok(findValue(text, 'gatewright_revocations_age_seconds') !== undefined)
    assert.ok(Number(findValue(text, 'process_resident_memory_bytes')) > 1e6)
    for (const personal of [userId, 'zebulon', 'chief', password, token.slice(0, 20)])
      assert.ok(!text.includes(personal), personal)
  })

  test('is made once for all who ask meanwhile', async () => {
    const { engine, queries } = logQueries(t.engine)
    const readMetrics = createMetrics(engine, [])
    await readMetrics()
    const { length } = queries
    const texts = Array.from({ length: 100 }, readMetrics)
    assert.equal(new Set(texts).size, 1)
    await Promise.all(texts)
    assert.equal(queries.length, 2 * length)
  })

  test('tells no delay of the event loop where none was measured since the question before', async () => {
    let told: Promise<unknown> | undefined
    const measureWith = (measure: () => Promise<unknown>) => {
      told = measure()
    }
    // Between processes it goes as JSON, which knows no NaN.
    const askAll = async () => [{ worker: 1, figures: JSON.parse(JSON.stringify(await told)) }]
    const parent = { measureWith, askAll } as unknown as ParentLink
    // The first question comes in the turn of the event loop in which the measuring begins.
    const alone = await createMetrics(t.engine, [])()
    const ofWorkers = await createMetrics(t.engine, [], parent)()
    for (const text of [alone, ofWorkers]) {
      const delays = [...text.matchAll(/^nodejs_eventloop_lag_.*/gm)].map(([line]) => line)
      assert.ok(delays.some(line => line.startsWith('nodejs_eventloop_lag_max_seconds')))
      for (const line of delays) assert.ok(Number(line.split(' ')[1]) < 3_600, line)
    }
  })

  test("leaves an application's own hooks on answers to be run", async () => {
    const answered: string[] = []
    const plugin: Application['plugin'] = async app => {
      app.addHook('onResponse', async request => void answered.push(request.url))
      const gate = { access: everyone(), limit: 'unlimited', audit: 'none' } as const
      app.get('/own', { config: { gate } }, async () => ({}))
    }
    const log = pino({ enabled: false })
    const { app } = await createApp({ engine: t.engine, log, mount: '/auth', application: { plugin } })
    await app.inject('/own')
    assert.deepEqual(answered, ['/own'])
    await app.close()
  })
})

describe('with METRICS_PORT, /metrics', () => {
  test('is read there without a credential, and is nothing on the other port', async () => {
    const metricsPort = await findFreePort()
    const app = await startTestApp({ metricsPort })
    const address = `http://127.0.0.1:${metricsPort}`
    const answer = await fetch(`${address}/metrics`)
    assert.equal(answer.status, 200)
    assert.match(await answer.text(), /^# HELP /)
    assert.equal(answer.headers.get('x-content-type-options'), 'nosniff')
    const chief = await signUp(app, 'chief', ['admin'])
    assert.equal((await app.call('GET', '/metrics', { token: chief.access })).status, 404)

    for (const [method, path, status, code] of [
      ['GET', '/', 404, 'not_found'],
      ['GET', '/api/v1/protected', 404, 'not_found'],
      ['GET', '/metrics/x', 404, 'not_found'],
      ['POST', '/metrics', 405, 'method_not_allowed'],
      ['DELETE', '/metrics', 405, 'method_not_allowed'],
    ] as const) {
      const refused = await fetch(address + path, { method })
      const body = (await refused.json()) as { code: string }
      assert.deepEqual([refused.status, body.code], [status, code])
      assert.ok(refused.headers.get('x-request-id'))
    }
    const head = await fetch(`${address}/metrics`, { method: 'HEAD' })
    assert.deepEqual([head.status, await head.text()], [200, ''])
    await app.close()
    await assert.rejects(fetch(`${address}/metrics`))
  })

  test('stops the start where another program has the port', async context => {
    const taken = createServer().listen({ host: '127.0.0.1', port: 0 })
    await once(taken, 'listening')
    context.after(() => taken.close())
    const { port: metricsPort } = taken.address() as { port: number }
    const engine = { ...t.engine, settings: { ...t.engine.settings, metricsPort } }
    const log = pino({ enabled: false })
    const plugin = async (): Promise<void> => {}
    await assert.rejects(
      createApp({ engine, log, mount: '/auth', application: { plugin } }),
      /METRICS_PORT \d+ is taken by another program/,
    )
  })
})
