import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { type FaultName, faultNames, faults } from './faults.ts'

export type Wanted = {
  readonly minutes: number
  readonly rate: number
  readonly seed: number
  /** Only these faults; none: all of them. */
  readonly names: readonly FaultName[]
  readonly help: boolean
}

export const usage = `npm run cluster -- [--minutes n] [--rate n] [--seed n] [--fault name…]

nginx before two nodes with two workers each, on PostgreSQL and Redis, all of them on this machine. People sign
in, read, write and sign out through nginx, while one thing after the other goes wrong; at the end stands an
account of what was promised and what was kept. Exit code 1 when a promise was broken.

${faultNames.map(name => `  ${name.padEnd(32)}${faults[name].says}`).join('\n')}

  --minutes n     how long (60)
  --rate n        people who act about once a second each (60)
  --seed n        the random choices of an earlier call
  --fault name    only this one; may be repeated`

const isCount = (text: string): boolean => /^[1-9]\d{0,8}$/.test(text)

/** What is asked for, or what is wrong with it. */
export const parseClusterArguments = (args: readonly string[]): Wanted | string => {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        minutes: { type: 'string', default: '60' },
        rate: { type: 'string', default: '60' },
        seed: { type: 'string', default: String(randomInt(1, 2 ** 29)) },
        fault: { type: 'string', multiple: true, default: [] },
        help: { type: 'boolean', default: false },
      },
    })
    const { minutes, rate, seed, fault, help } = values
    const unknown = fault.find(name => !faultNames.some(known => known === name))
    if (unknown !== undefined) return `there is no fault "${unknown}"`
    if (![minutes, rate, seed].every(isCount)) return '--minutes, --rate and --seed are whole numbers from 1'
    if (Number(rate) > 500) return '--rate is at most 500: this is no load test'
    return {
      minutes: Number(minutes),
      rate: Number(rate),
      seed: Number(seed),
      names: faultNames.filter(name => fault.includes(name)),
      help,
    }
  } catch (error) {
    return String(error instanceof Error ? error.message : error)
  }
}
