import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Contender, cores, pinned, type Running, startContender } from './contender.ts'
import { memoryOf } from './memory.ts'
import { path } from './servers/payload.ts'
import { median, toHead, toRow } from './table.ts'
import { load } from './wrk.ts'

/** Readers enough that none comes near the limit of its user. */
const readers = 64
const perSecond = 200
/** The server has two cores for itself, its hashes included, and the flood and the reader one each. */
const core = '0,1'

type Flood = { readonly from: 'one' | 'many'; readonly contender: Contender }

const gatewright: Contender = {
  name: 'Gatewright',
  file: 'sign-in.ts',
  args: [String(readers)],
  env: { NODE_ENV: 'development', TRUSTED_PROXIES: '127.0.0.1', ACCESS_LOG: 'notable' },
  core,
}
const peer: Contender = {
  name: '@fastify/jwt, @fastify/rate-limit, @node-rs/argon2',
  file: 'jwt-sign-in.ts',
  args: [String(readers)],
  core,
}

const floods: readonly Flood[] = [gatewright, peer].flatMap(contender => [
  { from: 'many', contender } as const,
  { from: 'one', contender } as const,
])

type Probed = { readonly p50: number; readonly p99: number; readonly max: number; readonly refused: number }

const run = promisify(execFile)

const probe = async ({ url, callers }: Running, seconds: number): Promise<Probed> => {
  const prober = [process.execPath, join(import.meta.dirname, 'servers/prober.ts')]
  const what = [`${url}${path}`, callers, String(perSecond), String(seconds)]
  const [command = '', ...args] = pinned(cores && '3', [...prober, ...what])
  return JSON.parse((await run(command, args)).stdout)
}

const pause = 1_000

type Measured = {
  readonly idle: Probed
  readonly flooded: Probed
  readonly memory: number
  readonly codes: string
}

const measure = async ({ from, contender }: Flood, seconds: number): Promise<Measured> => {
  const running = await startContender(contender)
  try {
    await probe(running, 1)
    const idle = await probe(running, seconds)
    const flood = load(running, {
      script: 'sign-in.lua',
      target: '/auth/login',
      seconds: seconds + 3,
      core: '2',
      env: { BODY: '{"username":"user%d","password":"a wrong password"}', USERS: '1000000', FROM: from },
    })
    await new Promise(resolve => setTimeout(resolve, pause))
    const flooded = await probe(running, seconds)
    const { codes } = await flood
    return { idle, flooded, codes, memory: memoryOf(running.pids[0] ?? 0).peak }
  } finally {
    await running.stop()
  }
}

const columns = [
  'wrong passwords from',
  'idle p99 ms',
  'p50 ms under the flood',
  'p99 ms under the flood',
  'longest ms',
  'reads refused',
  'peak MiB',
  '200, 401, 429, 503, others',
]

/** What a signed-in reader feels while 64 connections send wrong passwords as fast as they are answered. */
export const measureFlood = async ([rounds = 3, seconds = 5]: readonly number[]): Promise<void> => {
  const figures = new Map<Flood, Measured[]>(floods.map(flood => [flood, []]))
  for (let round = 0; round < rounds; round += 1)
    for (const [flood, measured] of figures) measured.push(await measure(flood, seconds))
  console.log(toHead(['server', ...columns]))
  for (const [{ from, contender }, measured] of figures) {
    const of = (pick: (figure: Measured) => number, digits = 1) => median(measured.map(pick)).toFixed(digits)
    const cells = [
      of(({ idle }) => idle.p99),
      of(({ flooded }) => flooded.p50),
      of(({ flooded }) => flooded.p99),
      of(({ flooded }) => flooded.max, 0),
      Math.max(...measured.map(({ flooded }) => flooded.refused)),
      of(({ memory }) => memory, 0),
      measured.at(-1)?.codes ?? '',
    ]
    console.log(toRow([contender.name, from === 'many' ? 'many addresses' : 'one address', ...cells]))
  }
}
