import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, request as send } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import type { Principal } from './access-token.ts'
import { admit } from './node-http.ts'
import { Refusal, type RefusalCode, refusals } from './refusal.ts'
import { admit as admitWeb } from './web.ts'

const principal = { userId: 'alice' } as Principal
const seen: (string | null | undefined)[] = []
let told: Error | undefined
/** What a verifier says; who says so is tried elsewhere. */
const verifier = {
  issuer: 'https://api.example',
  verify: async (credential: string | null | undefined) => {
    seen.push(credential)
    if (told !== undefined) throw told
    return principal
  },
}

const server = createServer(async (request, response) => {
  const admitted = await admit(verifier, request, response).catch(() => response.writeHead(500).end())
  if (admitted === principal) response.end('let in')
})
before(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
})
after(() => server.close())

const ask = async (headers: readonly string[]) => {
  const { port } = server.address() as AddressInfo
  const outgoing = send({
    port,
    host: '127.0.0.1',
    headers: ['Host', 'a', 'Connection', 'close', ...headers],
  }).end()
  const [incoming] = await once(outgoing, 'response')
  return { status: incoming.statusCode, headers: incoming.headers, text: await text(incoming) }
}

test('a header is given to the verifier as it was sent, whatever the case of its name', async () => {
  for (const name of ['Authorization', 'authorization', 'AUTHORIZATION']) {
    const { status } = await ask([name, 'Bearer one'])
    assert.deepEqual([status, seen.at(-1)], [200, 'Bearer one'])
  }
  await ask([])
  assert.equal(seen.at(-1), undefined)
})

test('two Authorization headers are refused: Node.js would keep the first, another reader the second', async () => {
  const before = seen.length
  const { status, text } = await ask(['Authorization', 'Bearer one', 'authorization', 'Bearer two'])
  assert.deepEqual([status, JSON.parse(text).code], [400, 'several_credentials'])
  assert.equal(seen.length, before)
})

describe('each refusal is answered as Gatewright answers it, by both helpers', () => {
  for (const code of Object.keys(refusals) as RefusalCode[])
    test(code, async () => {
      told = new Refusal(code, 'a reason')
      try {
        const { status, headers, text } = await ask([])
        const { refused } = await admitWeb(verifier, new Request('http://a.example'))
        assert.ok(refused)
        assert.deepEqual([status, text], [refused.status, await refused.text()])
        assert.equal(status, refusals[code].status)
        const { type, detail } = JSON.parse(text)
        assert.deepEqual([type, detail], [`https://api.example/docs/errors#${code}`, refusals[code].detail])
        assert.ok(!text.includes('a reason'))
        for (const name of [
          'content-type',
          'cache-control',
          'www-authenticate',
          'retry-after',
          'x-content-type-options',
        ])
          assert.equal(headers[name] ?? null, refused.headers.get(name), name)
        assert.equal(headers['www-authenticate'] !== undefined, status === 401)
        assert.equal(headers['retry-after'], status === 503 ? '1' : undefined)
      } finally {
        told = undefined
      }
    })
})

test('what is no refusal is thrown: nobody is let in by a mistake', async () => {
  told = new TypeError('a mistake')
  try {
    assert.equal((await ask([])).status, 500)
    await assert.rejects(admitWeb(verifier, new Request('http://a.example')), TypeError)
  } finally {
    told = undefined
  }
})
