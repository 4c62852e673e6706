import assert from 'node:assert/strict'
import { type Agent, request as httpRequest, type IncomingHttpHeaders, type RequestOptions } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { connect } from 'node:net'
import { within } from './until.ts'

export type Answer = {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  /** A field of the JSON body that must be text. */
  readonly field: (name: string) => string
}

export type Outgoing = {
  readonly token?: string
  /** Sent as JSON; a text is sent as it is. */
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  readonly agent?: Agent
  /** PEM of the authority to trust, for https. */
  readonly ca?: string
}

const longestAnswer = 60_000

/** One request as written, without redirects, retries or cookies. Rejects when the connection breaks. */
export const send = (method: string, url: string, outgoing: Outgoing = {}): Promise<Answer> =>
  within(longestAnswer, `${method} ${url} answers`, sendNow(method, url, outgoing))

const sendNow = (method: string, url: string, { token, body, headers, agent, ca }: Outgoing) => {
  const payload = typeof body === 'string' || body === undefined ? body : JSON.stringify(body)
  const options: RequestOptions & { ca?: string } = {
    method,
    headers: {
      ...(payload !== undefined && {
        'content-type': 'application/json',
        'content-length': String(Buffer.byteLength(payload)),
      }),
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...headers,
    },
    ...(agent && { agent }),
    ...(ca !== undefined && { ca }),
  }
  return new Promise<Answer>((resolve, reject) => {
    const request = (url.startsWith('https:') ? httpsRequest : httpRequest)(url, options, incoming => {
      const chunks: Buffer[] = []
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
      incoming.on('error', reject)
      incoming.on('end', () => {
        const text = Buffer.concat(chunks).toString()
        resolve(toAnswer(incoming.statusCode ?? 0, incoming.headers, text))
      })
    })
    request.on('error', reject)
    request.end(payload)
  })
}

const toAnswer = (status: number, headers: IncomingHttpHeaders, text: string): Answer => ({
  status,
  headers,
  text,
  field: name => {
    const value = (JSON.parse(text) as Readonly<Record<string, unknown>>)[name]
    assert.ok(typeof value === 'string', `no text ${name} in ${status} ${text}`)
    return value
  },
})

/** Writes the text as it is to a new connection, and gives everything that came before its end. */
export const exchange = (port: number, text: string, host = '127.0.0.1'): Promise<string> =>
  within(
    longestAnswer,
    'the server closes the connection',
    new Promise((resolve, reject) => {
      const socket = connect({ port, host }, () => socket.write(text))
      const chunks: Buffer[] = []
      socket.on('data', (chunk: Buffer) => chunks.push(chunk))
      socket.on('error', reject)
      socket.on('close', () => resolve(Buffer.concat(chunks).toString()))
    }),
  )

/** A whole answer as it came over the wire. Header names in lower case. */
export const parseAnswer = (raw: string): Answer => {
  const [head = '', ...rest] = raw.split('\r\n\r\n')
  const [statusLine = '', ...lines] = head.split('\r\n')
  const headers = Object.fromEntries(
    lines.map(line => {
      const [name = '', ...value] = line.split(':')
      return [name.toLowerCase(), value.join(':').trim()]
    }),
  )
  return toAnswer(Number(statusLine.split(' ')[1]), headers, rest.join('\r\n\r\n'))
}
