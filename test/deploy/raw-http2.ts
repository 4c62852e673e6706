import { once } from 'node:events'
import type { TLSSocket } from 'node:tls'
import { within } from '../process/until.ts'

/** Name and value, of any bytes: Node.js's own client would refuse to send most of what is sent here. */
export type Field = readonly [name: string, value: string]

/** A status, or how the stream or the connection was ended. */
export type Outcome = number | 'reset' | 'gone' | 'closed'

const types = { data: 0, headers: 1, reset: 3, settings: 4, goAway: 7 } as const

const toFrame = (type: number, flags: number, stream: number, payload: Buffer): Buffer => {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** HPACK's length with a prefix of 7 bits (RFC 7541 §5.1). */
const toLength = (length: number): Buffer => {
  if (length < 127) return Buffer.from([length])
  const bytes = [127]
  let rest = length - 127
  for (; rest >= 128; rest >>= 7) bytes.push((rest & 127) | 128)
  return Buffer.from([...bytes, rest])
}

const toText = (text: string): Buffer => {
  const bytes = Buffer.from(text, 'latin1')
  return Buffer.concat([toLength(bytes.length), bytes])
}

/** Each as a literal that nobody remembers. */
const toBlock = (fields: readonly Field[]): Buffer =>
  Buffer.concat(fields.flatMap(([name, value]) => [Buffer.from([0]), toText(name), toText(value)]))

const knownStatuses: Readonly<Record<number, number>> = { 136: 200, 137: 204, 140: 400, 141: 404, 142: 500 }

/** nginx writes the status first: as one known byte, or plainly. */
const toStatus = (block: Buffer): number => {
  const start = (block[0] ?? 0) >> 5 === 1 ? 1 : 0
  return knownStatuses[block[start] ?? 0] ?? Number(block.toString('latin1', start + 2, start + 5))
}

const readOutcome = (received: Buffer): Outcome | undefined => {
  for (let at = 0; at + 9 <= received.length; ) {
    const end = at + 9 + received.readUIntBE(at, 3)
    if (end > received.length) return undefined
    const type = received[at + 3]
    if (type === types.headers) return toStatus(received.subarray(at + 9, end))
    if (type === types.reset) return 'reset'
    if (type === types.goAway) return 'gone'
    at = end
  }
  return undefined
}

const preface = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  toFrame(types.settings, 0, 0, Buffer.alloc(0)),
])

/** Sends one request as it is written here, with a body where there is one, on a connection of HTTP/2. */
export const sendHttp2 = async (
  socket: TLSSocket,
  fields: readonly Field[],
  body?: string,
): Promise<Outcome> => {
  const [endsHeaders, endsStream] = [4, 1]
  const head = toFrame(types.headers, endsHeaders | (body === undefined ? endsStream : 0), 1, toBlock(fields))
  const data = body === undefined ? [] : [toFrame(types.data, endsStream, 1, Buffer.from(body, 'latin1'))]
  let received: Buffer = Buffer.alloc(0)
  let outcome: Outcome | undefined
  const told = new Promise<void>(resolve => {
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk])
      outcome ??= readOutcome(received)
      if (outcome !== undefined) resolve()
    })
  })
  socket.write(Buffer.concat([preface, head, ...data]))
  await within(
    10_000,
    'the request is answered or its connection ended',
    Promise.race([told, once(socket, 'close')]),
  )
  socket.destroy()
  return outcome ?? 'closed'
}
