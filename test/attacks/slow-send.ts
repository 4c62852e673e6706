import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import type { TestApp } from '../harness.ts'
import { readTables, untilHooksAreDone } from '../table-contents.ts'
import { toAnswer } from './raw-http.ts'

export type Slow = {
  readonly method: string
  readonly path: string
  readonly body: object
  /** What happens when the head has been judged and before the body comes. */
  readonly meanwhile: () => unknown
}

/**
 * Sends the head, waits until the server asks for the body (RFC 9110 §10.1.1), lets something happen, and
 * sends the body. The credential was shown before, so that it is judged the moment that the head arrives. What is
 * refused has changed nothing.
 * @param port where `listen` (raw-http.ts) has opened the app
 * @returns the status, with the code of a refusal
 */
export const sendSlowly = async (
  t: TestApp,
  port: number,
  credential: Readonly<Record<string, string>>,
  { method, path, body, meanwhile }: Slow,
): Promise<string> => {
  assert.equal((await t.call('GET', 'protected', { headers: credential })).status, 200)
  const text = JSON.stringify(body)
  const socket = connect({ host: '127.0.0.1', port })
  const shown = Object.entries(credential).map(([name, value]) => `${name}: ${value}`)
  const lines = ['Host: a', 'Connection: close', ...shown, 'Expect: 100-continue']
  const kind = ['Content-Type: application/json', `Content-Length: ${text.length}`]
  socket.write([`${method} ${path} HTTP/1.1`, ...lines, ...kind, '', ''].join('\r\n'))
  const [first] = await once(socket, 'data')
  assert.equal(String(first), 'HTTP/1.1 100 Continue\r\n\r\n', 'the head alone was let in')
  await meanwhile()
  await untilHooksAreDone(t)
  const before = await readTables(t)
  const chunks: Buffer[] = []
  socket.on('data', chunk => chunks.push(chunk as Buffer)).write(text)
  await once(socket, 'close')
  const answer = toAnswer(Buffer.concat(chunks).toString('latin1'))
  if (answer.status >= 400) assert.deepEqual(await readTables(t), before, 'refused, and changed something')
  return answer.status < 400 ? String(answer.status) : `${answer.status} ${JSON.parse(answer.body).code}`
}
