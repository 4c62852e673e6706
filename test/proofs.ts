import { parseProofArguments, usage } from './proofs/arguments.ts'
import { type Link, planChains, runChains } from './proofs/chains.ts'
import { showProgress, toMet, toSummary } from './proofs/progress.ts'
import { hasFailed } from './proofs/tally.ts'

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
const met = toMet(chains)
if (met !== '') console.log(`\n${met}`)

const toFailure = ({ name, seed, runs, tally: { lost, stopped } }: Link): string => `
${name}:
${[...lost.map(fact => `  lost: ${fact}`), ...stopped.map(why => `  could not go on: ${why}`)].join('\n')}
Repeat it, with the same choices at about the same moments: npm run proof -- ${name} --runs ${runs} --seed ${seed}`

const failed = chains.filter(({ tally }) => hasFailed(tally))
for (const chain of failed) console.error(toFailure(chain))
process.exitCode = failed.length === 0 ? 0 : 1
