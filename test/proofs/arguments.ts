import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { type ProofName, proofNames, proofs } from './table.ts'

export type Asked = {
  readonly names: readonly ProofName[]
  /** Undefined: as many as each proof says. */
  readonly runs: number | undefined
  readonly seed: number
  readonly help: boolean
}

export const usage = `npm run proof -- [name…] [--runs n] [--seed n]

Proofs at random that take too long for every test run; without a name all of them.
Exit code 1 when anything was lost. A name without its database means each of them.

${proofNames.map(name => `  ${name.padEnd(23)}${proofs[name].says} (${proofs[name].runs})`).join('\n')}

  --runs n        how often, instead of the numbers above
  --seed n        the random choices of an earlier call`

/** A name means one proof, or by its beginning the same on each database. */
const findProofs = (name: string): readonly ProofName[] =>
  proofNames.filter(proof => proof === name || proof.startsWith(`${name}-`))
const isCount = (text: string): boolean => /^[1-9]\d{0,8}$/.test(text)

/** What is asked for, or what is wrong with it. */
export const parseProofArguments = (args: readonly string[]): Asked | string => {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { runs: { type: 'string' }, seed: { type: 'string' }, help: { type: 'boolean' } },
    })
    const { runs, seed = String(randomInt(1, 2 ** 29)), help = false } = values
    const unknown = positionals.find(name => findProofs(name).length === 0)
    if (unknown !== undefined) return `there is no proof "${unknown}"`
    if (![runs ?? '1', seed].every(isCount)) return '--runs and --seed are whole numbers from 1'
    return {
      names: positionals.length === 0 ? proofNames : positionals.flatMap(findProofs),
      runs: runs === undefined ? undefined : Number(runs),
      seed: Number(seed),
      help,
    }
  } catch (error) {
    return String(error instanceof Error ? error.message : error)
  }
}
