import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, describe, test } from 'node:test'
import { type ConnectionOptions, connect } from 'node:tls'
import { findNginx } from '../servers/nginx.ts'
import { type Front, hostName, startFront } from './behind-nginx.ts'
import { findTestssl, judgeTls } from './judge-tls.ts'

const program = await findNginx()
const testssl = await findTestssl()

describe('the TLS of nginx', { skip: typeof program === 'string' && program }, () => {
  let front: Front
  before(async () => {
    assert.ok(typeof program === 'object')
    front = await startFront(program, { upstreams: ['127.0.0.1:9'] })
  })
  after(() => front?.close())

  /** What both agreed on. */
  const agree = async (options: ConnectionOptions) => {
    const where = { host: '127.0.0.1', port: front.ports.https, servername: hostName, ca: front.certificate }
    const socket = connect({ ...where, ...options })
    await once(socket, 'secureConnect')
    const { alpnProtocol } = socket
    const agreed = {
      version: socket.getProtocol(),
      cipher: socket.getCipher().name,
      ticket: socket.getTLSTicket(),
    }
    socket.destroy()
    return { ...agreed, alpnProtocol }
  }
  const speaking = (
    version: 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3',
    ciphers = 'ALL:@SECLEVEL=0',
  ): ConnectionOptions => ({
    minVersion: version,
    maxVersion: version,
    ...(version !== 'TLSv1.3' && { ciphers }),
  })

  test('versions 1.2 and 1.3 are spoken, and none before, although the file around says so', async () => {
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const)
      assert.equal((await agree(speaking(version))).version, version)
    for (const version of ['TLSv1', 'TLSv1.1'] as const)
      await assert.rejects(agree(speaking(version)), version)
  })

  test('keys are agreed on by X25519 or P-256, and by nothing else', async () => {
    // In TLS 1.2 the curve of the certificate is asked for by the same words.
    await agree({ ...speaking('TLSv1.2'), ecdhCurve: 'P-256' })
    for (const ecdhCurve of ['X25519', 'P-256']) await agree({ ...speaking('TLSv1.3'), ecdhCurve })
    for (const ecdhCurve of ['P-384', 'P-521', 'X448'])
      await assert.rejects(agree({ ...speaking('TLSv1.3'), ecdhCurve }), ecdhCurve)
  })

  test('no cipher is taken that has no forward secrecy, or no authenticated encryption', async () => {
    for (const cipher of [
      'ECDHE-ECDSA-AES128-GCM-SHA256',
      'ECDHE-ECDSA-AES256-GCM-SHA384',
      'ECDHE-ECDSA-CHACHA20-POLY1305',
    ])
      assert.equal((await agree(speaking('TLSv1.2', cipher))).cipher, cipher)
    for (const cipher of [
      'ECDHE-ECDSA-AES128-SHA',
      'ECDHE-ECDSA-AES256-SHA384',
      'ECDHE-ECDSA-AES128-CCM8',
      'AES128-GCM-SHA256',
      'DHE-RSA-AES128-GCM-SHA256',
    ])
      await assert.rejects(agree(speaking('TLSv1.2', `${cipher}:@SECLEVEL=0`)), cipher)
  })

  test('no ticket is given, whose key would open what was recorded', async () => {
    assert.equal((await agree(speaking('TLSv1.2'))).ticket, undefined)
  })

  test('HTTP/2 is offered beside HTTP/1.1', async () => {
    assert.equal((await agree({ ALPNProtocols: ['h2', 'http/1.1'] })).alpnProtocol, 'h2')
    assert.equal((await agree({ ALPNProtocols: ['http/1.1'] })).alpnProtocol, 'http/1.1')
  })

  test('testssl.sh finds these versions and exchanges, and no others; npm run tls asks it for everything', {
    skip: typeof testssl === 'string' && testssl,
  }, async () => {
    assert.ok(typeof testssl === 'object')
    const found = await judgeTls(testssl, front.ports.https, ['--protocols', '--pfs'])
    const told = Object.fromEntries(found.map(({ id, finding }) => [id, finding]))
    assert.deepEqual(
      ['SSLv2', 'SSLv3', 'TLS1', 'TLS1_1', 'TLS1_2', 'TLS1_3'].map(id => told[id]),
      ['not offered', 'not offered', 'not offered', 'not offered', 'offered', 'offered with final'],
    )
    assert.deepEqual(told.PFS_ECDHE_curves?.split(' ').sort(), ['X25519', 'prime256v1'])
    assert.deepEqual(
      found.filter(({ severity }) => /LOW|MEDIUM|HIGH|CRITICAL|FATAL/.test(severity)),
      [],
    )
  })
})
