import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findPlace } from '../postgres/place.ts'
import { toText } from './account.ts'
import { findPrograms } from './cluster.ts'
import { faultNames, overloaded } from './faults.ts'
import { type Asked, runCluster } from './run.ts'

const programs = await findPrograms()
const skip = typeof programs === 'string' && programs

/** Left out: what test/proofs/restarts.ts shows at a higher rate, and what takes half a minute. */
const left: readonly string[] = [
  'workers are restarted',
  'PostgreSQL is restarted',
  'a node stands still until nginx gives it up',
]
/** What surely happens in a short time. */
const shown = [
  'a logout',
  'a role was taken',
  'keys were rotated',
  'a signing key was revoked',
  'a write was repeated, and had happened',
]
/** And what does where the machine has time for it: else a process may wait too long for its count. */
const shownInTime = ['an exact limit at once, all answered']
const names = faultNames.filter(name => !left.includes(name))

/** Every other fault once, a bound that can be passed in a moment, and few people: `npm run cluster` is the long form. */
const short: Asked = {
  seconds: 90,
  rounds: 1,
  names,
  // Faults come too fast for nginx to know that the other one is back.
  victims: 1,
  rate: 8,
  seed: Number(process.env.TEST_SEED ?? 1),
  bound: 1_000,
  pace: { short: [200, 500], long: [1_200, 1_500], longest: [0, 0], rest: [20, 60], aftermath: 1_000 },
  every: { keys: 4_000, limits: 3_000 },
  place: findPlace(),
}

test('nginx, two nodes with two workers each, PostgreSQL and Redis keep every promise while one after the other is killed, stands still or is restarted', {
  skip,
}, async t => {
  const ends: (() => Promise<void>)[] = []
  t.after(async () => {
    for (const end of ends) await end()
  })
  const owner = { after: (end: () => Promise<void>) => void ends.unshift(end) }
  const { account, seconds } = await runCluster(owner, short, { stop: t.signal })
  t.diagnostic(`TEST_SEED=${short.seed}`)
  for (const line of toText(account, seconds).split('\n')) t.diagnostic(line)
  assert.deepEqual(Object.values(account.broken).flat(), [])
  for (const name of names) assert.equal(account.met.get(`fault: ${name}`), 1)
  const isOverloaded = account.met.has(`fault: ${overloaded}`)
  for (const what of [...shown, ...(isOverloaded ? [] : shownInTime)])
    assert.ok((account.met.get(what) ?? 0) > 0, what)
})
