import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { connect } from 'node:net'
import type { TestApp } from '../harness.ts'

/**
 * Opens the app's real server on a free port of 127.0.0.1. It closes with the app. Who expects a
 * "100 Continue" gets it when the app wants to read the body: the head alone was let in. Node.js by itself
 * says so before anybody has judged the head.
 */
export const listen = async ({ app }: TestApp): Promise<number> => {
  app.server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    request.on('newListener', event => event === 'data' && response.writeContinue())
    app.server.emit('request', request, response)
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const address = app.server.address()
  if (typeof address !== 'object' || address === null) throw new TypeError('the server has no port')
  return address.port
}

/** An answer as it stood on the wire, its header names in lower case. */
export type RawAnswer = {
  readonly status: number
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: string
  /** Everything that came back, further answers included. */
  readonly text: string
}

export const toAnswer = (text: string): RawAnswer => {
  const [head = '', ...rest] = text.split('\r\n\r\n')
  const [first = '', ...lines] = head.split('\r\n')
  const headers = lines.map(line => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const
  })
  return { status: Number(first.split(' ')[1] ?? 0), headers, body: rest.join('\r\n\r\n'), text }
}

/**
 * Sends these bytes on a connection of their own and reads until the server closes it; what closes
 * without an answer has the status 0. A request that is answered must ask for `connection: close`.
 * `hangUp` ends our side after the bytes, as a caller does that goes away.
 */
export const exchange = async (
  port: number,
  bytes: string | Uint8Array,
  { hangUp = false }: { readonly hangUp?: boolean } = {},
): Promise<RawAnswer> => {
  const socket = connect({ host: '127.0.0.1', port })
  const chunks: Buffer[] = []
  socket.on('data', chunk => chunks.push(chunk as Buffer))
  // A reset after the answer, or instead of one, is an end like any other.
  socket.on('error', () => {})
  socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
  if (hangUp) socket.end()
  await once(socket, 'close')
  return toAnswer(Buffer.concat(chunks).toString('latin1'))
}

/** The lines of a request without a body, ready to be sent. */
export const toRequest = (
  method: string,
  target: string,
  headers: Readonly<Record<string, string | readonly string[]>> = {},
): string => {
  const lines = Object.entries(headers).flatMap(([name, values]) =>
    [values].flat().map(value => `${name}: ${value}`),
  )
  return [`${method} ${target} HTTP/1.1`, 'Host: 127.0.0.1', 'Connection: close', ...lines, '', ''].join(
    '\r\n',
  )
}
