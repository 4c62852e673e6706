import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export type Seen = {
  readonly method: string
  /** As it came. */
  readonly path: string
  readonly lines: readonly (readonly [name: string, value: string])[]
  readonly body: string
}

/** A server behind a proxy that notes what reaches it, and answers as it is told. */
export type RecordingServer = {
  readonly place: string
  readonly seen: Seen[]
  /** Connections that were opened so far. */
  readonly connections: () => number
  /** What it does with a request that has arrived whole. */
  act: (request: IncomingMessage, response: ServerResponse) => void
  readonly close: () => Promise<void>
}

const answerOk: RecordingServer['act'] = (_, response) => void response.end('ok')

export const startRecordingServer = async (): Promise<RecordingServer> => {
  let opened = 0
  const server = createServer({ requireHostHeader: false }, (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.once('end', () => {
      const { method = '', url: path = '', rawHeaders } = request
      const lines = rawHeaders.flatMap((name, index) =>
        index % 2 === 0 ? [[name.toLowerCase(), rawHeaders[index + 1] ?? ''] as const] : [],
      )
      recording.seen.push({ method, path, lines, body: Buffer.concat(chunks).toString('latin1') })
      recording.act(request, response)
    })
  }).on('connection', () => {
    opened += 1
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const recording: RecordingServer = {
    place: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen: [],
    connections: () => opened,
    act: answerOk,
    close: async () => {
      server.closeAllConnections()
      if (server.listening) await once(server.close(), 'close')
    },
  }
  return recording
}
