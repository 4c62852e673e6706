import type { ClientRequest } from 'node:http'
import { Agent, request } from 'node:https'
import { setTimeout as delay } from 'node:timers/promises'
import type { TLSSocket } from 'node:tls'

/** What a client saw that went on asking. */
export type Account = {
  readonly answers: number
  readonly failures: readonly string[]
  /** Requests that met the end of a connection that had been used before, and were sent once more. */
  readonly repeated: number
  /** Of the certificates that it saw, in their order. */
  readonly serials: readonly string[]
}

type Place = { readonly port: number; readonly name: string; readonly ca: string }

type Answer = { readonly status: number; readonly serial: string }

/** Milliseconds between two requests of one client: what is in question is the moment of the change, many times over. */
const rest = 40

const toAnswer = (sent: ClientRequest): Promise<Answer> =>
  new Promise((resolve, reject) => {
    sent.once('error', error => reject(Object.assign(error, { isReused: sent.reusedSocket })))
    sent.once('response', response => {
      const { serialNumber: serial } = (response.socket as TLSSocket).getPeerCertificate()
      response.resume().once('end', () => resolve({ status: response.statusCode ?? 0, serial }))
    })
  })

const askOnce = ({ port, name, ca }: Place, agent: Agent): Promise<Answer> => {
  const sent = request({
    ...{ host: '127.0.0.1', port, servername: name, ca, agent, path: '/healthz', timeout: 10_000 },
    headers: { host: name },
  })
  sent.once('timeout', () => sent.destroy(new Error('no answer in 10 s')))
  sent.end()
  return toAnswer(sent)
}

/**
 * Asks for `/healthz` again and again until it is stopped: over one connection that is kept, or over a new one each
 * time. What meets the end of a kept connection is sent once more, as every client does (RFC 9112, 9.5).
 */
export const keepAsking = (place: Place, keepAlive: boolean): (() => Promise<Account>) => {
  // A session that is taken up again shows no certificate.
  const agent = new Agent({ keepAlive, maxSockets: 1, maxCachedSessions: 0 })
  const [failures, serials]: [string[], string[]] = [[], []]
  let [answers, repeated, isOver] = [0, 0, false]
  const ask = async (): Promise<Answer> => {
    try {
      return await askOnce(place, agent)
    } catch (error) {
      if (!(error instanceof Error && 'isReused' in error && error.isReused)) throw error
      repeated += 1
      return askOnce(place, agent)
    }
  }
  const note = async (): Promise<void> => {
    try {
      const { status, serial } = await ask()
      answers += 1
      if (status !== 200) failures.push(`status ${status}`)
      if (serials.at(-1) !== serial) serials.push(serial)
    } catch (error) {
      failures.push(String(error))
    }
  }
  const goOn = async (): Promise<void> => {
    while (!isOver) {
      await note()
      await delay(rest)
    }
    // The last request begins after it was stopped.
    await note()
  }
  const done = goOn()
  return async () => {
    isOver = true
    await done
    agent.destroy()
    return { answers, failures, repeated, serials }
  }
}

/**
 * Sends a request in small parts for as long as it is not ended: it is in flight meanwhile. Ending it gives its answer,
 * with the certificate that its connection began with.
 */
export const sendSlowly = ({ port, name, ca }: Place): (() => Promise<Answer>) => {
  const sent = request({
    ...{ host: '127.0.0.1', port, servername: name, ca, agent: false, method: 'POST', path: '/numbers' },
    headers: { host: name, 'content-type': 'application/json' },
  })
  const answer = toAnswer(sent)
  answer.catch(() => {})
  const parts = setInterval(() => sent.write(' '), 500)
  sent.write(' ')
  return () => {
    clearInterval(parts)
    sent.end('{"number":1}')
    return answer
  }
}
