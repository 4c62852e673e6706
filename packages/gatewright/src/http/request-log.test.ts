import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { exchange, send } from '../../../../test/process/http-client.ts'
import { canary, startListeningApp } from '../../../../test/process/listening-app.ts'
import { until } from '../../../../test/process/until.ts'
import { createRequestLog } from './request-log.ts'

type Line = Readonly<Record<string, unknown>>

const toLines = (texts: readonly string[]): readonly Line[] => texts.map(text => JSON.parse(text))

const asked = ['/healthz', '/numbers', '/nowhere', '/auth/protected', '/throws'] as const

describe('of the same requests', () => {
  const expected = {
    all: [200, 200, 404, 401, 500],
    notable: [404, 401, 500],
    off: [],
  } as const
  for (const [accessLog, statuses] of Object.entries(expected))
    test(`ACCESS_LOG=${accessLog} logs ${statuses.length}`, async t => {
      const app = await startListeningApp(t, { accessLog: accessLog as keyof typeof expected })
      for (const path of asked) await send('GET', app.url + path)
      await exchange(app.port, 'NONSENSE\r\n\r\n')
      const lines = (): readonly Line[] => toLines(app.logLines)
      await until(
        'the lines are written',
        () => lines().filter(({ status }) => status).length >= statuses.length,
      )
      assert.deepEqual(
        lines().flatMap(({ status }) => status ?? []),
        [...statuses],
      )
      const unreadable = lines().filter(({ msg }) => msg === 'unreadable request')
      assert.equal(unreadable.length, accessLog === 'off' ? 0 : 1)
      assert.equal(lines().filter(({ err }) => err).length, 1, 'what nobody expected is always logged')
    })
})

describe('a line', () => {
  test('says who, what, the outcome and why, and nothing more', async t => {
    const app = await startListeningApp(t)
    const { headers } = await send('GET', `${app.url}/auth/protected`, { token: canary })
    const { time, duration_ms, ...line } = toLines(app.logLines).at(-1) ?? {}
    assert.deepEqual(line, {
      level: 30,
      request_id: headers['x-request-id'],
      method: 'GET',
      path: '/auth/protected',
      route: '/auth/protected',
      status: 401,
      address: '127.0.0.1',
      code: 'invalid_token',
      reason: 'token_parts',
      msg: 'GET /auth/protected 401',
    })
    assert.equal(typeof time, 'number')
    assert.equal(typeof duration_ms, 'number')
  })

  for (const target of [
    `/numbers?token=${canary}`,
    `/numbers#${canary}`,
    `/nowhere?${canary}`,
    `/%zz?${canary}`,
  ])
    test(`leaves out what stands behind the path of ${target}`, async t => {
      const app = await startListeningApp(t)
      await exchange(app.port, `GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)
      await until('the line is written', () => app.logLines.length > 0)
      assert.doesNotMatch(app.logLines.join(''), new RegExp(canary))
    })

  test('leaves out every header and every body', async t => {
    const app = await startListeningApp(t)
    const headers = Object.fromEntries(
      ['user-agent', 'cookie', 'referer', 'x-api-key', 'x-anything', 'accept-language'].map(name => [
        name,
        canary,
      ]),
    )
    await send('POST', `${app.url}/numbers`, { headers, body: { [canary]: canary } })
    await send('POST', `${app.url}/numbers`, { headers, body: `{"${canary}` })
    await exchange(app.port, `GET / HTTP/1.1\r\nHost: a\r\n${canary} : ${canary}\r\n\r\n`)
    await until('the lines are written', () => app.logLines.length >= 3)
    assert.doesNotMatch(app.logLines.join(''), new RegExp(canary))
  })

  test('of a failure is an error, of a refusal it is none', async t => {
    const app = await startListeningApp(t)
    for (const path of ['/throws', '/nowhere']) await send('GET', app.url + path)
    const levels = toLines(app.logLines).flatMap(({ status, level }) => (status ? [[status, level]] : []))
    assert.deepEqual(levels, [
      [500, 50],
      [404, 30],
    ])
  })
})

test('a slow request is notable whatever its outcome', () => {
  const logged: unknown[] = []
  const log = { info: (line: unknown) => logged.push(line) }
  const logRequest = createRequestLog(log as never, 'notable')
  const request = { id: 'id', method: 'GET', url: '/slow', routeOptions: { url: '/slow' } } as FastifyRequest
  for (const elapsedTime of [999, 1_000])
    logRequest(request, { statusCode: 200, elapsedTime } as FastifyReply)
  assert.deepEqual(
    logged.map(line => (line as Line).duration_ms),
    [1_000],
  )
})
