import assert from 'node:assert/strict'
import { hour, minute } from '../../packages/gatewright/src/ground/clock.ts'
import { mostInAnHour, throttleRule } from '../../packages/gatewright/src/sign-in/throttle-rule.ts'
import { type Answer, password, type TestApp } from '../harness.ts'
import { hashCheaply } from '../models/cheap-passwords.ts'
import { freshName } from '../senders.ts'
import { addUser } from '../sessions/signed-in.ts'

/** Whatever the number of addresses; and whatever the number of users. */
export const [mostOfUser, mostOfAddress] = [mostInAnHour(throttleRule), 30]

/** What reached the hash. */
export type Sums = {
  readonly sent: number
  readonly hashed: number
  /** The most in any hour, both of its ends included. */
  readonly ofOneUser: number
  readonly ofOneAddress: number
}

type Guess = { readonly name: string; readonly from: string }
type Hashed = { readonly user_id: string | null; readonly address: string | null; readonly at: number }

const passwordHash = hashCheaply(password)
/** Fewer than wait for a hash, so that none is refused for that. */
const atOnce = 50

export const addressesOf = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, n) => `198.18.${Math.floor(n / 250)}.${n % 250}`)

export const addUsers = async (t: TestApp, count: number): Promise<readonly string[]> => {
  const names: string[] = []
  for (let n = 0; n < count; n++)
    names.push((await addUser(t.engine, freshName(), { passwordHash })).username)
  return names
}

export const enter = (
  t: TestApp,
  { name, from }: Guess,
  { shown = password, cookie }: { readonly shown?: string; readonly cookie?: string | undefined } = {},
): Promise<Answer> =>
  t.call('POST', 'sessions', {
    body: { username: name, password: shown },
    address: from,
    ...(cookie !== undefined && { headers: { cookie } }),
  })

/** The cookie of the device, as the browser sends it back. */
export const deviceCookie = ({ headers }: Answer): string | undefined =>
  [headers['set-cookie'] ?? []]
    .flat()
    .map(String)
    .find(text => text.startsWith('gw_device='))
    ?.split(';')[0]

/** The most of one kind in any hour. */
const mostBy = (hashed: readonly Hashed[], kind: 'user_id' | 'address'): number => {
  const groups = [...Map.groupBy(hashed, row => row[kind]).values()]
  const hoursOf = (own: readonly Hashed[]): readonly number[] =>
    own.map(({ at: start }, first) => own.slice(first).filter(({ at }) => at - start <= hour).length)
  return Math.max(0, ...groups.flatMap(hoursOf))
}

/** Failed sign-ins that were no throttled ones, since that row. */
const readHashed = async ({ engine }: TestApp, since: number): Promise<readonly Hashed[]> =>
  engine.db
    .selectFrom('audit_events')
    .leftJoin('audit_personal', 'event_id', 'id')
    .select(['user_id', 'audit_personal.address', 'audit_events.at'])
    .where('event', '=', 'sign-in.failed')
    .where('reason', '!=', 'throttled')
    .where('id', '>', since)
    .orderBy('audit_events.at')
    .execute()

const lastEvent = async ({ engine }: TestApp): Promise<number> => {
  const query = engine.db.selectFrom('audit_events').select(eb => eb.fn.max<number>('id').as('last'))
  return Number((await query.executeTakeFirstOrThrow()).last)
}

/** Sends all, many at once. @returns what was hashed */
const sendAll = async (t: TestApp, guesses: readonly Guess[]): Promise<number> => {
  const before = t.engine.hasher.count()
  for (let at = 0; at < guesses.length; at += atOnce) {
    const part = guesses.slice(at, at + atOnce)
    const answers = await Promise.all(part.map(guess => enter(t, guess, { shown: 'a guess of many' })))
    for (const { status, text } of answers) assert.ok([401, 429].includes(status), text)
  }
  return t.engine.hasher.count() - before
}

/** What happens between two waves, beside the attack. */
type Beside = () => Promise<void>

/** Waves of guesses, each after a pause. What they add up to is read from the audit events, and from the hasher. */
const attack = async (
  t: TestApp,
  waves: readonly { readonly after: number; readonly guesses: readonly Guess[] }[],
  beside: Beside = async () => {},
): Promise<Sums> => {
  const since = await lastEvent(t)
  let counted = 0
  let sent = 0
  for (const { after, guesses } of waves) {
    t.clock.advance(after)
    counted += await sendAll(t, guesses)
    sent += guesses.length
    await beside()
  }
  const hashed = await readHashed(t, since)
  assert.equal(hashed.length, counted, 'what the audit events say is what the hasher counted')
  return {
    sent,
    hashed: counted,
    ofOneUser: mostBy(hashed, 'user_id'),
    ofOneAddress: mostBy(hashed, 'address'),
  }
}

/** Past these pauses the delays are over, one after the other. */
const pauses = [0, 1, 2, 4, 8, 15, 15, 15].map(minutes => minutes * minute)
const pauseOf = (wave: number): number => pauses[wave] ?? 15 * minute

/** A list of names with passwords that leaked elsewhere, tried from 300 addresses. */
export const playStuffing = async (t: TestApp, waves: number): Promise<Sums> => {
  const names = await addUsers(t, 30)
  const guesses = addressesOf(300).map((from, n) => ({ name: names[n % names.length] ?? '', from }))
  return attack(
    t,
    Array.from({ length: waves }, (_, wave) => ({ after: pauseOf(wave), guesses })),
  )
}

/** One password, tried at 200 users, again and again, each half hour. */
export const playSpraying = async (t: TestApp, addresses: number, waves = 5): Promise<Sums> => {
  const names = await addUsers(t, 200)
  const from = addressesOf(addresses)
  const guesses = names.map((name, n) => ({ name, from: from[n % addresses] ?? '' }))
  return attack(
    t,
    Array.from({ length: waves }, () => ({ after: 30 * minute, guesses })),
  )
}

/** One user, guessed at from 300 addresses over hours, who signs in from a known device meanwhile. */
export const playOneUser = async (
  t: TestApp,
  guesses: number,
): Promise<Sums & { readonly signedIn: number }> => {
  const addresses = addressesOf(300)
  const [name = ''] = await addUsers(t, 1)
  const own = { name, from: '203.0.113.7' }
  const cookie = deviceCookie(await enter(t, own))
  let signedIn = 0
  const signIn: Beside = async () => {
    const answer = await enter(t, own, { cookie })
    assert.equal(answer.status, 201, answer.text)
    signedIn += 1
  }
  const waves = Array.from({ length: Math.ceil(guesses / addresses.length) }, (_, wave) => ({
    after: pauseOf(wave),
    guesses: addresses.map(from => ({ name, from })).slice(0, guesses - wave * addresses.length),
  }))
  return { ...(await attack(t, waves, signIn)), signedIn }
}
