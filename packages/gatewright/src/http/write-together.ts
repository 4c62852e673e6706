import { validateHeaderValue } from 'node:http'
import type { FastifyInstance, FastifyReply } from 'fastify'

const isWritable = (name: string, value: unknown): boolean => {
  try {
    validateHeaderValue(name, String(value))
    return true
  } catch {
    return false
  }
}

/** Else what is told of the fault could not be written either. */
const dropUnwritable = (reply: FastifyReply): void => {
  for (const [name, value] of Object.entries(reply.getHeaders()))
    if (!isWritable(name, value)) reply.removeHeader(name)
}

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
      // A handler that answers twice: the first answer stands.
      if (reply.raw.headersSent) return
      if (isClosing && raw.httpVersionMajor === 1) reply.header('connection', 'close')
      try {
        done(null, payload)
      } catch (error) {
        // Nobody stands round this turn: what is thrown here would end the process, and every answer behind it.
        dropUnwritable(reply)
        done(error as Error)
      }
    }
    if (ready.push(write) === 1) setImmediate(writeAll)
  })
}
