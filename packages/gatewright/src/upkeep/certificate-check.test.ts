import assert from 'node:assert/strict'
import { createPrivateKey } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer as createNetServer, type LookupFunction } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, type TestContext, test } from 'node:test'
import { createServer, getCACertificates, setDefaultCACertificates } from 'node:tls'
import { type Issued, issue, makeAuthority } from '../../../../test/authority.ts'
import { certificateChecks, watchFindings } from '../../../../test/doctor/provoked-findings.ts'
import { type Clock, day, systemClock } from '../ground/clock.ts'
import { defaultSettings, type Settings } from '../ground/settings.ts'
import { checkCertificate, checkClientAuthorities } from './certificate-check.ts'
import type { Finding } from './finding.ts'
import { checkServedCertificate } from './served-certificate.ts'

let findings: Awaited<ReturnType<typeof watchFindings>>
before(async () => {
  findings = await watchFindings()
})
after(() => findings.assertProvoked(certificateChecks))

const folder = mkdtempSync(join(tmpdir(), 'gatewright-certificates-'))
after(() => rmSync(folder, { recursive: true, force: true }))

/** Certificates end with a whole second, so none lives longer than it was given here. */
const now = Date.now()
const name = 'api.example.org'
const clockAt = (time: number): Clock => ({ ...systemClock, now: () => time })

let count = 0
const write = (...pem: readonly string[]): string => {
  count += 1
  const file = join(folder, `${count}.pem`)
  writeFileSync(file, pem.join('\n'), { mode: 0o600 })
  return file
}

/** A finding of that level that says all three things in one line each, and no key. */
const assertFound = (finding: Finding, level: Finding['level'], says: RegExp): void => {
  assert.equal(finding.level, level, JSON.stringify(finding))
  assert.match(finding.found, says)
  if (finding.level === 'ok') return
  for (const line of [finding.found, finding.means, finding.do]) assert.match(line, /^[^\n]+$/)
  assert.doesNotMatch(JSON.stringify(finding), /BEGIN/)
}

/** The root is one that this machine knows; what stands between it and a server is what a server has to send. */
let root: Issued
let between: Issued
let unknown: Issued
let own: Issued
let other: Issued
before(async () => {
  root = await makeAuthority('Known root', { until: now + 900 * day })
  between = await makeAuthority('Known between', { by: root, until: now + 800 * day })
  unknown = await makeAuthority('Own root', { until: now + 90 * day })
  own = await issue(name, { by: between, until: now + 90 * day })
  other = await issue(name, { by: between })
  setDefaultCACertificates([...getCACertificates('default'), root.cert])
})

type Files = { readonly cert?: readonly string[]; readonly key?: string; readonly time?: number }

const checkFiles = (
  { cert = [own.cert, between.cert], key = own.key, time = now }: Files,
  more: Partial<Settings> = {},
): Finding => {
  const files = { tls: 'files', tlsCertFile: write(...cert), tlsKeyFile: write(key) } as const
  const settings = defaultSettings({ publicUrl: `https://${name}`, ...files, ...more })
  return checkCertificate({ settings, clock: clockAt(time) })
}

describe('of the certificate in files is told', () => {
  const cases: readonly (readonly [what: string, Finding['level'], RegExp, () => Promise<Files> | Files])[] =
    [
      ['that it fits', 'ok', /fits its key, valid until/, () => ({})],
      ['that it is well for 21 days', 'ok', /fits/, () => ({ time: now + 69 * day })],
      ['that it ends in 20 days', 'warning', /the certificate expires on/, () => ({ time: now + 70 * day })],
      ['that it has expired', 'problem', /the certificate expired on/, () => ({ time: now + 91 * day })],
      ['that it is not yet valid', 'problem', /valid from/, () => ({ time: now - 2 * day })],
      [
        'that it is for another name',
        'problem',
        /not for api\.example\.org/,
        async () => {
          const { cert, key } = await issue('www.example.org', { by: between })
          return { cert: [cert, between.cert], key }
        },
      ],
      ['that the key is of another', 'problem', /is not the key/, () => ({ key: other.key })],
      [
        'that the authority comes first',
        'problem',
        /key of number 2/,
        () => ({ cert: [between.cert, own.cert] }),
      ],
      [
        'that the chain is in the wrong order',
        'problem',
        /wrong order: number 2 did not issue number 1, which is of Known between/,
        () => ({ cert: [own.cert, root.cert, between.cert] }),
      ],
      [
        'that the chain has a gap',
        'problem',
        /gap: number 2 did not/,
        () => ({ cert: [own.cert, root.cert] }),
      ],
      [
        'that an authority of the same name did not issue it',
        'problem',
        /gap/,
        async () => ({ cert: [own.cert, (await makeAuthority('Known between')).cert] }),
      ],
      [
        'that the chain is not complete',
        'warning',
        /is of Known between, whose own/,
        () => ({ cert: [own.cert] }),
      ],
      [
        'that its authority is not known',
        'warning',
        /is of Own root/,
        async () => {
          const { cert, key } = await issue(name, { by: unknown })
          return { cert: [cert], key }
        },
      ],
      [
        'that it is signed by itself',
        'warning',
        /signed by itself/,
        async () => {
          const { cert, key } = await issue(name)
          return { cert: [cert], key }
        },
      ],
      [
        'that an authority of the chain ends sooner',
        'warning',
        /authority Soon over expires/,
        async () => {
          const soon = await makeAuthority('Soon over', { by: root, until: now + 5 * day })
          const { cert, key } = await issue(name, { by: soon })
          return { cert: [cert, soon.cert], key }
        },
      ],
      [
        'that it is none',
        'problem',
        /TLS_CERT_FILE can not be read: it holds no/,
        () => ({ cert: ['none'] }),
      ],
      ['that it is a key', 'problem', /TLS_CERT_FILE can not be read/, () => ({ cert: [own.key] })],
      ['that the key is none', 'problem', /TLS_KEY_FILE can not be read/, () => ({ key: own.cert })],
      [
        'that the key has a passphrase',
        'problem',
        /TLS_KEY_FILE can not be read/,
        () => {
          const pem = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' } as const
          return { key: String(createPrivateKey(own.key).export(pem)) }
        },
      ],
      [
        'everything at once, as bad as the worst',
        'problem',
        /wrong order.*; the certificate expires on.*; the certificate is not for/,
        async () => {
          const { cert, key } = await issue('www.example.org', { by: between, until: now + day })
          return { cert: [cert, root.cert, between.cert], key }
        },
      ],
    ]
  for (const [what, level, says, files] of cases)
    test(what, async () => assertFound(checkFiles(await files()), level, says))

  test('behind a proxy, neither its name nor its authority: the proxy knows both', async () => {
    const { cert, key } = await issue('gatewright.internal', { by: unknown })
    const trustedProxies = ['10.0.0.1']
    assertFound(checkFiles({ cert: [cert], key }, { trustedProxies }), 'ok', /fits/)
    assertFound(
      checkFiles({ cert: [cert], key, time: now + 80 * day }, { trustedProxies }),
      'warning',
      /expires/,
    )
  })

  for (const field of ['tlsCertFile', 'tlsKeyFile'] as const) {
    const setting = field === 'tlsCertFile' ? 'TLS_CERT_FILE' : 'TLS_KEY_FILE'
    test(`that ${setting} is not there`, () =>
      assertFound(
        checkFiles({}, { [field]: join(folder, 'none') }),
        'problem',
        new RegExp(`${setting} .*ENOENT`),
      ))
    test(`that the server may not read ${setting}`, t => {
      const file = write(field === 'tlsKeyFile' ? own.key : own.cert)
      chmodSync(file, 0)
      const settings = { [field]: file }
      const finding = asSomebody(t, () => checkFiles({}, settings))
      assertFound(finding, 'problem', new RegExp(`${setting} can not be read: EACCES`))
      assert.match(finding.level === 'ok' ? '' : finding.do, /as its owner, or by a group/)
    })
  }
})

/** As who may not read everything, which only root may. */
const asSomebody = <T>(t: TestContext, look: () => T): T => {
  if (process.getuid?.() !== 0) return look()
  chmodSync(folder, 0o777)
  t.after(() => process.seteuid?.(0))
  process.seteuid?.(65_534)
  try {
    return look()
  } finally {
    process.seteuid?.(0)
  }
}

describe('of the authorities of callers is told', () => {
  const check = (text: string, time = now): Finding =>
    checkClientAuthorities({
      settings: defaultSettings({ tlsClientCaFile: write(text) }),
      clock: clockAt(time),
    })
  test('whose they are', () => {
    assertFound(check(`${unknown.cert}\n${between.cert}`), 'ok', /certificate of Own root or Known between/)
    assertFound(checkClientAuthorities({ settings: defaultSettings(), clock: systemClock }), 'ok', /need no/)
  })
  test('that everybody can get a certificate of one', () =>
    assertFound(
      check(`${unknown.cert}\n${root.cert}`),
      'problem',
      /names Known root, which makes .* everybody/,
    ))
  test('that one ends in 20 days, or has ended', () => {
    assertFound(check(unknown.cert, now + 69 * day), 'ok', /Own root/)
    assertFound(check(unknown.cert, now + 70 * day), 'warning', /expires/)
    assertFound(check(unknown.cert, now + 90 * day), 'problem', /expired/)
  })
  test('that there are none, or none that can be read', () => {
    assertFound(check(''), 'problem', /TLS_CLIENT_CA_FILE can not be read: it holds no certificate/)
    assertFound(check(own.key), 'problem', /it holds no certificate/)
    const settings = defaultSettings({ tlsClientCaFile: join(folder, 'none') })
    assertFound(checkClientAuthorities({ settings, clock: systemClock }), 'problem', /ENOENT/)
  })
})

const onLoopback: LookupFunction = (_, { all }, answer) => {
  const found = { address: '127.0.0.1', family: 4 }
  if (all) answer(null, [found])
  else answer(null, found.address, found.family)
}

describe('of the certificate that callers see at PUBLIC_URL is told', () => {
  const lookAt = (port: number, { time = now, lookup = onLoopback } = {}): Promise<Finding> =>
    checkServedCertificate({
      settings: defaultSettings({ publicUrl: `https://${name}:${port}` }),
      clock: clockAt(time),
      lookup,
    })

  const servedAs = async (t: TestContext, { cert, key }: Issued): Promise<number> => {
    const server = createServer({ cert, key }).listen(0, '127.0.0.1')
    server.on('tlsClientError', () => {})
    t.after(() => server.close())
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  }

  const chainOf = async (options: Parameters<typeof issue>[1], host = name): Promise<Issued> => {
    const { cert, key } = await issue(host, { by: between, ...options })
    return { cert: `${cert}\n${between.cert}`, key }
  }

  const cases: readonly (readonly [what: string, Finding['level'], RegExp, () => Promise<Issued>])[] = [
    ['that it is well', 'ok', /^at https:\/\/api\.example\.org:\d+, valid until/, () => chainOf({})],
    ['that it ends in 20 days', 'warning', /expires/, () => chainOf({ until: now + 20 * day })],
    ['that it has expired', 'problem', /^[^;]* expired on [^;]*$/, () => chainOf({ until: now - 3_600_000 })],
    ['that it is not yet valid', 'problem', /^[^;]* valid from [^;]*$/, () => chainOf({ from: now + day })],
    [
      'that it is for another name',
      'problem',
      /^[^;]* not for api[^;]*$/,
      () => chainOf({}, 'www.example.org'),
    ],
    ['that the chain is not complete', 'warning', /is of Known between/, async () => own],
    ['that its authority is not known', 'warning', /is of Own root/, () => issue(name, { by: unknown })],
    ['that it is signed by itself', 'warning', /signed by itself/, () => issue(name)],
    [
      'that it comes from who may not issue any',
      'problem',
      /the chain of the certificate is not good: INVALID_(CA|PURPOSE)/,
      async () => {
        const server = await issue('www.example.org', { by: between })
        const { cert, key } = await issue(name, { by: server })
        return { cert: [cert, server.cert, between.cert].join('\n'), key }
      },
    ],
  ]
  for (const [what, level, says, make] of cases)
    test(what, async t => assertFound(await lookAt(await servedAs(t, await make())), level, says))

  test('that nobody is there, that it speaks no TLS, or says nothing', async t => {
    const gone = createNetServer().listen(0, '127.0.0.1')
    await once(gone, 'listening')
    const { port } = gone.address() as AddressInfo
    await once(gone.close(), 'close')
    assertFound(await lookAt(port), 'warning', /no certificate could be seen at .*: ECONNREFUSED/)
    const plain = createNetServer(socket => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')).listen(
      0,
      '127.0.0.1',
    )
    t.after(() => plain.close())
    await once(plain, 'listening')
    assertFound(
      await lookAt((plain.address() as AddressInfo).port),
      'warning',
      /no certificate could be seen/,
    )
    const silent = createNetServer(socket => socket.on('error', () => {})).listen(0, '127.0.0.1')
    t.after(() => silent.close())
    await once(silent, 'listening')
    assertFound(await lookAt((silent.address() as AddressInfo).port), 'warning', /no answer in 3 s/)
  })

  test('nothing where PUBLIC_URL is not https, and nobody is asked', async () => {
    const lookup: LookupFunction = () => assert.fail('a name was looked up')
    for (const settings of [
      defaultSettings(),
      defaultSettings({ publicUrl: 'http://api.example.org' }),
      defaultSettings({ publicUrl: 'https://api.example.org', tls: 'self-signed' }),
    ])
      assert.equal((await checkServedCertificate({ settings, clock: systemClock, lookup })).level, 'ok')
  })
})
