import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Issued, issue, makeAuthority } from '../authority.ts'
import { findFreePort } from '../process/free-port.ts'
import { send } from '../process/http-client.ts'
import { type FoundProgram, findProgram } from './debian-program.ts'
import { startListening } from './program.ts'

/** An authority like Let's Encrypt, on loopback, for which every name is this machine. */
export type Pebble = {
  /** What `certbot --server` takes. */
  readonly directory: string
  /** The path of the authority that the directory's own certificate is of. */
  readonly caFile: string
  /** PEM: what whoever trusts its certificates trusts. */
  readonly root: string
  readonly stop: () => Promise<void>
}

/** Where it asks for proofs. */
export type ProofPorts = { readonly http: number; readonly tls: number }

export type PebblePrograms = { readonly pebble: FoundProgram; readonly names: FoundProgram }

/** A text says why there is none. */
export const findPebble = async (): Promise<PebblePrograms | string> => {
  const pebble = await findProgram('pebble', ['pebble'])
  const names = await findProgram('pebble-challtestsrv', ['pebble'])
  if (typeof pebble === 'string') return pebble
  return typeof names === 'string' ? names : { pebble, names }
}

/** Asks at once, refuses no request at random, and asks for a proof each time. */
const env = { PEBBLE_VA_NOSLEEP: '1', PEBBLE_WFE_NONCEREJECT: '0', PEBBLE_AUTHZREUSE: '0' }

const loopback = ['-defaultIPv4', '127.0.0.1', '-defaultIPv6', '']
const noProofs = ['-http01', '', '-https01', '', '-tlsalpn01', '']

type Ports = { readonly api: number; readonly management: number; readonly proofs: ProofPorts }

const configure = (folder: string, own: Issued, { api, management, proofs }: Ports): string => {
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text, { mode: 0o644 })
    return join(folder, name)
  }
  return file(
    'pebble.json',
    JSON.stringify({
      pebble: {
        listenAddress: `127.0.0.1:${api}`,
        managementListenAddress: `127.0.0.1:${management}`,
        certificate: file('api.crt', own.cert),
        privateKey: file('api.key', own.key),
        httpPort: proofs.http,
        tlsPort: proofs.tls,
        ocspResponderURL: '',
        externalAccountBindingRequired: false,
        certificateValidityPeriod: 90 * 24 * 3_600,
      },
    }),
  )
}

export const startPebble = async ({ pebble, names }: PebblePrograms, proofs: ProofPorts): Promise<Pebble> => {
  const folder = mkdtempSync(join(tmpdir(), 'gatewright-pebble-'))
  chmodSync(folder, 0o755)
  const authority = await makeAuthority('The directory of pebble')
  const caFile = join(folder, 'directory-ca.crt')
  writeFileSync(caFile, authority.cert, { mode: 0o644 })
  const [api, management, dns, other] = [
    await findFreePort(),
    await findFreePort(),
    await findFreePort(),
    await findFreePort(),
  ]
  const file = configure(folder, await issue('localhost', { by: authority }), { api, management, proofs })
  const nameArgs = [
    ...loopback,
    ...noProofs,
    '-dns01',
    `127.0.0.1:${dns}`,
    '-management',
    `127.0.0.1:${other}`,
  ]
  const nameServer = await startListening(names, { args: nameArgs, port: dns })
  const args = ['-config', file, '-dnsserver', `127.0.0.1:${dns}`]
  const server = await startListening({ ...pebble, env: { ...pebble.env, ...env } }, { args, port: api })
  const { text: root } = await send('GET', `https://localhost:${management}/roots/0`, { ca: authority.cert })
  return {
    directory: `https://localhost:${api}/dir`,
    caFile,
    root,
    stop: async () => {
      await Promise.all([server.stop(), nameServer.stop()])
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
