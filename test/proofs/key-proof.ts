import { day, minute } from 'gatewright/clock'
import { newSecret, systemRandom } from 'gatewright/random'
import { until } from '../process/until.ts'
import type { Seeded } from '../sessions/seeded.ts'
import type { Owner } from './installation.ts'
import type { KeyDatabase } from './key-database.ts'
import type { Ask, Stored } from './key-process.ts'
import { type KeyProcess, startKeyProcess } from './key-processes.ts'
import { check, type Tally } from './tally.ts'

export type KeyProof = {
  readonly owner: Owner
  readonly database: KeyDatabase
  readonly runs: number
  readonly seeded: Seeded
  readonly tally: Tally
}

const count = 8
const rotation = 30 * day
const ttl = 10 * minute
/** More queries than one turn of the ring makes: what lies behind is a turn that nobody dies in. */
const mostQueries = 18
/** Real time for a revocation to reach every process: milliseconds when nothing else runs. */
const longest = 5_000
const attempts = 5

type Token = { readonly text: string; readonly kid: string; readonly expiresAt: number }

/** What the parent knows: the time of all, the tokens that are out, and how often which key began to sign. */
type Ledger = {
  now: number
  activations: number
  tokens: readonly Token[]
  readonly revoked: Set<string>
}

type Stage = KeyProof & {
  readonly ledger: Ledger
  readonly processes: KeyProcess[]
  readonly start: () => Promise<KeyProcess>
}

const toToken = (text: string): Token => {
  const [head = '', body = ''] = text.split('.').map(part => Buffer.from(part, 'base64url').toString())
  return { text, kid: JSON.parse(head).kid, expiresAt: JSON.parse(body).exp * 1_000 }
}

/** A connection may break, which nobody answers for: a server turns again soon, and a client signs in again. */
const askTillAnswered = async (
  { tally }: Pick<Stage, 'tally'>,
  one: KeyProcess,
  ask: Ask,
): Promise<unknown> => {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await one.ask(ask)
    } catch (error) {
      if (attempt === attempts || one.isDead()) throw error
      tally.repeated += 1
    }
  }
}

const signAt = async (stage: Stage, signer: KeyProcess): Promise<Token> => {
  const { ledger, tally } = stage
  const token = toToken(String(await askTillAnswered(stage, signer, { what: 'sign', now: ledger.now })))
  ledger.tokens = [...ledger.tokens, token]
  tally.answered += 1
  return token
}

const signSome = async (stage: Stage): Promise<void> => {
  for (let signed = 0; signed < 4; signed += 1) {
    const { kid } = await signAt(stage, stage.seeded.pick(stage.processes))
    check(stage.tally, !stage.ledger.revoked.has(kid), `${kid} still signs after it was revoked`)
  }
}

/** Every token that lives is good everywhere, its key is in every key set, and a revoked key is in none. */
const look = async ({ ledger, processes, tally }: Stage): Promise<void> => {
  const { now, revoked } = ledger
  ledger.tokens = ledger.tokens.filter(({ expiresAt }) => expiresAt > now)
  const texts = ledger.tokens.map(({ text }) => text)
  const looks = processes.map(async (one, index) => {
    const verdicts = (await one.ask({ what: 'verify', now, tokens: texts })) as string[]
    const shown = (await one.ask({ what: 'list', now })) as string[]
    for (const [at, { kid }] of ledger.tokens.entries()) {
      const verdict = verdicts[at]
      if (revoked.has(kid))
        check(tally, verdict !== 'good', `process ${index} takes a token of the revoked ${kid}`)
      else check(tally, verdict === 'good', `process ${index} says ${verdict} of a token of ${kid}`)
      if (!revoked.has(kid)) check(tally, shown.includes(kid), `the key set of process ${index} lacks ${kid}`)
    }
    for (const kid of revoked) check(tally, !shown.includes(kid), `process ${index} shows the revoked ${kid}`)
  })
  await Promise.all(looks)
}

const replaceDead = async ({ processes, start, tally }: Stage): Promise<void> => {
  for (const [at, one] of processes.entries()) {
    if (!one.isDead()) continue
    tally.repeated += 1
    processes[at] = await start()
  }
}

const turnAll = async (stage: Stage, some: readonly KeyProcess[] = stage.processes): Promise<void> => {
  const turn = { what: 'turn', now: stage.ledger.now } as const
  await Promise.all(some.map(one => askTillAnswered(stage, one, turn)))
}

/** Some turn the ring, at once or one first, which dies over it; the others have not read it when this is over. */
const turnAndDie = async (stage: Stage, run: number): Promise<void> => {
  const { ledger, processes, seeded } = stage
  const order = processes.toSorted(() => seeded.below(3) - 1).slice(0, 2 + seeded.below(count - 1))
  const death = { query: 1 + ((run >> 1) % mostQueries), when: run % 2 === 0 ? 'before' : 'after' } as const
  const turn = { what: 'turn', now: ledger.now } as const
  const dying = order[0]?.ask({ ...turn, death })
  if (seeded.oneIn(2)) await dying?.catch(() => {})
  await Promise.allSettled([dying, ...order.slice(1).map(one => one.ask(turn))])
  await replaceDead(stage)
  await turnAll(
    stage,
    order.filter(one => !one.isDead()),
  )
}

const pass = async (stage: Stage, milliseconds: number): Promise<void> => {
  stage.ledger.now += milliseconds
  await look(stage)
}

/** The rows, as one of the processes' database has them. */
const checkRows = async ({ ledger, processes, tally }: Stage): Promise<Stored> => {
  const stored = (await processes[0]?.ask({ what: 'rows', now: ledger.now })) as Stored
  const { states, activations } = stored
  check(tally, states.active === 1 && states.published === 1, `the ring is ${JSON.stringify(states)}`)
  check(tally, stored.madeTwice === 0, `${stored.madeTwice} ids of keys were made twice`)
  check(tally, stored.unknown === 0, `${stored.unknown} keys are in no event`)
  check(tally, stored.keptPrivate === 0, `${stored.keptPrivate} keys are gone and keep a private half`)
  check(
    tally,
    activations === ledger.activations,
    `${activations} keys began to sign, not ${ledger.activations}`,
  )
  return stored
}

const revokeOne = async (stage: Stage, revoker: KeyProcess): Promise<string> => {
  const { ledger, seeded } = stage
  const { active } = await checkRows(stage)
  const kids = [active, ...ledger.tokens.map(({ kid }) => kid)].filter(kid => !ledger.revoked.has(kid))
  const kid = seeded.pick(kids)
  await revoker.ask({ what: 'revoke', now: ledger.now, kid })
  ledger.revoked.add(kid)
  if (kid === active) ledger.activations += 1
  return kid
}

/** What is signed then is good at once, also with a key that was made a moment before; what was revoked is not. */
const revokeSome = async (stage: Stage): Promise<void> => {
  const { ledger, processes, seeded, tally } = stage
  const revoker = seeded.pick(processes)
  const revoked: string[] = []
  for (let left = 1 + seeded.below(3); left > 0; left -= 1) revoked.push(await revokeOne(stage, revoker))
  const { text } = await signAt(stage, revoker)
  const verdicts = await Promise.all(
    processes.map(one => one.ask({ what: 'verify', now: ledger.now, tokens: [text] })),
  )
  for (const [at, verdict] of verdicts.entries())
    check(tally, String(verdict) === 'good', `process ${at} says ${verdict} of what was signed after it`)

  const texts = ledger.tokens.filter(({ kid }) => revoked.includes(kid)).map(token => token.text)
  const isKnownTo = async (one: KeyProcess): Promise<boolean> => {
    const all = (await one.ask({ what: 'verify', now: ledger.now, tokens: texts })) as string[]
    const shown = (await one.ask({ what: 'list', now: ledger.now })) as string[]
    return all.every(verdict => verdict !== 'good') && !revoked.some(kid => shown.includes(kid))
  }
  check(tally, await isKnownTo(revoker), 'the process that revoked a key takes its tokens')
  for (const one of processes) await until('what was revoked is refused', () => isKnownTo(one), longest)
  // As the key set of each process follows, within milliseconds.
  await turnAll(stage)
}

/** One key follows another, with a process that dies somewhere on the way, and tokens of before and after. */
const rotateOnce = async (stage: Stage, run: number): Promise<void> => {
  const { ledger, seeded } = stage
  await turnAll(stage)
  await signSome(stage)
  await pass(stage, seeded.below(5 * minute))
  const before = await checkRows(stage)
  // The last tokens of the old key are young when the new one begins.
  ledger.now = Math.max(ledger.now, before.since + rotation - 5 * minute)
  await turnAll(stage)
  await signSome(stage)
  await pass(stage, 5 * minute + seeded.below(2 * minute))
  ledger.activations += 1
  await turnAndDie(stage, run)
  await look(stage)
  const { active } = await checkRows(stage)
  await signSome(stage)
  await pass(stage, minute + 1 + seeded.below(ttl))
  for (const one of stage.processes) {
    const { kid } = await signAt(stage, one)
    check(stage.tally, kid === active, `${kid} signs, and not ${active}`)
  }
  if (seeded.oneIn(4)) await revokeSome(stage)
  await signSome(stage)
  await look(stage)
  await turnAll(stage)
  await pass(stage, seeded.below(ttl))
}

/**
 * Eight processes on one database and one clock that a proof moves; each rotation has a process that is
 * killed before or after one query of its turn, so that with the runs every step is met.
 */
export const proveKeys = async (proof: KeyProof): Promise<void> => {
  const { owner, database, runs, tally } = proof
  const secret = newSecret(systemRandom)
  const ledger: Ledger = { now: Date.UTC(2026, 10, 21, 12), activations: 1, tokens: [], revoked: new Set() }
  const overrides = { databaseUrl: database.url, keyRotation: rotation, accessTokenTtl: ttl, databasePool: 4 }
  const start = () => startKeyProcess(owner, { overrides, secret, now: ledger.now })
  const processes = await Promise.all(Array.from({ length: count }, start))
  const stage: Stage = { ...proof, ledger, processes, start }
  await checkRows(stage)
  for (let run = 0; run < runs && tally.lost.length === 0; run += 1) {
    await rotateOnce(stage, run)
    tally.runs += 1
  }
}
