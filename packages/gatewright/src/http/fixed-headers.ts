import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type { FastifyReply } from 'fastify'
import type { HeaderTable } from './security-headers.ts'

/** Where Node.js makes the text of a head. Not part of its documented face: `canStore` tries it at the start. */
type Storing = { _storeHeader: (firstLine: string, headers: Readonly<Record<string, unknown>>) => void }

const { _storeHeader: storeHeader } = ServerResponse.prototype as unknown as Partial<Storing>

/** Puts the lines in front; what the answer has of its own under the same name goes first, and alone. */
const createStore = (table: HeaderTable): Storing['_storeHeader'] => {
  const names = Object.keys(table)
  const toLines = (some: readonly string[]) => some.map(name => `${name}: ${table[name]}\r\n`).join('')
  const all = toLines(names)
  return function (this: ServerResponse, firstLine, headers) {
    const isOwn = (name: string): boolean => headers !== undefined && name in headers
    const lines = names.some(isOwn) ? toLines(names.filter(name => !isOwn(name))) : all
    storeHeader?.call(this as unknown as Storing, firstLine + lines, headers)
  }
}

/** Whether a head made so says what it should. */
const canStore = (store: Storing['_storeHeader']): boolean => {
  const response = new ServerResponse(new IncomingMessage(new Socket()))
  Object.assign(response, { _storeHeader: store })
  response.writeHead(200, { 'x-frame-options': 'own' })
  const { _header: head } = response as unknown as { readonly _header?: string }
  return (
    /^HTTP\/1\.1 200 OK\r\nx-content-type-options: nosniff\r\n/.test(head ?? '') &&
    head?.split('x-frame-options').length === 2
  )
}

/**
 * Writes headers that are the same in every answer. Node.js checks and copies each name and value anew for
 * each answer, which for these costs more than everything else that the gate does; so they stand as one
 * text in front of the others. Where Node.js makes its heads in another way than known, where an answer is no
 * plain one of it (HTTP/2, `inject`), they are set one by one.
 */
export const createFixedHeaders = (table: HeaderTable): ((reply: FastifyReply) => void) => {
  const store = createStore(table)
  const isKnown = storeHeader !== undefined && canStore(store)
  return reply => {
    const raw: ServerResponse & Partial<Storing> = reply.raw
    if (isKnown && raw.constructor === ServerResponse) raw._storeHeader = store
    else reply.headers(table)
  }
}
