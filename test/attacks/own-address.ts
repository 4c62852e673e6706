import { createServer } from 'node:net'

/** Whether this machine has the address: a second one of loopback, or IPv6, not all have. */
export const isOwnAddress = (address: string): Promise<boolean> =>
  new Promise(resolve => {
    const server = createServer()
      .once('error', () => resolve(false))
      .listen(0, address, () => server.close(() => resolve(true)))
  })
