import assert from 'node:assert/strict'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { before, describe, type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { type ConnectionOptions, connect } from 'node:tls'
import { generate } from 'selfsigned'
import { type Issued, issue, makeAuthority } from '../../../../test/authority.ts'
import { exchange, send } from '../../../../test/process/http-client.ts'
import { newFolder, runToEnd, type Server, startServer } from '../../../../test/process/spawned-server.ts'
import { until } from '../../../../test/process/until.ts'
import { SettingsError } from '../ground/load-settings.ts'
import { type Certificate, openCertificate, watchCertificate } from './certificate.ts'

const now = Date.UTC(2026, 10, 21)
const day = 86_400_000
const noFiles = { tlsCertFile: undefined, tlsKeyFile: undefined, tlsClientCaFile: undefined }
const selfSigned = { tls: 'self-signed', ...noFiles } as const
const fromFiles = { tls: 'files', tlsClientCaFile: undefined } as const

const newPlace = (t: TestContext): string => {
  const folder = mkdtempSync(join(tmpdir(), 'gatewright-tls-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

const makePair = async (name = 'localhost'): Promise<Certificate> => {
  const { cert, private: key } = await generate([{ name: 'commonName', value: name }], {
    keyType: 'ec',
    curve: 'P-256',
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: name }] }],
  })
  return { cert, key }
}

const writePair = (folder: string, { cert, key }: Certificate) => {
  const files = { tlsCertFile: join(folder, 'server.crt'), tlsKeyFile: join(folder, 'server.key') }
  writeFileSync(files.tlsCertFile, cert)
  writeFileSync(files.tlsKeyFile, key, { mode: 0o600 })
  return files
}

const toEnv = ({ tlsCertFile, tlsKeyFile }: ReturnType<typeof writePair>): Record<string, string> => ({
  TLS: 'files',
  TLS_CERT_FILE: tlsCertFile,
  TLS_KEY_FILE: tlsKeyFile,
})

const serialOf = ({ cert }: Certificate): string => new X509Certificate(cert).serialNumber

describe('a self-signed certificate', () => {
  const open = async (folder: string, at = now): Promise<Certificate> =>
    (await openCertificate(selfSigned, folder, at)) ?? assert.fail('no certificate')

  test('is for localhost and both loopback addresses, of its key, and no authority', async t => {
    const { cert, key } = await open(newPlace(t))
    const certificate = new X509Certificate(cert)
    assert.equal(certificate.checkHost('localhost'), 'localhost')
    for (const address of ['127.0.0.1', '::1']) assert.equal(certificate.checkIP(address), address)
    assert.equal(certificate.checkHost('example.org'), undefined)
    assert.equal(certificate.checkPrivateKey(createPrivateKey(key)), true)
    assert.equal(certificate.ca, false)
  })

  test('is made once and kept', async t => {
    const folder = newPlace(t)
    const first = await open(folder)
    assert.deepEqual(await open(folder), first)
  })

  test('has a key that only its owner can read', async t => {
    const folder = newPlace(t)
    await open(folder)
    assert.equal((statSync(join(folder, 'self-signed.key')).mode & 0o777).toString(8), '600')
  })

  test('is made again once it has expired', async t => {
    const folder = newPlace(t)
    const first = await open(folder)
    const end = new X509Certificate(first.cert).validToDate.getTime()
    assert.deepEqual(await open(folder, end - 1), first)
    assert.notEqual(serialOf(await open(folder, end + day)), serialOf(first))
  })

  const damages: readonly (readonly [what: string, damage: (folder: string) => Promise<void>])[] = [
    [
      'the key is of another',
      async folder => writeFileSync(join(folder, 'self-signed.key'), (await makePair()).key),
    ],
    [
      'the key is cut off',
      async folder => writeFileSync(join(folder, 'self-signed.key'), '-----BEGIN PRIVATE'),
    ],
    ['the certificate is gone', async folder => rmSync(join(folder, 'self-signed.crt'))],
    ['the certificate is empty', async folder => writeFileSync(join(folder, 'self-signed.crt'), '')],
  ]
  for (const [what, damage] of damages)
    test(`is made again where ${what}, and kept from then on`, async t => {
      const folder = newPlace(t)
      const first = await open(folder)
      await damage(folder)
      const second = await open(folder)
      assert.notEqual(serialOf(second), serialOf(first))
      assert.deepEqual(await open(folder), second)
    })

  test('made by several at once leaves a pair that fits, or is made again', async t => {
    const folder = newPlace(t)
    await Promise.all(Array.from({ length: 5 }, () => open(folder)))
    const { cert, key } = await open(folder)
    assert.equal(new X509Certificate(cert).checkPrivateKey(createPrivateKey(key)), true)
    assert.deepEqual(await open(folder), { cert, key })
  })
})

describe('files that can not be used', () => {
  let good: Certificate
  before(async () => {
    good = await makePair()
  })
  const encrypted = (): string =>
    createPrivateKey(good.key).export({
      type: 'pkcs8',
      format: 'pem',
      cipher: 'aes-256-cbc',
      passphrase: 'x',
    }) as string

  const cases: readonly (readonly [what: string, pair: () => Promise<Certificate>, line: RegExp])[] = [
    [
      'a key of another certificate',
      async () => ({ ...good, key: (await makePair()).key }),
      /key is of another/,
    ],
    ['a certificate that is none', async () => ({ ...good, cert: 'none' }), /no start line/],
    ['a key that is none', async () => ({ ...good, key: 'none' }), /unsupported/],
    ['a key in the certificate’s place', async () => ({ ...good, cert: good.key }), /no start line/],
    ['a key with a passphrase', async () => ({ ...good, key: encrypted() }), /without a passphrase/],
    ['empty files', async () => ({ cert: '', key: '' }), /TLS_CERT_FILE and TLS_KEY_FILE can not be used/],
  ]
  for (const [what, pair, line] of cases)
    test(`are refused in one line that shows no key: ${what}`, async t => {
      const files = writePair(newPlace(t), await pair())
      await assert.rejects(openCertificate({ ...fromFiles, ...files }, '', now), error => {
        assert.ok(error instanceof SettingsError)
        assert.equal(error.lines.length, 1)
        assert.match(error.message, line)
        assert.doesNotMatch(error.message, /\n|BEGIN/)
        return true
      })
    })

  for (const name of ['TLS_CERT_FILE', 'TLS_KEY_FILE'])
    test(`are refused in one line that names the setting: no ${name}`, async t => {
      const files = writePair(newPlace(t), good)
      rmSync(name === 'TLS_KEY_FILE' ? files.tlsKeyFile : files.tlsCertFile)
      await assert.rejects(openCertificate({ ...fromFiles, ...files }, '', now), {
        message: new RegExp(`^${name} cannot be read \\(ENOENT\\): write the path of the .* \\(PEM\\)$`),
      })
    })

  const authorities: readonly (readonly [what: string, text: () => string, line: RegExp])[] = [
    ['an empty file', () => '', /TLS_CLIENT_CA_FILE can not be used \(it holds no certificate\)/],
    ['a key', () => good.key, /TLS_CLIENT_CA_FILE can not be used \(it holds no certificate\)/],
    [
      'half of a list',
      () => good.cert + good.cert.slice(0, 200),
      /TLS_CLIENT_CA_FILE can not be used \(a certificate is cut off\)/,
    ],
    ['a certificate and a broken one', () => `${good.cert}\n${good.cert.replace('MI', 'AA')}`, /wrong tag/],
  ]
  for (const [what, text, line] of authorities)
    test(`are refused as authorities of callers, for everybody would be let in: ${what}`, async t => {
      const folder = newPlace(t)
      const tlsClientCaFile = join(folder, 'ca.crt')
      const settings = { tls: 'files', ...writePair(folder, good), tlsClientCaFile } as const
      await assert.rejects(openCertificate(settings, '', now), {
        message: /^TLS_CLIENT_CA_FILE cannot be read \(ENOENT\): write/,
      })
      writeFileSync(tlsClientCaFile, text())
      await assert.rejects(openCertificate(settings, '', now), error => {
        assert.ok(error instanceof SettingsError)
        assert.match(error.message, line)
        assert.doesNotMatch(error.message, /\n|BEGIN/)
        return true
      })
    })

  test('stop the start with one line', async t => {
    const folder = newFolder(t)
    const files = writePair(folder.path, { ...good, key: (await makePair()).key })
    const { code, stderr } = await runToEnd(folder, { env: toEnv(files) })
    assert.equal(code, 1)
    assert.match(stderr, /^gatewright: TLS_CERT_FILE and TLS_KEY_FILE can not be used together \([^\n]*\n$/)
  })
})

type Handshake = { readonly serial: string; readonly protocol: string | null }

const shakeHands = async ({ port }: Server, options: ConnectionOptions = {}): Promise<Handshake> => {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options })
  try {
    await once(socket, 'secureConnect')
    return { serial: socket.getPeerCertificate().serialNumber, protocol: socket.getProtocol() }
  } finally {
    socket.destroy()
  }
}

const oldVersions = ['TLSv1', 'TLSv1.1'] as const
const goodVersions = ['TLSv1.2', 'TLSv1.3'] as const

const assertVersions = async (server: Server): Promise<void> => {
  for (const version of goodVersions)
    assert.equal((await shakeHands(server, { minVersion: version, maxVersion: version })).protocol, version)
  for (const version of oldVersions)
    await assert.rejects(
      shakeHands(server, { minVersion: version, maxVersion: version, ciphers: 'DEFAULT@SECLEVEL=0' }),
      /alert protocol version/i,
      version,
    )
}

/** As certbot keeps them: links in `live` to files in `archive`, which are set one after the other. */
const makeLive = (folder: string) => {
  for (const name of ['live', 'archive']) mkdirSync(join(folder, name))
  let count = 0
  return (name: string, text: string): string => {
    count += 1
    const [link, draft] = [join(folder, 'live', name), join(folder, 'live', `${name}.new`)]
    writeFileSync(join(folder, 'archive', `${name}${count}`), text)
    symlinkSync(join('../archive', `${name}${count}`), draft)
    renameSync(draft, link)
    return link
  }
}

describe('a server with TLS', { concurrency: true }, () => {
  test('self-signed answers on https://localhost, with HSTS, and says https in its links', async t => {
    const folder = newFolder(t)
    const server = await startServer(folder, { env: { TLS: 'self-signed' } })
    assert.match(server.url, /^https:\/\/localhost:\d+$/)
    const ca = readFileSync(join(folder.path, 'data/self-signed.crt'), 'utf8')
    for (const path of ['/healthz', '/nowhere', '/%zz', '/api/v1/protected']) {
      const { headers } = await server.call('GET', path, { ca })
      assert.match(String(headers['strict-transport-security']), /^max-age=\d{8}/, path)
    }
    const problem = await server.call('GET', '/nowhere', { ca })
    assert.equal(problem.field('type'), `${server.url}/docs/errors#not_found`)
    await until('the link is printed', () => server.stdout().includes(`${server.url}/console/setup#`))
    await assertVersions(server)
  })

  test('says nothing to who speaks plain HTTP, and goes on', async t => {
    const folder = newFolder(t)
    const server = await startServer(folder, { env: { TLS: 'self-signed' } })
    const raw = await exchange(server.port, 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n').catch(
      () => '',
    )
    assert.doesNotMatch(raw, /HTTP\/1\.1 200/)
    await assert.rejects(send('GET', server.url.replace('https:', 'http:')))
    const ca = readFileSync(join(folder.path, 'data/self-signed.crt'), 'utf8')
    assert.equal((await server.call('GET', '/healthz', { ca })).status, 200)
    await server.stop()
  })

  test('from files takes new ones as they come, and keeps the former where they do not fit', async t => {
    const folder = newFolder(t)
    const [first, second, third] = [await makePair(), await makePair(), await makePair()]
    const files = writePair(folder.path, first)
    const server = await startServer(folder, { env: toEnv(files) })
    assert.equal((await shakeHands(server)).serial, serialOf(first))

    const shows = async (pair: Certificate) => (await shakeHands(server)).serial === serialOf(pair)
    const start = performance.now()
    writePair(folder.path, second)
    await until('the second certificate is shown', () => shows(second), 15_000)
    t.diagnostic(`a new certificate was in use after ${(performance.now() - start).toFixed(0)} ms`)
    await assertVersions(server)

    writePair(folder.path, { ...third, key: 'broken' })
    await until('the log says so', () => /the new certificate can not be used/.test(server.stdout()), 15_000)
    assert.equal(await shows(second), true)
    assert.doesNotMatch(server.stdout() + server.stderr(), /BEGIN/)

    writePair(folder.path, third)
    await until('the third certificate is shown', () => shows(third), 15_000)
    await server.stop()
  })

  test('from files that can not be read any more goes on with what it has, and lets in whom it did', async t => {
    const folder = newFolder(t)
    const [ours, theirs] = [await makeAuthority('ours'), await makeAuthority('theirs')]
    const pair = await makePair()
    const files = writePair(folder.path, pair)
    const tlsClientCaFile = join(folder.path, 'ca.crt')
    writeFileSync(tlsClientCaFile, ours.cert)
    const env = { ...toEnv(files), TLS_CLIENT_CA_FILE: tlsClientCaFile }
    const server = await startServer(folder, { env })
    const [caller, other] = [await issue('proxy', { by: ours }), await issue('proxy', { by: theirs })]
    const shown = (who: Partial<Issued>) => shakeHands(server, { ...who, maxVersion: 'TLSv1.2' })
    for (const who of [{}, other]) await assert.rejects(shown(who), /alert|disconnected|ECONNRESET/)
    await until('the log says why', () => /certificate: UNABLE_TO_VERIFY/.test(server.stdout()))

    rmSync(files.tlsKeyFile)
    mkdirSync(files.tlsKeyFile)
    writeFileSync(tlsClientCaFile, '')
    await until('the log says so', () => /TLS_KEY_FILE cannot be read/.test(server.stdout()), 15_000)
    assert.equal((await shown(caller)).serial, serialOf(pair))
    for (const who of [{}, other]) await assert.rejects(shown(who), /alert|disconnected|ECONNRESET/)
  })

  test('files behind links are followed, and a key that comes a moment after its certificate is waited for', async t => {
    const point = makeLive(newPlace(t))
    const [ours, first, second] = [await makeAuthority('ours'), await makePair(), await makePair()]
    const settings = {
      tls: 'files',
      tlsCertFile: point('cert', first.cert),
      tlsKeyFile: point('key', first.key),
      tlsClientCaFile: point('ca', ours.cert),
    } as const
    const used: Certificate[] = []
    const failed: unknown[] = []
    t.after(
      watchCertificate(
        settings,
        made => used.push(made),
        error => failed.push(error),
      ),
    )
    await until('the first look', () => used.length > 0)

    const theirs = await makeAuthority('theirs')
    point('ca', theirs.cert)
    await until('another authority is used', () => used.at(-1)?.clientCa === theirs.cert, 15_000)
    // The files have just been looked at: in 2 s the certificate is seen alone, in 4 s it is looked at once more.
    point('cert', second.cert)
    await delay(3_000)
    assert.equal(used.at(-1)?.cert, first.cert)
    point('key', second.key)
    await until('the second is used', () => used.at(-1)?.key === second.key, 15_000)
    assert.deepEqual(used.at(-1), { ...second, clientCa: theirs.cert })
    assert.deepEqual(failed, [])
  })
})
