import { createHash } from 'node:crypto'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A breach service on this machine, as the range interface of Pwned Passwords. */
export type BreachService = {
  readonly url: string
  /** What it was asked, in order. */
  readonly asked: readonly { readonly path: string; readonly headers: IncomingHttpHeaders }[]
  /** From now on it answers so; without a word, as it should. */
  readonly misbehave: (answer?: (response: ServerResponse, honest: string) => void) => void
  readonly close: () => Promise<void>
}

/** Upper case, as the service lists it; computed here by itself, so that ours is compared with another. */
export const listedHash = (password: string): string =>
  createHash('sha1').update(password, 'utf8').digest('hex').toUpperCase()

const padding = Array.from({ length: 800 }, (_, n) => `${n.toString(16).toUpperCase().padStart(35, 'F')}:0`)

const rowsFor = (prefix: string, stolen: readonly string[]): string => {
  const hashes = stolen.map(listedHash).filter(hash => hash.startsWith(prefix))
  return [...hashes.map(hash => `${hash.slice(5)}:37`), ...padding].join('\r\n')
}

/** @param stolen the passwords that it knows */
export const startBreachService = async (stolen: readonly string[]): Promise<BreachService> => {
  const asked: BreachService['asked'][number][] = []
  const honestly = (response: ServerResponse, honest: string): void => void response.end(honest)
  let answer = honestly
  const server = createServer(({ url = '', headers }, response) => {
    asked.push({ path: url, headers })
    answer(response, rowsFor(url.slice('/range/'.length), stolen))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/range/`,
    asked,
    misbehave: (other = honestly) => {
      answer = other
    },
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
