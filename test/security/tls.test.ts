import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { connect } from 'node:tls'
import { generate } from 'selfsigned'
import type { Certificate } from '../../packages/gatewright/src/http/certificate.ts'
import { createServers, type Servers } from '../../packages/gatewright/src/http/servers.ts'

type Key = 'ec' | 'rsa'

const makePair = async (keyType: Key): Promise<Certificate> => {
  const { cert, private: key } = await generate([{ name: 'commonName', value: 'localhost' }], {
    keyType,
    ...(keyType === 'ec' && { curve: 'P-256' as const }),
  })
  return { cert, key }
}

let servers: Servers
let server: Server
let port: number
let pairs: Readonly<Record<Key, Certificate>>
before(async () => {
  pairs = { ec: await makePair('ec'), rsa: await makePair('rsa') }
  servers = createServers({ certificate: pairs.ec, answerBrokenRequest: (_, socket) => socket.destroy() })
  server = servers.create((_, response) => response.end())
  await once(server.listen(0, '127.0.0.1'), 'listening')
  port = (server.address() as AddressInfo).port
})
after(() => server.close())

/** The name of the cipher that both agree on in TLS 1.2. */
const agree = async (ciphers: string): Promise<string> => {
  const limits = { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' } as const
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ciphers, ...limits })
  try {
    await once(socket, 'secureConnect')
    return socket.getCipher().name
  } finally {
    socket.destroy()
  }
}

const weak: Readonly<Record<Key, readonly string[]>> = {
  ec: ['ECDHE-ECDSA-AES128-SHA', 'ECDHE-ECDSA-AES256-SHA384', 'ECDHE-ECDSA-AES128-CCM8'],
  rsa: ['AES128-GCM-SHA256', 'AES256-SHA', 'ECDHE-RSA-AES128-SHA256', 'ECDHE-RSA-AES256-SHA'],
}

const strong: Readonly<Record<Key, readonly string[]>> = {
  ec: ['ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-ECDSA-CHACHA20-POLY1305'],
  rsa: ['ECDHE-RSA-AES128-GCM-SHA256', 'ECDHE-RSA-AES256-GCM-SHA384'],
}

for (const key of ['ec', 'rsa'] as const)
  test(`with a key of kind ${key} TLS 1.2 is spoken with forward secrecy and authenticated encryption only`, async () => {
    servers.useCertificate(pairs[key])
    for (const cipher of weak[key])
      await assert.rejects(agree(`${cipher}:@SECLEVEL=0`), /handshake failure|no shared|no cipher/i, cipher)
    for (const cipher of strong[key]) assert.equal(await agree(cipher), cipher)
  })
