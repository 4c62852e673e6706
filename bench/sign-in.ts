import { type Contender, type Running, startContender } from './contender.ts'
import { median, toHead, toRow } from './table.ts'
import { load, type Measured } from './wrk.ts'

const users = 64
const core = '0,1,2'

const contenders: readonly Contender[] = [
  {
    name: 'Gatewright',
    file: 'sign-in.ts',
    args: [String(users)],
    // The limits count and never refuse.
    env: {
      NODE_ENV: 'development',
      TRUSTED_PROXIES: '127.0.0.1',
      LIMITS_SCALE: '10000',
      ACCESS_LOG: 'notable',
    },
    core,
  },
  {
    name: '@fastify/jwt, @fastify/rate-limit, @node-rs/argon2',
    file: 'jwt-sign-in.ts',
    args: [String(users), '1000000000'],
    core,
  },
]

/** Hashes a second of the same process with nothing else to do, as many at once. */
const hashAlone = async ({ url }: Running): Promise<number> => {
  const { perSecond } = (await (await fetch(`${url}/raw`)).json()) as { readonly perSecond: number }
  return perSecond
}

const signIn = (running: Running, seconds: number): Promise<Measured> =>
  load(running, {
    script: 'sign-in.lua',
    target: '/auth/login',
    seconds,
    connections: 16,
    core: '3',
    env: {
      BODY: '{"username":"user%d","password":"the password of user%d"}',
      USERS: String(users),
      FROM: 'many',
    },
  })

type Round = { readonly alone: number; readonly measured: Measured }

const measure = async (contender: Contender, rounds: number, seconds: number): Promise<readonly Round[]> => {
  const running = await startContender(contender)
  try {
    await signIn(running, 1)
    const done: Round[] = []
    for (let round = 0; round < rounds; round += 1) {
      const before = await hashAlone(running)
      const measured = await signIn(running, seconds)
      done.push({ alone: (before + (await hashAlone(running))) / 2, measured })
    }
    return done
  } finally {
    await running.stop()
  }
}

const columns = [
  'server',
  'sign-ins a second',
  'Argon2id alone a second',
  'ratio',
  'processor time each, ms',
  'p99 ms',
  'refused',
]

/** Sign-ins a second with the right password, beside what Argon2id alone does in the same process, before and after. */
export const measureSignIn = async ([rounds = 5, seconds = 3]: readonly number[]): Promise<void> => {
  console.log(toHead(columns))
  for (const contender of contenders) {
    const all = await measure(contender, rounds, seconds)
    const of = (pick: (round: Round) => number, digits = 0) => median(all.map(pick)).toFixed(digits)
    console.log(
      toRow([
        contender.name,
        of(({ measured }) => measured.perSecond),
        of(({ alone }) => alone),
        of(({ alone, measured }) => measured.perSecond / alone, 2),
        of(({ measured }) => measured.cpu / 1_000, 1),
        of(({ measured }) => measured.p99),
        Math.max(...all.map(({ measured }) => measured.refused)),
      ]),
    )
  }
}
