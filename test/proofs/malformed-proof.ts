import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import {
  type Caller,
  newFolder,
  type Server,
  signUp,
  startServer,
  toLines,
} from '../process/spawned-server.ts'
import type { Seeded } from '../sessions/seeded.ts'
import type { Chain } from './chain.ts'
import { addMet, check } from './tally.ts'

/** So many connections at once, each with one request after another. */
const atOnce = 24
/** After so many the server must be as well as before. */
const ofOneRound = 1_000
/** Whoever sends half of a request gets no answer: it is not waited for. */
const patience = 150

const paths = [
  '/',
  '/healthz',
  '/api/v1/me',
  '/api/v1/login',
  '/api/v1/todos',
  '/docs',
  '/console/',
  '/openapi.json',
]
const methods = [
  'GET',
  'POST',
  'PUT',
  'DELETE',
  'PATCH',
  'HEAD',
  'OPTIONS',
  'TRACE',
  'CONNECT',
  'G\0T',
  'get',
]
const bodies = [
  '{}',
  '{"username":"a"',
  '[[[[',
  '{"__proto__":{}}',
  '\0\u00ff\u00fe',
  `"${'x'.repeat(3_000)}"`,
]
const headers = [
  'Content-Length: 9',
  'Content-Length: -1',
  'Content-Length: 99999999999999999999',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: gzip, chunked',
  'Expect: 100-continue',
  'Upgrade: websocket\r\nConnection: Upgrade',
  'Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAA',
  'Content-Type: application/json',
  'Content-Type: multipart/form-data; boundary=',
  'Content-Encoding: gzip',
  'Accept: \u0001',
  'Authorization: Bearer ',
  'Authorization: Bearer a.b.c\r\nAuthorization: Bearer a.b.c',
  'Cookie: gw_session=;;;=',
  'X-Forwarded-For: ::::',
  'Host: ',
  ' folded: header',
  'no colon',
  ': no name',
  `X-Long: ${'x'.repeat(20_000)}`,
]
/** No HTTP at all: TLS, HTTP/2, SSH, zeros. */
const others = [
  '\x16\x03\x01\x02\x00\x01\x00',
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0',
  'SSH-2.0-x\r\n',
  '\0'.repeat(64),
]

type Change = (bytes: Buffer, seeded: Seeded) => Buffer

const at = (bytes: Buffer, { below }: Seeded): number => below(bytes.length + 1)

/** What may happen to bytes on their way. */
const changes: Readonly<Record<string, Change>> = {
  kept: bytes => bytes,
  'cut off': (bytes, seeded) => bytes.subarray(0, at(bytes, seeded)),
  'another byte': (bytes, seeded) => {
    const changed = Buffer.from(bytes)
    for (let times = 1 + seeded.below(4); times > 0; times -= 1)
      changed[seeded.below(Math.max(1, bytes.length))] = seeded.below(256)
    return changed
  },
  'something put in': (bytes, seeded) => {
    const place = at(bytes, seeded)
    const piece = Buffer.from(
      seeded.pick(['\r', '\n', '\0', '\r\n\r\n', ' ', '\t', '%', '\u00ff', '0\r\n']),
      'latin1',
    )
    return Buffer.concat([bytes.subarray(0, place), piece, bytes.subarray(place)])
  },
  'a part twice': (bytes, seeded) => {
    const place = at(bytes, seeded)
    return Buffer.concat([bytes, bytes.subarray(place)])
  },
}
const changeNames = Object.keys(changes)

const toPath = ({ pick, below, oneIn }: Seeded): string =>
  oneIn(3) ? `/${String.fromCharCode(...Array.from({ length: below(40) }, () => below(256)))}` : pick(paths)

const toBytes = (seeded: Seeded): { readonly change: string; readonly bytes: Buffer } => {
  const { pick, below, oneIn } = seeded
  const lines = Array.from({ length: below(4) }, () => pick(headers))
  const version = oneIn(5) ? pick(['HTTP/0.9', 'HTTP/1.0', 'HTTP/2.0', 'HTTP/9', '']) : 'HTTP/1.1'
  const head = [`${pick(methods)} ${toPath(seeded)} ${version}`, 'Host: localhost', ...lines].join('\r\n')
  const text = oneIn(12) ? pick(others) : `${head}\r\n\r\n${oneIn(2) ? pick(bodies) : ''}`
  const change = pick(changeNames)
  return { change, bytes: (changes[change] as Change)(Buffer.from(text, 'latin1'), seeded) }
}

/** Sends it, waits a little for an answer, and goes away as rudely as not. */
const sendOne = async (port: number, bytes: Buffer, isRude: boolean): Promise<number> => {
  const socket = connect({ port, host: '127.0.0.1' })
  const closed = new Promise(resolve => socket.once('close', resolve))
  let answer = ''
  socket.on('error', () => {})
  const answered = new Promise<void>(resolve => {
    socket.on('data', chunk => {
      answer += chunk.toString('latin1')
      resolve()
    })
    void closed.then(() => resolve())
  })
  socket.write(bytes)
  const late = new AbortController()
  if (!isRude)
    await Promise.race([answered, delay(patience, undefined, { signal: late.signal }).catch(() => {})])
  late.abort()
  if (isRude) socket.resetAndDestroy()
  else socket.destroy()
  await closed
  return Number(/^HTTP\/1\.[01] (\d{3})/.exec(answer)?.[1] ?? 0)
}

const sendMany = async (server: Server, { seeded, tally }: Chain, count: number): Promise<void> => {
  const met = new Map<string, number>()
  let left = count
  const client = async (): Promise<void> => {
    while (left > 0) {
      left -= 1
      const { change, bytes } = toBytes(seeded)
      const status = await sendOne(server.port, bytes, seeded.oneIn(10))
      if (status > 0) tally.answered += 1
      addMet(met, new Map([[change, 1]]))
      check(tally, status !== 500, `${status} for ${JSON.stringify(bytes.toString('latin1'))}`)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, client))
  addMet(tally.met, met)
}

const isWell = async ({ call }: Server, { access }: Caller): Promise<boolean> => {
  const answers = [await call('GET', '/healthz'), await call('GET', 'me', { token: access })]
  return answers.every(({ status }) => status === 200)
}

/** So many requests that are none, each unlike the others: the server lives, serves, and is surprised by none. */
export const proveMalformed = async (chain: Chain): Promise<void> => {
  const { owner, runs, tally } = chain
  const server = await startServer(newFolder(owner), { env: { LOG_FORMAT: 'json', ACCESS_LOG: 'off' } })
  const caller = await signUp(server, 'alice')
  while (tally.runs < runs) {
    const count = Math.min(ofOneRound, runs - tally.runs)
    await sendMany(server, chain, count)
    check(tally, await isWell(server, caller), `not well after ${tally.runs} requests: ${server.stderr()}`)
    tally.runs += count
  }
  await server.stop()
  const surprises = toLines(server.stdout()).filter(({ level }) => level === 'fatal' || level === 'error')
  check(tally, surprises.length === 0, `the log is surprised: ${JSON.stringify(surprises[0])}`)
}
