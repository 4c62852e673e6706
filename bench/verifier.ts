import { createVerifier, type Verifier } from 'gatewright-verifier'
import { startPostgres } from '../test/postgres/server.ts'
import { newFolder, type Server, signIn, signUp, startServer } from '../test/process/spawned-server.ts'
import { openOn, startScriptedIssuer } from '../test/verifier/scripted-issuer.ts'
import { toHead, toRow } from './table.ts'

const env = { NODE_ENV: 'development', LIMITS_SCALE: '10000', ACCESS_LOG: 'notable' } as const

const isRefused = (verifier: Verifier, token: string): Promise<boolean> =>
  verifier.verify(token).then(
    () => false,
    () => true,
  )

/** Milliseconds from the answer of a logout to the first refusal of its token here, in another process. */
const timeLogout = async (server: Server, verifier: Verifier): Promise<number> => {
  const { access } = await signIn(server, 'ann')
  await verifier.verify(access)
  await server.call('POST', 'logout', { token: access })
  const answered = performance.now()
  while (!(await isRefused(verifier, access))) await new Promise(resolve => setImmediate(resolve))
  return performance.now() - answered
}

const at = (sorted: readonly number[], part: number): string =>
  (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN).toFixed(1)

const measureLogouts = async (
  name: string,
  count: number,
  more: Readonly<Record<string, string>> = {},
): Promise<void> => {
  const ends: (() => Promise<void>)[] = []
  const server = await startServer(newFolder({ after: end => void ends.push(end) }), {
    env: { ...env, ...more },
  })
  const verifier = createVerifier({ issuer: server.url, audience: server.url })
  try {
    await signUp(server, 'ann')
    const times: number[] = []
    for (let made = 0; made < count; made += 1) times.push(await timeLogout(server, verifier))
    times.sort((a, b) => a - b)
    console.log(toRow([name, count, at(times, 0.5), at(times, 0.9), at(times, 0.99), at(times, 1)]))
  } finally {
    verifier.close()
    for (const end of ends) await end()
  }
}

/** Microseconds of processor time for each call, one after the other: steadier than calls a second. */
const timeCalls = async (tokens: readonly string[], rounds: number, verifier: Verifier): Promise<number> => {
  const begun = process.cpuUsage()
  for (let round = 0; round < rounds; round += 1) for (const token of tokens) await verifier.verify(token)
  const { user, system } = process.cpuUsage(begun)
  return (user + system) / (tokens.length * rounds)
}

const measureCalls = async (): Promise<void> => {
  const issuer = await startScriptedIssuer()
  const verifier = openOn(issuer, { maxAge: 5_000 })
  try {
    const tokens = Array.from({ length: 9_000 }, (_, number) => issuer.token({ jti: String(number) }))
    const first = await timeCalls(tokens, 1, verifier)
    const again = await timeCalls(tokens, 50, verifier)
    console.log(toRow(['a token for the first time (ES256)', first.toFixed(0), (1e6 / first).toFixed(0)]))
    console.log(toRow(['a token seen before, 9,000 in turn', again.toFixed(1), (1e6 / again).toFixed(0)]))
  } finally {
    verifier.close()
    await issuer.close()
  }
}

/** How soon a verifier elsewhere refuses after a logout, and how many tokens it judges. */
export const measureVerifier = async ([count = 200]: readonly number[]): Promise<void> => {
  console.log(
    toHead([
      'from the answer of a logout to refusal elsewhere, ms',
      'logouts',
      'median',
      'p90',
      'p99',
      'longest',
    ]),
  )
  await measureLogouts('SQLite', count)
  const postgres = await startPostgres({ flags: [] })
  try {
    await measureLogouts('PostgreSQL', count, { DATABASE_URL: postgres.url })
  } finally {
    await postgres.stop()
  }
  console.log(`\n${toHead(['a call of verify', 'processor time, µs', 'so many a second on one core'])}`)
  await measureCalls()
}
