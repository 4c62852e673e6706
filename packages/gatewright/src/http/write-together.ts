import type { FastifyInstance } from 'fastify'

/**
 * Answers that are ready in the same turn of the event loop are written at its end, one right after the
 * other. Writing wakes whoever waits at the other end, often on this machine (a proxy): under load that costs
 * as much as all steps of the gate where other work stands between, and next to nothing where it does not.
 * A lone answer waits for nothing, since its turn is over.
 *
 * While the application closes, each ends its connection: it would else rest until its timeout, since resting
 * connections were closed before.
 */
export const writeTogether = (app: FastifyInstance): void => {
  let ready: (() => void)[] = []
  let isClosing = false
  const writeAll = (): void => {
    const all = ready
    ready = []
    for (const write of all) write()
  }
  app.addHook('preClose', done => {
    isClosing = true
    done()
  })
  app.addHook('onSend', ({ raw }, reply, payload, done) => {
    const write = (): void => {
      if (isClosing && raw.httpVersionMajor === 1) reply.header('connection', 'close')
      done(null, payload)
    }
    if (ready.push(write) === 1) setImmediate(writeAll)
  })
}
