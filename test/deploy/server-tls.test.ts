import assert from 'node:assert/strict'
import { execSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type Issued, issue, makeAuthority } from '../authority.ts'
import { type ListeningApp, startListeningApp } from '../process/listening-app.ts'
import { findInstalled } from '../servers/debian-program.ts'
import { findNginx } from '../servers/nginx.ts'
import { type Front, startFront } from './behind-nginx.ts'

const program = findInstalled('openssl', 'openssl') ?? (await findNginx())
const snippet = readFileSync(
  join(import.meta.dirname, '../../deploy/nginx/gatewright/server-tls.conf'),
  'utf8',
)

/** An authority, and the certificate of a server. */
const commands = readFileSync(join(import.meta.dirname, '../../docs/certificates.md'), 'utf8')
  .split('\n')
  .filter(line => line.startsWith('openssl '))

describe('between nginx and the server', { skip: typeof program === 'string' ? program : false }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'gatewright-server-tls-'))
  chmodSync(folder, 0o755)
  const closing: (() => Promise<void>)[] = []
  const owner = { after: (end: () => Promise<void>) => void closing.unshift(end) }
  let ours: Issued
  let theirs: Issued
  let app: ListeningApp

  before(async () => {
    theirs = await makeAuthority('theirs')
    for (const line of commands) execSync(line, { cwd: folder, stdio: 'pipe' })
    const read = (file: string): string => readFileSync(join(folder, file), 'utf8')
    ours = { cert: read('callers.crt'), key: read('ca.key') }
    const server = { cert: read('server.crt'), key: read('server.key') }
    app = await startListeningApp(
      owner,
      { trustedProxies: ['127.0.0.1'] },
      { ...server, clientCa: ours.cert },
    )
  })
  after(async () => {
    for (const end of closing) await end()
    rmSync(folder, { recursive: true, force: true })
  })

  const write = (file: string, text: string): string => {
    writeFileSync(join(folder, file), text, { mode: 0o644 })
    return join(folder, file)
  }

  type Shown = { readonly trusted?: Issued; readonly own?: Issued | undefined; readonly name?: string }

  /** What an installation changes in the file that is shipped. */
  const toSnippet = ({ trusted = ours, own, name = 'gatewright.internal' }: Shown): string => {
    const text = snippet
      .replace('/etc/gatewright/nginx/servers-ca.crt', write('servers-ca.crt', trusted.cert))
      .replace('gatewright.internal', name)
    if (own === undefined) return text.replaceAll(/^proxy_ssl_certificate.*$/gm, '')
    return text
      .replace('/etc/gatewright/nginx/nginx.crt', write('nginx.crt', own.cert))
      .replace('/etc/gatewright/nginx/nginx.key', write('nginx.key', own.key))
  }

  const startProxy = (shown: Shown, scheme = 'https'): Promise<Front> => {
    assert.ok(typeof program !== 'string')
    const file = write('server-tls.conf', toSnippet(shown))
    return startFront(program, {
      upstreams: [`127.0.0.1:${app.port}`],
      edit: text =>
        text
          .replace('default http;', `default ${scheme};`)
          .replace('include gatewright/site.conf;', `include gatewright/site.conf;\ninclude ${file};`),
    })
  }

  const statusThrough = async (
    shown: Shown,
    scheme?: string,
  ): Promise<readonly [number, string | undefined]> => {
    const front = await startProxy(shown, scheme)
    try {
      const { status, body } = await front.ask('/auth/protected')
      return [status, body?.code as string | undefined]
    } finally {
      await front.close()
    }
  }

  test('each knows the other by a certificate, and a request goes on over TLS', async () => {
    assert.equal(commands.length, 3)
    assert.deepEqual(await statusThrough({ own: await issue('nginx', { by: ours }) }), [401, 'invalid_token'])
  })

  const refused: readonly (readonly [what: string, shown: () => Promise<Shown>, scheme?: string])[] = [
    ['a proxy that shows no certificate', async () => ({})],
    [
      'a proxy with a certificate of another authority',
      async () => ({ own: await issue('nginx', { by: theirs }) }),
    ],
    ['a proxy that speaks plain HTTP', async () => ({ own: await issue('nginx', { by: ours }) }), 'http'],
    [
      'a server whose certificate is of another authority',
      async () => ({ own: await issue('nginx', { by: ours }), trusted: theirs }),
    ],
    [
      'a server whose certificate is for another name',
      async () => ({ own: await issue('nginx', { by: ours }), name: 'other.internal' }),
    ],
  ]
  for (const [what, shown, scheme] of refused)
    test(`nothing passes where there is ${what}`, async () => {
      const logged = app.logLines.length
      assert.deepEqual(await statusThrough(await shown(), scheme), [502, 'no_answer'])
      assert.doesNotMatch(app.logLines.slice(logged).join(), /protected/)
    })
})
