import type { Contender } from './contender.ts'
import { compare, type Slice } from './slices.ts'
import { median, toHead, toRow } from './table.ts'

/** Limits that count and never refuse; of the log, what is notable, as in production. */
const env = { NODE_ENV: 'development', LIMITS_SCALE: '10000', ACCESS_LOG: 'notable' } as const

const reference: Contender = { name: 'bare Fastify', file: 'bare.ts' }

const others: readonly Contender[] = [
  { name: 'bare Fastify again: the error of the method', file: 'bare.ts' },
  { name: '@fastify/jwt with its cache, @fastify/rate-limit, @fastify/helmet', file: 'jwt.ts' },
  { name: 'Gatewright, a token seen before', file: 'gatewright.ts', env },
  { name: 'Gatewright, 10,000 tokens in turn', file: 'gatewright.ts', args: ['10000'], env },
]

const columns = [
  'server',
  'requests a second',
  'ratio (lowest, highest)',
  'processor time each, µs',
  'its ratio',
  'p99 ms',
  'refused',
]

const toCells = (name: string, slices: readonly Slice[]): readonly (string | number)[] => {
  const of = (pick: (slice: Slice) => number) => median(slices.map(pick))
  const ratios = slices.map(({ ratio }) => ratio)
  return [
    name,
    of(slice => slice.perSecond).toFixed(0),
    `${of(slice => slice.ratio).toFixed(2)} (${Math.min(...ratios).toFixed(2)}, ${Math.max(...ratios).toFixed(2)})`,
    of(slice => slice.cpu).toFixed(1),
    of(slice => slice.cpuRatio).toFixed(2),
    of(slice => slice.p99).toFixed(1),
    Math.max(...slices.map(({ refused }) => refused)),
  ]
}

/** A protected GET beside bare Fastify that gives the same body, and beside what people put together today. */
export const measureRequests = async ([rounds = 7, seconds = 2]: readonly number[]): Promise<void> => {
  const slices = await compare(
    reference,
    others,
    { script: 'get.lua', target: '/posts/1' },
    { rounds, seconds },
  )
  console.log(toHead(columns))
  for (const [name, all] of slices) console.log(toRow(toCells(name, all)))
}
