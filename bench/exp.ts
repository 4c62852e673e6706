import { compare, median } from './slices.ts'

const modes = process.argv.slice(2)
const slices = await compare(
  { name: 'bare Fastify', file: 'bare.ts' },
  modes.map(mode => ({ name: mode, file: 'exp.ts', args: [mode] })),
  { script: 'get.lua', target: '/posts/1' },
  { rounds: 8, seconds: 1 },
)
for (const [name, all] of slices) {
  const of = (pick: (slice: (typeof all)[number]) => number) => median(all.map(pick))
  console.log(
    `| ${name} | ${of(s => s.perSecond).toFixed(0)} | ${of(s => s.ratio).toFixed(2)} | ${of(s => s.cpu).toFixed(1)} | ${of(s => s.cpuRatio).toFixed(2)}`,
  )
}
