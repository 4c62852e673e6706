import http, { type IncomingMessage } from 'node:http'
import https from 'node:https'
import { NoAnswer, toNoAnswer } from './no-answer.ts'

export type Asked = {
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** Below the address, with the mount in front. */
  readonly path: string
  readonly token?: string
  readonly body?: Readonly<Record<string, string>>
}

export type Answer = {
  readonly status: number
  /** Undefined where the answer is no JSON object, whatever it calls itself. */
  readonly body: Readonly<Record<string, unknown>> | undefined
  /** The first word of Content-Type. */
  readonly type: string
  readonly location: string | undefined
  readonly retryAfter: string | undefined
}

const most = 256 * 1_024

/**
 * A connection of its own each time, so that a balancer chooses anew. No redirect is followed. Certificates are
 * checked, also where NODE_TLS_REJECT_UNAUTHORIZED says otherwise: passwords go this way.
 */
const send = (base: URL, { method, path, token, body }: Asked, signal: AbortSignal) =>
  new Promise<IncomingMessage>((resolve, reject) => {
    const payload = body && JSON.stringify(body)
    const headers = {
      accept: 'application/json',
      'user-agent': 'gatewright smoke',
      ...(payload !== undefined && {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(payload),
      }),
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    }
    const options = { method, headers, signal, agent: false as const, rejectUnauthorized: true }
    const closed = (): void => reject(new NoAnswer('the connection was closed without an answer'))
    const client = base.protocol === 'https:' ? https : http
    client.request(new URL(path, base), options, resolve).on('error', reject).on('close', closed).end(payload)
  })

const readText = async (answer: IncomingMessage): Promise<string> => {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of answer as AsyncIterable<Uint8Array>) {
    size += chunk.length
    if (size > most) throw new NoAnswer('the answer is too large')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

const isJson = /^application\/([\w.-]+\+)?json$/

const parseObject = (type: string, text: string): Answer['body'] => {
  if (!isJson.test(type)) return undefined
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch {
    return undefined
  }
}

/**
 * One request, and its answer whatever its status is.
 * @throws NoAnswer
 */
export const ask = async (base: URL, asked: Asked, signal: AbortSignal): Promise<Answer> => {
  try {
    const answer = await send(base, asked, signal)
    const { statusCode: status = 0, headers } = answer
    const type = headers['content-type']?.split(';')[0]?.trim().toLowerCase() ?? ''
    const body = parseObject(type, await readText(answer))
    return { status, body, type, location: headers.location, retryAfter: headers['retry-after'] }
  } catch (error) {
    throw toNoAnswer(signal.aborted ? signal.reason : error)
  }
}
