import { loadEmbeddedPostgres } from '../postgres/embedded.ts'
import { type Account, countBroken, countRequests, toText, toWords } from './account.ts'
import { parseClusterArguments } from './arguments.ts'
import { type Asked, runCluster } from './run.ts'
import type { Weather } from './weather.ts'

/** What `main.ts` starts, which has looked at the arguments. */
const wanted = parseClusterArguments(process.argv.slice(2))
if (typeof wanted === 'string') throw new TypeError(wanted)

const second = 1_000
const asked: Asked = {
  seconds: wanted.minutes * 60,
  rate: wanted.rate,
  ...(wanted.names.length > 0 && { names: wanted.names }),
  seed: wanted.seed,
  bound: 5 * second,
  pace: {
    short: [second, 4 * second],
    long: [7 * second, 12 * second],
    longest: [22 * second, 26 * second],
    rest: [4 * second, 9 * second],
    aftermath: 4 * second,
  },
  every: { keys: 70 * second, limits: 15 * second },
}

const { isTTY } = process.stderr
let shown = 0
let told = 0
/** Each as it comes. */
const tell = ({ broken }: Account): void => {
  const lines = Object.values(broken).flat()
  for (const line of lines.sort().slice(told)) process.stderr.write(`${isTTY ? '\n' : ''}broken: ${line}\n`)
  told = lines.length
}
/** One line that is written over itself; where nobody watches, one a minute. */
const show = (account: Account, weather: Weather, seconds: number): void => {
  const line = `${seconds.toFixed(0)} s of ${asked.seconds}: ${countRequests(account)} requests, ${countBroken(account)} promises broken; ${toWords(weather.now())}`
  tell(account)
  if (isTTY) process.stderr.write(`\r\u001b[K${line}`)
  else if (seconds - shown >= 60) {
    shown = seconds
    process.stderr.write(`${line}\n`)
  }
}

const stop = new AbortController()
const ends: (() => Promise<void>)[] = []
const owner = { after: (end: () => Promise<void>) => void ends.unshift(end) }
let interruptedAt = Number.NEGATIVE_INFINITY
/** The first one ends the load, and the account so far is told; the second one waits for nothing. */
const onInterrupt = (): void => {
  // One key may be told twice, by the terminal and by npm.
  if (performance.now() - interruptedAt < 2 * second) return
  interruptedAt = performance.now()
  if (stop.signal.aborted) process.exit(1)
  process.stderr.write('\nending: the account comes when what had ended was tried once more\n')
  stop.abort()
}
// The package that brings PostgreSQL would end this process at once, by what it listens to once it is loaded.
await loadEmbeddedPostgres()
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.removeAllListeners(signal).on(signal, onInterrupt)
process.once('disconnect', onInterrupt)

process.stderr.write(`${wanted.minutes} minutes, seed ${wanted.seed}\n`)
process.exitCode = 1
try {
  const { account, seconds } = await runCluster(owner, asked, { stop: stop.signal, onTick: show })
  if (isTTY) process.stderr.write('\n')
  console.log(toText(account, seconds))
  console.log(
    `\nRepeat it, with the same choices at about the same moments: npm run cluster -- --minutes ${wanted.minutes} --rate ${wanted.rate} --seed ${wanted.seed}`,
  )
  process.exitCode = countBroken(account) === 0 ? 0 : 1
} finally {
  for (const end of ends) await end().catch(error => console.error(error))
  process.off('disconnect', onInterrupt).disconnect?.()
}
