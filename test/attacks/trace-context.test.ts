import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { parseTraceContext } from '../../packages/gatewright/src/ground/trace-context.ts'
import type { AnyHookEvent } from '../../packages/gatewright/src/hooks/events.ts'
import { createHookRunner } from '../../packages/gatewright/src/hooks/runner.ts'
import { password, signUp, startTestApp, type TestApp } from '../harness.ts'
import { exchange, listen, toRequest } from './raw-http.ts'

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const traceparent = `00-${traceId}-00f067aa0ba902b7-01`

let t: TestApp
let port: number
before(async () => {
  t = await startTestApp()
  await signUp(t, 'ann')
  port = await listen(t)
})
after(() => t.close())

type Line = { readonly request_id?: string; readonly trace_id?: string }

/** The lines of the log of that request, parsed. */
const linesOf = (requestId: unknown): readonly Line[] =>
  t.logLines.map(line => JSON.parse(line) as Line).filter(line => line.request_id === requestId)

const send = async (headers: Readonly<Record<string, string | readonly string[]>>, target = '/api/v1/me') => {
  const answer = await exchange(port, toRequest('GET', target, headers))
  const requestId = answer.headers.find(([name]) => name === 'x-request-id')?.[1]
  return { ...answer, traces: linesOf(requestId).map(({ trace_id }) => trace_id) }
}

/** Flags other than 01 are passed on as they are; of a newer version what version 00 knows. */
const taken: readonly (readonly [string, string])[] = [
  [traceparent, traceparent],
  [`00-${traceId}-00f067aa0ba902b7-00`, `00-${traceId}-00f067aa0ba902b7-00`],
  [`00-${traceId}-00f067aa0ba902b7-ff`, `00-${traceId}-00f067aa0ba902b7-ff`],
  [`cc-${traceId}-00f067aa0ba902b7-01`, traceparent],
  [`cc-${traceId}-00f067aa0ba902b7-01-what-will-come`, traceparent],
  [`cc-${traceId}-00f067aa0ba902b7-02`, `00-${traceId}-00f067aa0ba902b7-00`],
]

const refused: readonly string[] = [
  '',
  '00',
  traceId,
  `00-${traceId}-00f067aa0ba902b7`,
  `ff-${traceId}-00f067aa0ba902b7-01`,
  `00-${traceId.toUpperCase()}-00f067aa0ba902b7-01`,
  `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`,
  `00-${traceId}-${'0'.repeat(16)}-01`,
  `00-${traceId}-00f067aa0ba902b7-01-`,
  `00-${traceId}-00f067aa0ba902b7-01-more`,
  `00-${traceId}-00f067aa0ba902b7-1`,
  `00-${traceId}0-00f067aa0ba902b7-01`,
  `cc-${traceId}-00f067aa0ba902b7-01.more`,
  `cc-${traceId}-00f067aa0ba902b7-01-${'x'.repeat(300)}`,
  ` ${traceparent}`,
  `${traceparent}\n`,
  `${traceparent}, ${traceparent}`,
  `00-${traceId}-00f067aa0ba902b7-01\r\nX-Injected: 1`,
  `00-${'g'.repeat(32)}-00f067aa0ba902b7-01`,
  `00-${traceId}-00f067aa0ba902b7-0١`,
  `${'0'.repeat(10_000)}`,
]

describe('traceparent', () => {
  test('is taken in the form of W3C Trace Context, its flags as they are', () => {
    for (const [text, told] of taken)
      assert.deepEqual({ ...parseTraceContext(text, undefined) }, { traceId, traceparent: told }, text)
  })

  test('of any other form is as if none had come', () => {
    for (const text of refused) assert.equal(parseTraceContext(text, 'a=1'), undefined, text)
  })

  test('stands in each line of the log of its request, also of one that is refused or found no route', async () => {
    for (const target of ['/api/v1/me', '/nothing-here', '/api/v1/posts', '/healthz', '/%zz'])
      assert.deepEqual((await send({ traceparent }, target)).traces, [traceId], target)
    assert.deepEqual((await send({})).traces, [undefined])
  })

  test('header injection: a bad one, one of 10 kB and two of them are in no line, in no answer, and change nothing', async () => {
    const usual = await send({})
    const tried: readonly Readonly<Record<string, string | readonly string[]>>[] = [
      ...refused
        .filter(text => /^[\x20-\x7e]+$/.test(text) && text === text.trim())
        .map(text => ({ traceparent: text })),
      { traceparent: [traceparent, traceparent] },
      { traceparent: [traceparent, traceparent.replace('4bf', '5bf')] },
      { traceparent, tracestate: `a=${'x'.repeat(10_000)}` },
      { traceparent, tracestate: ['a=1', `b="}\\u0000<script>`, '%0d%0aX-Injected: 1'] },
    ]
    for (const headers of tried) {
      const answer = await send(headers)
      assert.equal(answer.status, usual.status)
      assert.doesNotMatch(answer.text, /4bf92f|injected|script|x{20}|0000000000/i)
      assert.deepEqual(
        answer.headers.map(([name]) => name).toSorted(),
        usual.headers.map(([name]) => name).toSorted(),
      )
      const expected = headers.tracestate === undefined ? undefined : traceId
      assert.deepEqual(answer.traces, [expected], JSON.stringify(headers).slice(0, 100))
    }
    // A random id of a request may well hold a few of them.
    for (const line of t.logLines) assert.doesNotMatch(line, /injected|script|x{20}/i)
  })
})

describe('tracestate', () => {
  const stateOf = (text: string | undefined) => parseTraceContext(traceparent, text)?.tracestate

  test('is passed on as it is, its members in their order', () => {
    for (const text of [
      'rojo=00f067aa0ba902b7,congo=t61rcWkgMzE',
      'a=1',
      'tenant@vendor=1',
      '0a@b=x',
      'a_-*/=!~',
    ])
      assert.equal(stateOf(text), text)
    assert.equal(stateOf('a=1, b=2\t,,c=3'), 'a=1,b=2,c=3')
    assert.equal(
      stateOf(Array.from({ length: 32 }, (_, n) => `a${n}=1`).join()),
      Array.from({ length: 32 }, (_, n) => `a${n}=1`).join(),
    )
  })

  test('memory exhaustion: of more than 32 members or 512 characters, or of another form, nothing is passed on', () => {
    const tooMany = Array.from({ length: 33 }, (_, n) => `a${n}=1`).join()
    const wrong = [
      '',
      ',',
      'a',
      'a=',
      '=1',
      'A=1',
      'a=1,a=2',
      'a=b=c',
      'a=é',
      'a=1\n',
      'a =1',
      '0a=1',
      `a=${'x'.repeat(511)}`,
      tooMany,
    ]
    for (const text of [undefined, ...wrong]) assert.equal(stateOf(text), undefined, String(text))
  })
})

test('what follows from a request is told with its trace to hooks, and what has none with none', async context => {
  const { engine } = t
  const seen: AnyHookEvent[] = []
  const runner = createHookRunner(engine)
  context.after(() => runner.stop())
  const log = { warn: () => {}, error: () => {} }
  await runner.start({ 'signed-in': async event => void seen.push(event) }, log)
  const signIn = (headers: Readonly<Record<string, string>>) =>
    t.call('POST', 'login', { body: { username: 'ann', password }, headers })
  await Promise.all([signIn({ traceparent, tracestate: 'a=1' }), signIn({}), signIn({ traceparent: 'bad' })])
  await runner.settled()
  const traces = seen.map(({ trace }) => trace)
  assert.equal(traces.length, 3)
  assert.deepEqual(
    traces.filter(trace => trace !== undefined),
    [{ traceId, traceparent, tracestate: 'a=1' }],
  )
  assert.ok(Object.isFrozen(traces.find(trace => trace !== undefined)))
})
