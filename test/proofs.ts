import { parseProofArguments, usage } from './proofs/arguments.ts'
import { type Link, planChains, runChains } from './proofs/chains.ts'
import { showProgress, toSummary } from './proofs/progress.ts'

const asked = parseProofArguments(process.argv.slice(2))
if (typeof asked === 'string') {
  console.error(`${asked}\n\n${usage}`)
  process.exit(2)
}
if (asked.help) {
  console.log(usage)
  process.exit(0)
}

const chains = planChains(asked)
const progress = showProgress(chains, asked.seed)
await runChains(chains, progress.tick)
progress.end()
console.log(toSummary(chains))

const toFailure = ({ name, seed, runs, tally }: Link): string => `
Lost by ${name}:
${tally.lost.map(fact => `  ${fact}`).join('\n')}
Repeat it, with the same choices at about the same moments: npm run proof -- ${name} --runs ${runs} --seed ${seed}`

for (const chain of chains) if (chain.tally.lost.length > 0) console.error(toFailure(chain))
process.exitCode = chains.some(({ tally }) => tally.lost.length > 0) ? 1 : 0
