import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type { FastifyReply } from 'fastify'
import type { HeaderTable } from './security-headers.ts'

type Store = (this: Storing, firstLine: string, headers: Readonly<Record<string, unknown>>) => void

/** Where Node.js makes the text of a head. Not part of its documented face: `canStore` tries it at the start. */
type Storing = ServerResponse & {
  _storeHeader: Store
  /** What this one answer says beside the table. */
  ownHeaders?: Record<string, string>
}

const { _storeHeader: storeHeader } = ServerResponse.prototype as Partial<Storing>

const toLine = (name: string, value: string): string => `${name}: ${value}\r\n`

/** Puts the lines in front; where the handler has set a header of the same name, that one stands alone. */
const createStore = (table: HeaderTable): Store => {
  const names = Object.keys(table)
  const linesOf = (some: readonly string[]) => some.map(name => toLine(name, table[name] as string)).join('')
  const all = linesOf(names)
  return function (firstLine, headers = {}) {
    let lines = names.some(name => name in headers) ? linesOf(names.filter(name => !(name in headers))) : all
    for (const name in this.ownHeaders)
      if (!(name in headers)) lines += toLine(name, this.ownHeaders[name] as string)
    storeHeader?.call(this, firstLine + lines, headers)
  }
}

/** Whether a head made so says what it should. */
const canStore = (_storeHeader: Store): boolean => {
  const response = new ServerResponse(new IncomingMessage(new Socket()))
  Object.assign(response, { _storeHeader, ownHeaders: { 'x-request-id': '1' } })
  response.writeHead(200, { 'x-frame-options': 'own' })
  const { _header: head = '' } = response as unknown as { readonly _header?: string }
  return (
    /^HTTP\/1\.1 200 OK\r\nx-content-type-options: nosniff\r\n/.test(head) &&
    head.includes('\r\nx-request-id: 1\r\n') &&
    head.split('x-frame-options').length === 2
  )
}

/**
 * Headers that the gate gives to every answer, and its `X-Request-Id`. Node.js checks and copies each name and
 * value anew for each answer, which for these costs more than all steps of the gate; so they stand as one
 * text in front of the others. Where Node.js makes its heads in another way than known, where an answer is no
 * plain one of it (HTTP/2, `inject`), they are set one by one.
 */
export const createAnswerHeaders = (table: HeaderTable): ((reply: FastifyReply) => void) => {
  const store = createStore(table)
  const isKnown = storeHeader !== undefined && canStore(store)
  return reply => {
    const raw = reply.raw as Storing
    const { id } = reply.request
    if (isKnown && raw.constructor === ServerResponse) {
      raw._storeHeader = store
      raw.ownHeaders = { 'x-request-id': id }
    } else reply.headers(table).header('x-request-id', id)
  }
}

/** Adds what the gate says in this one answer. Values of our own making only: nothing checks them. */
export const addAnswerHeaders = (reply: FastifyReply, headers: HeaderTable): void => {
  const { ownHeaders } = reply.raw as Storing
  if (ownHeaders === undefined) return void reply.headers(headers)
  for (const name in headers) ownHeaders[name] = headers[name] as string
}
