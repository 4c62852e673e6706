import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** Stands between a client and a server, and breaks what a network breaks. */
export type Proxy = {
  readonly port: number
  /** Nothing of the server comes through any more on the connections there are; new ones work. */
  readonly silence: () => void
  /** Cuts, once, the connection on which the client sends this text: before or after the server has it. */
  readonly cutAt: (text: string, when: 'before' | 'after') => void
  /** Holds back, once, what a client sends with this text, for so many milliseconds. */
  readonly holdAt: (text: string, milliseconds: number) => void
  /** What the server says comes so many milliseconds late, on the connections there are on which the client has sent this text. */
  readonly delayAnswers: (text: string, milliseconds: number) => void
  readonly close: () => Promise<void>
}

export const startProxy = async (target: { readonly port: number }): Promise<Proxy> => {
  const pairs: (readonly [client: Socket, server: Socket])[] = []
  const sent = new Map<Socket, string>()
  const late = new Map<Socket, number>()
  let hold: { readonly text: string; readonly milliseconds: number } | undefined
  let cut: { readonly text: string; readonly when: 'before' | 'after' } | undefined

  const end = (...sockets: readonly Socket[]): void => {
    for (const socket of sockets) socket.destroy()
  }
  const proxy = createServer(client => {
    const server = connect({ host: '127.0.0.1', port: target.port })
    pairs.push([client, server])
    let isCutting = false
    client.on('data', chunk => {
      sent.set(client, (sent.get(client) ?? '') + chunk.toString('latin1'))
      const found = cut !== undefined && chunk.includes(cut.text) ? cut.when : undefined
      if (found !== undefined) cut = undefined
      isCutting ||= found === 'after'
      const held = hold !== undefined && chunk.includes(hold.text) ? hold.milliseconds : undefined
      if (held !== undefined) hold = undefined
      if (found === 'before') end(client, server)
      else if (held !== undefined) setTimeout(() => server.write(chunk), held)
      else server.write(chunk)
    })
    // What the server answers then no longer comes.
    server.on('data', chunk => {
      const delay = late.get(client)
      if (isCutting) end(client, server)
      else if (delay === undefined) client.write(chunk)
      else setTimeout(() => client.destroyed || client.write(chunk), delay).unref()
    })
    for (const socket of [client, server]) {
      socket.on('error', () => {})
      socket.on('close', () => end(client, server))
    }
  }).listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  return {
    port: (proxy.address() as AddressInfo).port,
    silence: () => {
      for (const [, server] of pairs) server.removeAllListeners('data').resume()
    },
    delayAnswers: (text, milliseconds) => {
      for (const [client, words] of sent) if (words.includes(text)) late.set(client, milliseconds)
    },
    cutAt: (text, when) => {
      cut = { text, when }
    },
    holdAt: (text, milliseconds) => {
      hold = { text, milliseconds }
    },
    close: async () => {
      for (const pair of pairs) end(...pair)
      proxy.close()
      await once(proxy, 'close')
    },
  }
}
