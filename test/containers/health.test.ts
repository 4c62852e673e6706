import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { promisify } from 'node:util'
import { generate } from 'selfsigned'
import { healthAddress } from '../../deploy/container/health.ts'
import { top } from '../../tools/top.ts'

const run = promisify(execFile)
const script = join(top, 'deploy/container/health.ts')

type Outcome = { readonly code: number; readonly stderr: string }

const check = (env: Readonly<Record<string, string>>): Promise<Outcome> =>
  run(process.execPath, [script], { env }).then(
    ({ stderr }) => ({ code: 0, stderr }),
    error => ({ code: error.code, stderr: error.stderr }),
  )

const listen = async (server: Server): Promise<AsyncDisposable & { readonly port: string }> => {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    port: String(port),
    [Symbol.asyncDispose]: () =>
      new Promise(resolve => void server.close(() => resolve()).closeAllConnections()),
  }
}

const answering =
  (status: number): RequestListener =>
  (request, response) =>
    void response.writeHead(request.url === '/healthz' ? status : 404).end()

describe('the health check of the image', () => {
  const addresses: readonly (readonly [Readonly<Record<string, string>>, string])[] = [
    [{}, 'http://127.0.0.1:3000/healthz'],
    [{ HOST: '0.0.0.0', PORT: '8080' }, 'http://127.0.0.1:8080/healthz'],
    [{ HOST: '::' }, 'http://[::1]:3000/healthz'],
    [{ HOST: '10.0.0.5', TLS: 'files' }, 'https://10.0.0.5:3000/healthz'],
  ]
  for (const [env, address] of addresses)
    test(`with ${JSON.stringify(env)} asks ${address}`, () => assert.equal(healthAddress(env).href, address))

  test('passes where the server answers', async () => {
    await using server = await listen(createServer(answering(200)))
    assert.deepEqual(await check({ PORT: server.port }), { code: 0, stderr: '' })
  })

  test('fails where it answers that something is wrong, and says what', async () => {
    await using server = await listen(createServer(answering(503)))
    const { code, stderr } = await check({ PORT: server.port })
    assert.equal(code, 1)
    assert.match(stderr, /healthz: it answers 503\n$/)
  })

  test('fails where nobody listens', async () => {
    const server = await listen(createServer())
    await server[Symbol.asyncDispose]()
    assert.equal((await check({ PORT: server.port })).code, 1)
  })

  for (const asks of [false, true])
    test(`passes over TLS${asks ? ', also where the server asks for a certificate that nobody here has' : ''}`, async () => {
      const { private: key, cert } = await generate([{ name: 'commonName', value: 'localhost' }])
      const options = { key, cert, requestCert: asks, rejectUnauthorized: asks }
      await using server = await listen(createTlsServer(options, answering(200)))
      assert.deepEqual(await check({ PORT: server.port, TLS: 'files' }), { code: 0, stderr: '' })
    })
})
