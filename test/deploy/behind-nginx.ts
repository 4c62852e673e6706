import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request as requestPlain } from 'node:http'
import { connect as connectHttp2 } from 'node:http2'
import { request as requestSecure } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { connect, type TLSSocket } from 'node:tls'
import type { Settings } from 'gatewright/settings'
import { generate } from 'selfsigned'
import { listen, type RawAnswer, toAnswer } from '../attacks/raw-http.ts'
import { startTestApp, type TestApp } from '../harness.ts'
import { findFreePort } from '../process/free-port.ts'
import type { FoundProgram } from '../servers/debian-program.ts'
import { type Installation, type ShippedNginx, startShippedNginx } from '../servers/shipped-nginx.ts'

export const hostName = 'api.test'

export type Asked = {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  readonly body?: string
  /** Without TLS, on the other port. */
  readonly isPlain?: boolean
  /** HTTP/2 in place of HTTP/1.1. */
  readonly isHttp2?: boolean
  /** An address of loopback. */
  readonly from?: string
}

export type ProxyAnswer = {
  readonly status: number
  /** As they came: two of one name are two. */
  readonly lines: readonly (readonly [name: string, value: string])[]
  /** The value of a header that stands there once; several are joined, so that no test takes them for one. */
  readonly header: (name: string) => string | undefined
  readonly text: string
  /** The text, where it is JSON. */
  readonly body: Readonly<Record<string, unknown>> | undefined
}

export type Front = {
  readonly nginx: ShippedNginx
  readonly ports: Installation['ports']
  /** The certificate that nginx shows, which is its own authority. */
  readonly certificate: string
  /** Sends a request; a path without a slash in front stands below `/api/v1`. */
  readonly ask: (path: string, asked?: Asked) => Promise<ProxyAnswer>
  /** Sends these bytes over TLS, and gives what came until the connection was closed. */
  readonly send: (bytes: string | Uint8Array) => Promise<RawAnswer>
  readonly connect: (protocols?: readonly string[]) => Promise<TLSSocket>
  readonly close: () => Promise<void>
}

export type BehindNginx = Front & { readonly t: TestApp }

const findPorts = async () => ({ http: await findFreePort(), https: await findFreePort() })

/** A folder with a certificate that everybody may read. */
const makeCertificate = async (folder: string) => {
  const extensions = [{ name: 'subjectAltName' as const, altNames: [{ type: 2 as const, value: hostName }] }]
  const { cert, private: key } = await generate([{ name: 'commonName', value: hostName }], {
    keyType: 'ec',
    curve: 'P-256',
    extensions,
  })
  const files = { certFile: join(folder, 'fullchain.pem'), keyFile: join(folder, 'privkey.pem') }
  writeFileSync(files.certFile, cert)
  writeFileSync(files.keyFile, key)
  return { cert, files }
}

const toProxyAnswer = (status: number, raw: readonly string[], body: string): ProxyAnswer => {
  const lines = raw.flatMap((name, index) =>
    index % 2 === 0 ? [[name.toLowerCase(), raw[index + 1] ?? ''] as const] : [],
  )
  return {
    status,
    lines,
    header: name => {
      const found = lines.filter(([own]) => own === name.toLowerCase()).map(([, value]) => value)
      return found.length === 0 ? undefined : found.join(' | ')
    },
    text: body,
    body:
      /json/.test(lines.find(([name]) => name === 'content-type')?.[1] ?? '') && body !== ''
        ? JSON.parse(body)
        : undefined,
  }
}

const toPath = (path: string): string => (path.startsWith('/') ? path : `/api/v1/${path}`)

const json = { 'content-type': 'application/json' } as const

/** Without the length of the body, unless it stands in `headers`. */
const askHttp2 = async (
  { https }: Installation['ports'],
  ca: string,
  [path, { method = 'GET', headers: { host = hostName, ...headers } = {}, body }]: readonly [string, Asked],
): Promise<ProxyAnswer> => {
  const session = connectHttp2(`https://127.0.0.1:${https}`, { ca, servername: hostName })
  try {
    return await new Promise((resolve, reject) => {
      session.once('error', reject)
      const stream = session.request({
        ':method': method,
        ':path': toPath(path),
        ':authority': String(host),
        ...(body !== undefined && json),
        ...headers,
      })
      stream.once('error', reject)
      stream.once('response', ({ ':status': status = 0, ...lines }) =>
        text(stream).then(
          read => resolve(toProxyAnswer(status, Object.entries(lines).flat().map(String), read)),
          reject,
        ),
      )
      stream.end(body)
    })
  } finally {
    session.destroy()
  }
}

export const createAsk =
  (ports: Installation['ports'], ca: string): Front['ask'] =>
  async (path, asked = {}) => {
    const { method = 'GET', headers = {}, body, isPlain = false, isHttp2 = false, from } = asked
    if (isHttp2) return askHttp2(ports, ca, [path, asked])
    const send = isPlain ? requestPlain : requestSecure
    const request = send({
      host: '127.0.0.1',
      port: isPlain ? ports.http : ports.https,
      servername: hostName,
      ca,
      agent: false,
      ...(from !== undefined && { localAddress: from }),
      method,
      path: toPath(path),
      headers: {
        host: hostName,
        ...(body !== undefined && { ...json, 'content-length': String(Buffer.byteLength(body)) }),
        ...headers,
      } as Record<string, string>,
    })
    return new Promise((resolve, reject) => {
      request.once('error', reject)
      request.once('response', response =>
        text(response).then(
          read => resolve(toProxyAnswer(response.statusCode ?? 0, response.rawHeaders, read)),
          reject,
        ),
      )
      request.end(body)
    })
  }

const createConnect =
  ({ https }: Installation['ports'], ca: string): Front['connect'] =>
  (protocols = ['http/1.1']) =>
    new Promise((resolve, reject) => {
      const socket = connect({
        host: '127.0.0.1',
        port: https,
        servername: hostName,
        ca,
        ALPNProtocols: [...protocols],
      })
      socket.once('error', reject).once('secureConnect', () => {
        socket.off('error', reject).on('error', () => {})
        resolve(socket)
      })
    })

const readToEnd = (socket: TLSSocket): Promise<string> =>
  new Promise(resolve => {
    const chunks: Buffer[] = []
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    socket.once('close', () => resolve(Buffer.concat(chunks).toString('latin1')))
  })

/** nginx with the files of `deploy/nginx` in front of these servers, with a certificate of its own. */
export const startFront = async (
  program: FoundProgram,
  { ports: given, ...changes }: Partial<Installation> & Pick<Installation, 'upstreams'>,
): Promise<Front> => {
  const ports = given ?? (await findPorts())
  const folder = mkdtempSync(join(tmpdir(), 'gatewright-certificate-'))
  chmodSync(folder, 0o755)
  const { cert, files } = await makeCertificate(folder)
  const nginx = await startShippedNginx(program, { hostName, certificate: files, ports, ...changes })
  const open = createConnect(ports, cert)
  return {
    nginx,
    ports,
    certificate: cert,
    ask: createAsk(ports, cert),
    connect: open,
    send: async bytes => {
      const socket = await open()
      const read = readToEnd(socket)
      socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
      return toAnswer(await read)
    },
    close: async () => {
      await nginx.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** The blog behind nginx. */
export const startBehindNginx = async (
  program: FoundProgram,
  { settings = {}, ...changes }: { readonly settings?: Partial<Settings> } & Partial<Installation> = {},
): Promise<BehindNginx> => {
  const ports = await findPorts()
  const publicUrl = `https://${hostName}:${ports.https}`
  const t = await startTestApp({ trustedProxies: ['127.0.0.1'], publicUrl, ...settings })
  const front = await startFront(program, { ports, upstreams: [`127.0.0.1:${await listen(t)}`], ...changes })
  return {
    ...front,
    t,
    close: async () => {
      await front.close()
      await t.close()
    },
  }
}
