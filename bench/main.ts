import { measureAudit } from './audit.ts'
import { measureCutOffs } from './cut-offs.ts'
import { measureFlood } from './flood.ts'
import { measureLimits } from './limits.ts'
import { measureLists } from './lists.ts'
import { measureRefresh } from './refresh.ts'
import { measureRequests } from './requests.ts'
import { measureRevocation } from './revocation.ts'
import { measureSignIn } from './sign-in.ts'
import { measureBytes } from './sizes.ts'
import { measureStart } from './start.ts'
import { measureVerifier } from './verifier.ts'
import { measureWorkers } from './workers.ts'
import { measureWrongTokens } from './wrong-tokens.ts'

type Bench = {
  readonly run: (numbers: readonly number[]) => Promise<void>
  /** What it measures, and the numbers that it takes. */
  readonly does: string
}

const benches: Readonly<Record<string, Bench>> = {
  start: { run: measureStart, does: 'time and memory of a start [starts of each kind]' },
  requests: { run: measureRequests, does: 'a protected GET, beside others [rounds] [seconds of each]' },
  revocation: {
    run: measureRevocation,
    does: 'from the answer of a logout to the refusal elsewhere [seconds of each way]',
  },
  workers: { run: measureWorkers, does: 'a protected GET of 1, 2 and 4 workers [rounds] [seconds of each]' },
  verifier: { run: measureVerifier, does: 'how soon a service elsewhere refuses after a logout [logouts]' },
  'cut-offs': { run: measureCutOffs, does: 'what live cut-offs cost [how many] [rounds] [seconds of each]' },
  limits: { run: measureLimits, does: 'a check of a limit, in memory and in each store [rounds]' },
  lists: { run: measureLists, does: 'pages of lists among many users and among few [many] [few] [rounds]' },
  audit: {
    run: measureAudit,
    does: 'the audit log by each filter; writing, sealing and verifying it [events] [rounds]',
  },
  refresh: { run: measureRefresh, does: 'refreshes a second [live sessions …]' },
  sizes: { run: measureBytes, does: 'bytes of a user, a session, an event … [how many of each]' },
  'sign-in': {
    run: measureSignIn,
    does: 'sign-ins a second, beside Argon2id alone [rounds] [seconds of each]',
  },
  flood: { run: measureFlood, does: 'a reader while wrong passwords flood in [rounds] [seconds of each]' },
  'wrong-tokens': {
    run: measureWrongTokens,
    does: 'logout and the audit log while wrong tokens flood in [rounds] [seconds of each]',
  },
}

const [name = '', ...rest] = process.argv.slice(2)
const bench = Object.hasOwn(benches, name) ? benches[name] : undefined
const numbers = rest.map(Number)

if (bench === undefined || numbers.some(Number.isNaN)) {
  console.error('npm run bench -- <name> [numbers]\n')
  for (const [known, { does }] of Object.entries(benches)) console.error(`  ${known.padEnd(12)}${does}`)
  process.exitCode = 2
} else await bench.run(numbers)
