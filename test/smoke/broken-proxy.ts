import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Answers by itself, and says so; or leaves the request to the server behind. */
export type Spoil = (request: IncomingMessage, response: ServerResponse) => boolean

type Owner = { readonly after: (end: () => void) => void }

/** A proxy that goes wrong in one way, in front of a real server. */
export const startBrokenProxy = async (owner: Owner, behind: URL, spoil: Spoil): Promise<URL> => {
  const server = createServer((incoming, outgoing) => {
    if (spoil(incoming, outgoing)) return
    const { method, url, headers } = incoming
    const forwarded = request(new URL(url ?? '/', behind), { method, headers }, answer => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(outgoing)
    })
    incoming.pipe(forwarded)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  owner.after(() => {
    server.close()
    server.closeAllConnections()
  })
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
}
