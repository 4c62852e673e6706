import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import {
  chownSync,
  existsSync,
  globSync,
  lstatSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { defaultSettings } from 'gatewright/settings'
import { openCertificate, watchCertificate } from '../../packages/gatewright/src/http/certificate.ts'
import { findFreePort } from '../process/free-port.ts'
import { type ListeningApp, startListeningApp } from '../process/listening-app.ts'
import { until } from '../process/until.ts'
import { type Certbot, findCertbot, nginxPlugin, setUpCertbot } from '../servers/certbot.ts'
import { findNginx } from '../servers/nginx.ts'
import { findPebble, type Pebble, startPebble } from '../servers/pebble.ts'
import { type ShippedNginx, startShippedNginx } from '../servers/shipped-nginx.ts'
import { type Account, keepAsking, sendSlowly } from './renewal.ts'

const name = 'api.example.test'
const hooks = join(import.meta.dirname, '../../deploy/certbot')

const pebblePrograms = await findPebble()
const certbotProgram = await findCertbot()
const nginxProgram = await findNginx()
const missing = [pebblePrograms, certbotProgram, nginxProgram].find(found => typeof found === 'string')

/** As who certbot and nginx run in the tests. */
const somebody = process.getuid?.() === 0 ? 65_534 : (process.getuid?.() ?? 0)
const group = process.getuid?.() === 0 ? 65_534 : (process.getgid?.() ?? 0)

const script = (file: string, lines: string): string => {
  writeFileSync(file, `#!/bin/sh\nset -eu\n${lines}\n`, { mode: 0o755 })
  return file
}

describe('with certbot', { skip: typeof missing === 'string' ? missing : false }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'gatewright-certbot-'))
  chownSync(folder, somebody, group)
  const copies = join(folder, 'tls')
  const closing: (() => Promise<void>)[] = []
  const owner = { after: (end: () => Promise<void>) => void closing.unshift(end) }
  const failures: unknown[] = []
  let ports: { readonly http: number; readonly https: number }
  let pebble: Pebble
  let certbot: Certbot
  let app: ListeningApp
  let nginx: ShippedNginx

  const pathOf = (file: string): string => join(certbot.live, file)
  const serialNow = (): string => new X509Certificate(readFileSync(pathOf('fullchain.pem'))).serialNumber

  /** What the hooks call, here for an nginx that no systemd has started. */
  const writeStandIns = (): string => {
    script(
      join(folder, 'systemctl'),
      `test "$*" = "reload nginx"\nkill -HUP "$(cat ${join(folder, 'nginx.pid')})"`,
    )
    script(join(folder, 'nginx'), `test "$*" = "-t -q"`)
    return folder
  }

  before(async () => {
    if (typeof pebblePrograms === 'string' || typeof certbotProgram === 'string') return
    ports = { http: await findFreePort(), https: await findFreePort() }
    pebble = await startPebble(pebblePrograms, { http: ports.http, tls: ports.https })
    owner.after(pebble.stop)
    certbot = setUpCertbot(certbotProgram, {
      folder,
      name,
      pebble,
      env: {
        ...(typeof nginxProgram === 'string' ? {} : nginxProgram.env),
        PATH: `${writeStandIns()}:/usr/sbin:/usr/bin:/bin`,
        ...{ GATEWRIGHT_CERTIFICATE: name, GATEWRIGHT_GROUP: String(group), GATEWRIGHT_TLS_FOLDER: copies },
      },
    })
  })
  after(async () => {
    for (const end of closing) await end()
    rmSync(folder, { recursive: true, force: true })
  })

  /** One after the other, as certbot's shell runs them. */
  const deployHooks = (...files: readonly string[]): readonly string[] => [
    '--deploy-hook',
    files.map(file => join(hooks, file)).join(' && '),
  ]

  /** Gatewright itself, with the copies of the hook as its files. */
  const startServer = async (): Promise<ListeningApp> => {
    const files = { tlsCertFile: join(copies, 'fullchain.pem'), tlsKeyFile: join(copies, 'privkey.pem') }
    const settings = { tls: 'files', ...files, trustedProxies: ['127.0.0.1'] } as const
    const started = await startListeningApp(
      owner,
      settings,
      await openCertificate(defaultSettings(settings), '', 0),
    )
    const stop = watchCertificate(defaultSettings(settings), started.useCertificate, error =>
      failures.push(error),
    )
    owner.after(async () => stop())
    return started
  }

  const startProxy = async (): Promise<ShippedNginx> => {
    assert.ok(typeof nginxProgram !== 'string')
    const started = await startShippedNginx(nginxProgram, {
      hostName: name,
      ports,
      upstreams: [`127.0.0.1:${app.port}`],
      certificate: { certFile: pathOf('fullchain.pem'), keyFile: pathOf('privkey.pem') },
      edit: text => text.replace('default http;', 'default https;'),
    })
    owner.after(started.stop)
    writeFileSync(join(folder, 'nginx.pid'), String(started.pid))
    for (const path of globSync('**', { cwd: started.folder }))
      chownSync(join(started.folder, path), somebody, group)
    return started
  }

  test('the first certificate comes before nginx does, and is copied for a server that is not root', async () => {
    await certbot.run(
      ...['certonly', '--standalone', '--http-01-port', String(ports.http), '-d', name],
      ...deployHooks('copy-to-gatewright'),
    )
    assert.ok(lstatSync(pathOf('fullchain.pem')).isSymbolicLink())
    for (const file of ['fullchain.pem', 'privkey.pem']) {
      assert.deepEqual(readFileSync(join(copies, file)), readFileSync(pathOf(file)))
      const { mode, gid } = statSync(join(copies, file))
      assert.deepEqual([(mode & 0o777).toString(8), gid], ['640', group])
    }
    assert.equal((statSync(copies).mode & 0o777).toString(8), '750')
    assert.deepEqual(globSync('.*', { cwd: copies }), [])
  })

  test('a certificate of another name is not copied', () => {
    const env = {
      RENEWED_LINEAGE: '/etc/letsencrypt/live/other.example',
      GATEWRIGHT_TLS_FOLDER: join(folder, 'none'),
    }
    execFileSync(join(hooks, 'copy-to-gatewright'), { env: { PATH: '/usr/bin:/bin', ...env } })
    assert.equal(existsSync(join(folder, 'none')), false)
  })

  const places = () =>
    [
      { port: ports.https, name, ca: pebble.root },
      { port: app.port, name, ca: pebble.root },
    ] as const

  const seenAt = async (place: ReturnType<typeof places>[number]): Promise<string | undefined> => {
    const stop = keepAsking(place, false)
    return (await stop()).serials[0]
  }

  const untilShown = (renewed: string): Promise<number> =>
    until('a new connection sees the new certificate', async () => {
      const shown = await Promise.all(places().map(seenAt))
      return shown.every(serial => serial === renewed)
    })

  const readConfiguration = () =>
    globSync('{nginx.conf,conf.d/*,gatewright/*}', { cwd: nginx.folder }).map(file => [
      file,
      readFileSync(join(nginx.folder, file), 'utf8'),
    ])

  test('the nginx plugin gets one as well, and leaves the configuration as it was', async () => {
    app = await startServer()
    nginx = await startProxy()
    const before = readConfiguration()
    const plugin = await nginxPlugin(nginx.folder)
    await certbot.run(
      ...['certonly', '--nginx', '--http-01-port', String(ports.http), '-d', name, '--force-renewal'],
      ...plugin,
      ...deployHooks('reload-nginx'),
    )
    assert.deepEqual(readConfiguration(), before)
    await until('nginx shows it', async () => (await seenAt(places()[0])) === serialNow())
  })

  test('a folder of nginx takes its place, and both hooks are kept for what is renewed later', async () => {
    await certbot.run(
      ...['certonly', '--webroot', '--webroot-path', nginx.acmeRoot, '-d', name, '--force-renewal'],
      ...deployHooks('copy-to-gatewright', 'reload-nginx'),
    )
    const kept = readFileSync(join(folder, 'config/renewal', `${name}.conf`), 'utf8')
    assert.match(kept, /^authenticator = webroot$/m)
    assert.match(kept, /^renew_hook = .*copy-to-gatewright && .*reload-nginx$/m)
    await untilShown(serialNow())
  })

  /** Renews it while clients go on asking nginx and the server, until they have seen the new one. */
  const renewUnderLoad = async (renew: () => Promise<unknown>): Promise<readonly Account[]> => {
    const former = serialNow()
    const clients = places().flatMap(place => [true, false].map(isKept => keepAsking(place, isKept)))
    const inFlight = places().map(sendSlowly)
    const shown = renew().then(() => {
      clients.push(...places().map(place => keepAsking(place, false)))
      return untilShown(serialNow())
    })
    // Whatever came of it, nobody goes on asking.
    await Promise.allSettled([shown])
    const accounts = await Promise.all(clients.map(stop => stop()))
    const answers = await Promise.all(inFlight.map(end => end()))
    await shown
    const renewed = serialNow()
    assert.notEqual(renewed, former)
    assert.deepEqual(answers, Array(2).fill({ status: 200, serial: former }))
    for (const { failures, answers } of accounts) assert.deepEqual([failures, answers > 0], [[], true])
    for (const account of [accounts[1], accounts[3]]) assert.deepEqual(account?.serials, [former, renewed])
    return accounts
  }

  test('one that is renewed in a folder of nginx is shown by nginx and by the server, and no request fails', async t => {
    const [kept, , own] = await renewUnderLoad(() =>
      certbot.run('renew', '--force-renewal', '--no-random-sleep-on-renew'),
    )
    t.diagnostic(`nginx: ${kept?.repeated} of ${kept?.answers} requests were sent once more`)
    // A connection to the server itself goes on as it is.
    assert.deepEqual([own?.repeated, own?.serials.length], [0, 1])
    assert.deepEqual(failures, [])
  })

  test('renew --dry-run shows that the next renewal will work, and changes nothing', async () => {
    const before = serialNow()
    assert.match(
      await certbot.run('renew', '--dry-run', '--no-random-sleep-on-renew'),
      /all simulated renewals succeeded/,
    )
    assert.equal(serialNow(), before)
  })
})
