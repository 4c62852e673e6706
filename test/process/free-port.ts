import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

/**
 * Below the ports that systems give out by themselves (32,768 and up): whoever asks for any free one, as
 * hundreds of tests do at the same time, is never given this one between our look and our use.
 */
const [lowest, beyond] = [20_000, 32_000]

const isFree = (port: number, host: string): Promise<boolean> =>
  new Promise(resolve => {
    const probe = createServer()
    // A machine without ::1 has nobody there either.
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'EADDRINUSE'))
    probe.listen({ port, host }, () => void probe.close(() => resolve(true)))
  })

/** A port that is free on both addresses of loopback, and stays free until a program of this test has it. */
export const findFreePort = async (): Promise<number> => {
  for (;;) {
    const port = randomInt(lowest, beyond)
    if ((await isFree(port, '127.0.0.1')) && (await isFree(port, '::1'))) return port
  }
}
