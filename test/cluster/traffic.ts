import { Agent as HttpAgent } from 'node:http'
import { Agent } from 'node:https'
import type { Answer, Outgoing } from '../process/http-client.ts'
import { send } from '../process/http-client.ts'
import { type Account, breach, type Kind, noteAnswer, toWords } from './account.ts'
import type { Cluster } from './cluster.ts'
import { mayLimitsForget, mayReadFail, mayWriteFail } from './faults.ts'
import type { Node } from './node.ts'
import type { Weather } from './weather.ts'

/** An answer; status 0 where there was none. */
export type Reply = Answer & { readonly code: string }

/** A client on a machine of its own: an address of loopback from which it comes, and its connections. */
export type Client = { readonly address: string; readonly agent: Agent; readonly close: () => void }

export type Traffic = {
  readonly cluster: Cluster
  readonly account: Account
  readonly weather: Weather
  readonly newClient: () => Client
  /** A request through nginx, noted in the account. One that did not come to an answer as promised is a breach. */
  readonly call: (
    client: Client,
    kind: Kind,
    method: string,
    path: string,
    outgoing?: Outgoing,
  ) => Promise<Reply>
  /** The same, whose answer nobody waits for: it counts for nothing. */
  readonly askInVain: (client: Client, method: string, path: string, outgoing: Outgoing) => Promise<unknown>
  /** The same without a connection that lasts, and judged by nobody: as whoever tries what has ended. */
  readonly ask: (address: string, method: string, path: string, outgoing?: Outgoing) => Promise<Reply>
  /** The same to one node, over a connection of its own, as nginx would send it. */
  readonly callNode: (
    node: Node,
    address: string,
    method: string,
    path: string,
    outgoing?: Outgoing & { readonly agent?: HttpAgent },
  ) => Promise<Reply>
}

const mount = '/api/v1'
const toPath = (path: string): string => (path.startsWith('/') ? path : `${mount}/${path}`)

const codeOf = (text: string): string => /"code":"([a-z_]+)"/.exec(text)?.[1] ?? ''
const noAnswer: Reply = {
  status: 0,
  headers: {},
  text: 'no answer',
  code: '',
  field: name => {
    throw new Error(`no ${name} without an answer`)
  },
}

const ask = (method: string, url: string, outgoing: Outgoing): Promise<Reply> =>
  send(method, url, outgoing).then(
    answer => ({ ...answer, code: codeOf(answer.text) }),
    error => ({ ...noAnswer, text: String(error) }),
  )

/** 127.16.0.1 and on: each client has one of its own, and nginx sees it. */
const toAddress = (serial: number): string =>
  `127.${16 + Math.floor(serial / 64_000)}.${Math.floor(serial / 250) % 256}.${1 + (serial % 250)}`

const isFailure = (status: number): boolean => status === 0 || status >= 500
const passing = [0, 502, 503, 504]

export const createTraffic = (cluster: Cluster, account: Account, weather: Weather): Traffic => {
  let serial = 0
  const host = new URL(cluster.url).host

  const note = (kind: Kind, from: number, reply: Reply): Reply => {
    const took = performance.now() - from
    noteAnswer(account, { kind, status: reply.status, took, faults: weather.since(from) })
    return reply
  }
  const judge = (kind: Kind, what: string, from: number, { status, text }: Reply): void => {
    if (!isFailure(status)) return
    const faults = weather.since(from)
    const isRead = kind === 'read'
    // An exact limit whose count is away lets a few through, and tells the rest to come again.
    const isUncounted = status === 503 && mayLimitsForget(faults)
    const isAllowed = isRead
      ? mayReadFail(faults, status)
      : isUncounted || (mayWriteFail(faults) && passing.includes(status))
    if (!isAllowed)
      breach(
        account,
        isRead ? 'reads' : 'writes',
        `${what}: ${status} after ${(performance.now() - from).toFixed(0)} ms, while ${toWords(faults)}: ${text.slice(0, 200)}`,
      )
  }
  const call: Traffic['call'] = async (client, kind, method, path, outgoing = {}) => {
    const sendBy = (agent: Agent) => ask(method, cluster.url + toPath(path), { ...outgoing, agent })
    const from = performance.now()
    let reply = await sendBy(client.agent)
    // As browsers do: a connection that rested may have ended just before it was used.
    const hasRested = kind === 'read' && reply.status === 0
    if (hasRested && weather.since(from).includes('nginx reads its configuration'))
      reply = await sendBy(newAgent(client.address, false))
    judge(kind, `${method} ${path}`, from, reply)
    return note(kind, from, reply)
  }
  const newAgent = (address: string, keepAlive: boolean): Agent =>
    new Agent({ keepAlive, maxSockets: 4, ca: cluster.ca, localAddress: address, family: 4 })
  return {
    cluster,
    account,
    weather,
    askInVain: ({ agent }, method, path, outgoing) =>
      ask(method, cluster.url + toPath(path), { ...outgoing, agent }),
    ask: async (address, method, path, outgoing = {}) => {
      const from = performance.now()
      const agent = newAgent(address, false)
      return note('probe', from, await ask(method, cluster.url + toPath(path), { ...outgoing, agent }))
    },
    newClient: () => {
      const address = toAddress(serial++)
      const agent = newAgent(address, true)
      return { address, agent, close: () => agent.destroy() }
    },
    call,
    callNode: async (node, address, method, path, outgoing = {}) => {
      const headers = { host, 'x-forwarded-for': address, 'x-forwarded-proto': 'https', ...outgoing.headers }
      const from = performance.now()
      const url = `http://127.0.0.1:${node.port}${toPath(path)}`
      const agent = outgoing.agent ?? new HttpAgent()
      return note('probe', from, await ask(method, url, { ...outgoing, headers, agent }))
    },
  }
}
