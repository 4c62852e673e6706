import { ServerResponse } from 'node:http'
import Fastify from 'fastify'
import { securityHeaders } from '../../packages/gatewright/src/http/security-headers.ts'
import { path, payload } from './payload.ts'

const mode = process.argv[2] ?? ''
const app = Fastify()
const table: Record<string, string> = { ...securityHeaders('http://localhost'), 'cache-control': 'no-store' }
const short: Record<string, string> = { ...table, 'permissions-policy': 'camera=()' }
const text = Object.entries(table)
  .map(([k, v]) => `${k}: ${v}\r\n`)
  .join('')
const store = (ServerResponse.prototype as any)._storeHeader
const has = (m: string) => mode.split(',').includes(m)
const hooked = function (this: any, first: string, headers: any) {
  return store.call(this, first + text, headers)
}
let n = 0
app.addHook('onRequest', (request, reply, done) => {
  if (has('table')) reply.headers(table)
  if (has('short')) reply.headers(short)
  if (has('hack')) (reply.raw as any)._storeHeader = hooked
  if (has('id')) reply.header('x-request-id', 'abcdefghijklmnop' + ++n)
  if (has('rate')) {
    reply.header('ratelimit-policy', '"read-user";q=1200;w=60')
    reply.header('ratelimit', `"read-user";r=${n};t=1`)
  }
  done()
})
if (has('pre')) app.addHook('preHandler', (_q, _r, done) => done())
if (has('resp')) app.addHook('onResponse', (_q, _r, done) => done())
app.get(path, (_request, reply) => {
  reply.send(payload)
})
const url = await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT) })
console.log(JSON.stringify({ url, headers: [''] }))
