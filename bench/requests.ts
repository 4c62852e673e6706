import { compare, median } from './slices.ts'

const contenders = [
  { name: 'Fastify + @fastify/jwt with cache, rate-limit, helmet', file: 'jwt.ts' },
  {
    name: 'Gatewright',
    file: 'gatewright.ts',
    env: { NODE_ENV: 'development', LIMITS_SCALE: '10000', ACCESS_LOG: 'notable' },
  },
]
const slices = await compare(
  { name: 'bare Fastify', file: 'bare.ts' },
  contenders,
  { script: 'get.lua', target: '/posts/1' },
  {
    rounds: Number(process.argv[2] ?? 5),
    seconds: Number(process.argv[3] ?? 2),
  },
)
for (const [name, all] of slices) {
  const of = (pick: (slice: (typeof all)[number]) => number) => median(all.map(pick))
  console.log(
    `| ${name} | ${of(s => s.perSecond).toFixed(0)} | ${of(s => s.ratio).toFixed(2)} | ${of(s => s.cpu).toFixed(1)} | ${of(s => s.cpuRatio).toFixed(2)} | ${of(s => s.p99).toFixed(1)} | ${Math.max(...all.map(s => s.refused))}`,
  )
}
