import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type Contender, type Running, startContender } from './contender.ts'
import { path } from './servers/payload.ts'
import { median, toHead, toRow } from './table.ts'
import { load } from './wrk.ts'

/** As many logouts as are timed while the flood goes on. */
const logouts = 10

const server: Contender = {
  name: 'Gatewright',
  file: 'sign-in.ts',
  args: [String(logouts)],
  env: { NODE_ENV: 'development', TRUSTED_PROXIES: '127.0.0.1', ACCESS_LOG: 'off', LIMITS_SCALE: '1' },
}

const post = (url: string, init: RequestInit): Promise<Response> => fetch(url, { method: 'POST', ...init })

/** Each from an address of its own, so that none is limited. */
const signIn = async ({ url }: Running, n: number): Promise<string> => {
  const answer = await post(`${url}/auth/login`, {
    headers: { 'content-type': 'application/json', 'x-forwarded-for': `192.0.2.${n + 1}` },
    body: JSON.stringify({ username: `user${n}`, password: `the password of user${n}` }),
  })
  return ((await answer.json()) as { access_token: string }).access_token
}

/** Milliseconds; a logout that is refused is a failure of the bench. */
const timeLogout = async ({ url }: Running, token: string, n: number): Promise<number> => {
  const begun = performance.now()
  const answer = await post(`${url}/auth/logout`, {
    headers: { authorization: `Bearer ${token}`, 'x-forwarded-for': `192.0.2.${n + 1}` },
  })
  if (answer.status !== 200) throw new Error(`a logout was answered ${answer.status}`)
  return performance.now() - begun
}

const countRows = ({ callers }: Running): number => {
  using database = new DatabaseSync(join(dirname(callers), 'data/gatewright.db'), { readOnly: true })
  const found = database
    .prepare(
      "select count(*) as rows from audit_events where event in ('credential.refused', 'limit.exceeded')",
    )
    .get()
  return Number(found?.rows)
}

type Measured = { readonly perSecond: number; readonly logout: number; readonly rows: number }

const measure = async (from: string, seconds: number): Promise<Measured> => {
  const running = await startContender(server)
  try {
    const tokens = await Promise.all(Array.from({ length: logouts }, (_, n) => signIn(running, n)))
    const flood = load(running, { script: 'wrong-token.lua', target: path, seconds, env: { FROM: from } })
    await new Promise(resolve => setTimeout(resolve, 1_000))
    const times: number[] = []
    for (const [n, token] of tokens.entries()) times.push(await timeLogout(running, token, n))
    const { perSecond } = await flood
    return { perSecond, logout: Math.max(...times), rows: countRows(running) }
  } finally {
    await running.stop()
  }
}

/** Access tokens that nobody made, as fast as they are refused: what stands in the audit log, and how logout goes on. */
export const measureWrongTokens = async ([rounds = 3, seconds = 5]: readonly number[]): Promise<void> => {
  console.log(toHead(['wrong tokens from', 'refused a second', 'longest logout ms', 'rows in the audit log']))
  for (const from of ['one', 'many']) {
    const measured: Measured[] = []
    for (let round = 0; round < rounds; round += 1) measured.push(await measure(from, seconds))
    const of = (pick: (figure: Measured) => number) => median(measured.map(pick)).toFixed(0)
    const cells = [of(({ perSecond }) => perSecond), of(({ logout }) => logout), of(({ rows }) => rows)]
    console.log(toRow([`${from === 'many' ? 'many addresses' : 'one address'}`, ...cells]))
  }
}
