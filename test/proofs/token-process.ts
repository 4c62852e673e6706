import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { minute, second } from 'gatewright/clock'
import { newId } from 'gatewright/random'
import { startTestApp } from '../harness.ts'
import { createSeeded } from '../sessions/seeded.ts'
import { ofRun } from './token-counts.ts'

/** In megabytes: what is in use once nothing is left to be collected, and what the system gave. */
export type Memory = { readonly heap: number; readonly rss: number }

/** What the process tells: first how it begins, then of each run, and at last how it is when all have expired. */
export type Told = {
  readonly memory: Memory
  readonly verified: number
  /** Of those whose tokens were known before somebody else's session refreshed in a loop. */
  readonly pushedOut: number
}

const [runs = 0, seed = 0] = process.argv.slice(2).map(Number)
setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void
const seeded = createSeeded({ diagnostic: () => {} }, seed)
const t = await startTestApp()
const { accessTokens, random } = t.engine

const atOnce = 500
const lifetime = 10 * minute
const usualRoles = ['user', 'moderator', 'admin']
const manyRoles = Array.from({ length: 400 }, (_, index) => `role-${index}`)

type Holder = { readonly sessionId: string; readonly roles: readonly string[] }
const newHolder = (roles = usualRoles): Holder => ({ sessionId: newId(random), roles })

const sign = async ({ sessionId, roles }: Holder): Promise<string> =>
  (await accessTokens.getSign())({
    userId: newId(random),
    sessionId,
    userVersion: 1,
    expiresAt: t.clock.now() + lifetime,
    authTime: t.clock.now(),
    amr: ['pwd'],
    roles,
  })

/** Shows tokens that nobody has shown before. */
const showNew = async (holders: readonly Holder[]): Promise<readonly string[]> => {
  const texts = await Promise.all(holders.map(sign))
  await Promise.all(texts.map(async text => accessTokens.verify(text)))
  return texts
}

const many = (make: () => Holder): readonly Holder[] => Array.from({ length: atOnce }, make)

/** Who comes: everybody once, one session again and again, or whoever has roles without end. */
const crowds = {
  everybody: () => many(() => newHolder()),
  loop: () => {
    const holder = newHolder()
    return many(() => holder)
  },
  wide: () => many(() => newHolder(manyRoles)),
} as const

const pickCrowd = (): keyof typeof crowds =>
  seeded.oneIn(50) ? 'wide' : seeded.oneIn(3) ? 'loop' : 'everybody'

const isKnown = (text: string): boolean => accessTokens.findKnown(text) !== undefined

let verified = 0
let pushedOut = 0

const showCrowd = async (name: keyof typeof crowds): Promise<void> => {
  const bystanders = await showNew(name === 'loop' ? [newHolder(), newHolder()] : [])
  verified += (await showNew(crowds[name]())).length
  pushedOut += bystanders.filter(text => !isKnown(text)).length
  t.clock.advance(seeded.pick([0, second, 20 * second, lifetime]))
}

const measure = (): Memory => {
  collect()
  collect()
  const { heapUsed, rss } = process.memoryUsage()
  const inMegabytes = (bytes: number): number => Math.round(bytes / 104_857.6) / 10
  return { heap: inMegabytes(heapUsed), rss: inMegabytes(rss) }
}

const tell = (): void => void process.send?.({ memory: measure(), verified, pushedOut } satisfies Told)

const runOnce = async (): Promise<void> => {
  const until = verified + ofRun
  while (verified < until) await showCrowd(pickCrowd())
}

await runOnce()
t.clock.advance(lifetime)
verified = 0
pushedOut = 0
tell()
for (let run = 0; run < runs; run++) {
  await runOnce()
  tell()
}
// Whoever comes then finds only what has expired, and takes it away.
t.clock.advance(lifetime)
for (let crowd = 0; crowd < ofRun / atOnce; crowd++) await showNew(crowds.loop())
tell()
await t.close()
