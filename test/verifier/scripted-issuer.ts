import assert from 'node:assert/strict'
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { nameOf } from '../../packages/verifier/src/cut-offs.ts'
import { openVerifier, type Verifier } from '../../packages/verifier/src/open-verifier.ts'
import { until } from '../process/until.ts'

type Members = Readonly<Record<string, unknown>>
export type Key = {
  readonly kid: string
  readonly jwk: Members
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
}

export const makeKey = (kid = randomBytes(16).toString('base64url'), namedCurve = 'P-256'): Key => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve })
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid, alg: 'ES256', use: 'sig' }
  return { kid, jwk, privateKey, publicKey }
}

export const encode = (content: unknown): string =>
  Buffer.from(typeof content === 'string' ? content : JSON.stringify(content)).toString('base64url')

export const signText = (text: string, { privateKey }: Key): string =>
  `${text}.${sign('sha256', Buffer.from(text), { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`

/** By the key, over exactly these parts. */
export const toJws = (header: unknown, body: unknown, key: Key): string =>
  signText(`${encode(header)}.${encode(body)}`, key)

/** A statement as it would be, and what it is made of. */
export type Draft = { readonly header: Members; readonly members: Members; readonly key: Key }
export type Forge = (draft: Draft) => string

export const honest: Forge = ({ header, members, key }) => toJws(header, members, key)
export const withMembers =
  (changed: Members): Forge =>
  ({ header, members, key }) =>
    toJws(header, { ...members, ...changed }, key)

/**
 * An issuer that does what it is told: it holds real keys and speaks real HTTP, so whatever a thief of keys or
 * somebody on the way could send, it sends.
 */
export const startScriptedIssuer = async () => {
  const keys = [makeKey(), makeKey()] as [Key, Key]
  const entries: unknown[][] = []
  const requests: string[] = []
  const wakes = new Set<() => void>()
  const script = {
    epoch: 'epoch one',
    signs: keys[0],
    /** What the key set shows. */
    shown: keys.map(({ jwk }) => jwk) as unknown[],
    /** Entries of one answer. */
    most: 1_000,
    age: 0,
    forge: honest as Forge,
    /** Answers in place of everything else, where it gives true. */
    answer: (_request: IncomingMessage, _response: ServerResponse): boolean => false,
    metadata: {} as Members,
  }
  let issuer = ''
  const now = (): number => Math.floor(Date.now() / 1_000)

  const json = (response: ServerResponse, body: unknown): void => {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(body))
  }
  const waitForNews = async (milliseconds: number): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<void>()
    wakes.add(resolve)
    await Promise.race([promise, delay(milliseconds)])
    wakes.delete(resolve)
  }
  const answerFeed = async (url: URL, response: ServerResponse): Promise<void> => {
    const after = url.searchParams.get('after') ?? ''
    const [epoch, number] = after.split('/')
    const isKnown = epoch === script.epoch
    const start = isKnown ? Number(number) : 0
    if (isKnown && start === entries.length) await waitForNews(Number(url.searchParams.get('wait_ms')))
    const told = entries.slice(start, start + script.most)
    const members = {
      iss: issuer,
      aud: 'gatewright-verifier',
      iat: now(),
      nonce: url.searchParams.get('nonce'),
      epoch: script.epoch,
      after: isKnown ? after : '',
      place: `${script.epoch}/${start + told.length}`,
      last: start + told.length === entries.length,
      entries: told,
      age: script.age,
    }
    const header = { alg: 'ES256', typ: 'gatewright-revocations+jwt', kid: script.signs.kid }
    json(response, { statement: script.forge({ header, members, key: script.signs }) })
  }
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', issuer)
    requests.push(url.pathname)
    if (script.answer(request, response)) return
    if (url.pathname === '/feed') return void answerFeed(url, response)
    if (url.pathname === '/keys') return json(response, { keys: script.shown })
    json(response, {
      issuer,
      jwks_uri: `${issuer}/keys`,
      revocation_feed_endpoint: `${issuer}/feed`,
      ...script.metadata,
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  const wake = (): void => {
    for (const resolve of wakes) resolve()
  }
  return {
    issuer,
    keys,
    script,
    entries,
    wake,
    /** Adds to the feed. */
    cutOff: (kind: string, id: string, detail?: number): void => {
      entries.push([kind, nameOf(kind, id), now() + 3_600, ...(detail === undefined ? [] : [detail])])
      wake()
    },
    countOf: (path: string): number => requests.filter(asked => asked === path).length,
    /** An access token as Gatewright makes them. */
    token: (changed: Members = {}, key = keys[0], header: Members = {}): string => {
      const times = { iat: now(), exp: now() + 600, auth_time: now() }
      const who = { iss: issuer, sub: 'alice', aud: issuer, client_id: 'first-party', jti: 'one' }
      const claims = { ...who, ...times, sid: `${sessionId}.1`, amr: ['pwd'], roles: ['user'], ...changed }
      return toJws({ alg: 'ES256', typ: 'at+jwt', kid: key.kid, ...header }, claims, key)
    },
    close: async (): Promise<void> => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

export const sessionId = 'aSessionOf22Characters'

export type ScriptedIssuer = Awaited<ReturnType<typeof startScriptedIssuer>>

/** A verifier on a clock that only the test moves, and why its door was closed. */
export const openOn = (
  { issuer }: ScriptedIssuer,
  more: { readonly maxAge?: number; readonly mostCutOffs?: number } = {},
) => {
  const faults: string[] = []
  const set = { wall: Date.now(), monotonic: 0 }
  const verifier: Verifier = openVerifier({
    issuer,
    audience: issuer,
    maxAge: 1_000,
    mostCutOffs: 1_000,
    onFault: error => void faults.push(error.message),
    clock: { wall: () => set.wall, monotonic: () => set.monotonic },
    ...more,
  })
  const pass = (milliseconds: number): void => {
    set.wall += milliseconds
    set.monotonic += milliseconds
  }
  return { ...verifier, faults, set, pass }
}

/** `200`, or the code and the reason of the refusal. */
export const judge = async (verifier: Pick<Verifier, 'verify'>, credential?: string): Promise<string> => {
  try {
    await verifier.verify(credential)
    return '200'
  } catch (error) {
    const { code, reason } = error as { readonly code?: string; readonly reason?: string }
    if (code === undefined) throw error
    return `${code} ${reason}`
  }
}

/** Asks until it is told what is expected, and fails where a token is let in on the way. */
export const untilRefused = (
  verifier: Pick<Verifier, 'verify'>,
  token: string,
  expected: string,
): Promise<number> =>
  until(expected, async () => {
    const told = await judge(verifier, token)
    assert.notEqual(told, '200')
    return told === expected
  })

/** A machine that is busy may take longer than a request waits. */
export const untilLetIn = (verifier: Pick<Verifier, 'verify'>, token: string): Promise<number> =>
  until('it is let in', async () => (await judge(verifier, token)) === '200')
