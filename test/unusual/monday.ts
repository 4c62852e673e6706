import assert from 'node:assert/strict'
import { newId } from 'gatewright/random'
import { minute, second } from '../../packages/gatewright/src/ground/clock.ts'
import { hashDeviceSecret, newDeviceSecret } from '../../packages/gatewright/src/tokens/device-secret.ts'
import { nextCode, plantTotp } from '../factors/enrolled.ts'
import { type Answer, password, type TestApp } from '../harness.ts'
import { giveLink } from '../mail/given-link.ts'
import { show } from '../sessions/browser.ts'
import type { Seeded } from '../sessions/seeded.ts'
import { addPerson, type From, type Person, signIn as send } from './watched.ts'

/** How somebody comes on a Monday, and how many of a thousand do. */
const habits = {
  /** In the browser of Friday. */
  browser: 700,
  /** The same, on the road: from another address. */
  roaming: 60,
  /** The browser has forgotten its cookies, at the desk of Friday. */
  cleared: 40,
  /** A telephone that is new, with the old one's password in a manager or typed in small letters. */
  phone: 60,
  /** The browser of Friday, and the password is gone: a few are tried, then a mail asks for a new one. */
  forgotten: 30,
  /** The same without cookies. */
  forgottenElsewhere: 10,
  /** A program that signs in again each time, at the machine of Friday. */
  program: 40,
  /** A program, or a manager in a browser without cookies, that has last year's password and tries it again. */
  stale: 10,
  /** With an app as a second factor, in the browser of Friday. */
  factor: 50,
} as const

type Habit = keyof typeof habits

const pickHabit = ({ below }: Seeded): Habit => {
  let left = below(1_000)
  for (const [habit, share] of Object.entries(habits) as [Habit, number][]) {
    if (left < share) return habit
    left -= share
  }
  return 'browser'
}

/** Whoever is told to come later by a limit does so: an office shares one. */
const signIn = async (t: TestApp, name: string, shown: string, from: From): Promise<Answer> => {
  for (let n = 0; n < 5; n++) {
    const answer = await send(t, name, shown, from)
    if (answer.status !== 429) return answer
    t.clock.advance(Number(answer.headers['retry-after']) * second)
  }
  throw new Error('still too many')
}

type Scene = { readonly t: TestApp; readonly seeded: Seeded; readonly met: Map<string, number> }

type Employee = Person & { readonly habit: Habit; readonly from: From; readonly starts: number }

const desk = 'Mozilla/5.0 (X11; Linux) desk'
const telephone = 'Mozilla/5.0 (Mobile) telephone'

/** Two offices behind one address each, and everybody else at home. */
const addressOf = ({ below }: Seeded, n: number): string => {
  const place = below(10)
  if (place < 3) return '192.0.2.1'
  if (place < 5) return '192.0.2.200'
  return `198.18.${Math.floor(n / 250)}.${n % 250}`
}

const keepDevice = async ({ engine }: TestApp, userId: string): Promise<string> => {
  const secret = newDeviceSecret(engine.random)
  const times = { created_at: engine.clock.now(), last_used_at: engine.clock.now() }
  const row = { id: newId(engine.random), user_id: userId, secret_hash: hashDeviceSecret(secret), ...times }
  await engine.db.insertInto('known_devices').values(row).execute()
  return `gw_device=${secret}`
}

/** What of Friday is still there: the cookie of the browser, or a session begun by the same program. */
const leaveFriday = async (t: TestApp, { id, username }: Person, habit: Habit, from: From): Promise<From> => {
  if (habit === 'factor') await plantTotp(t.engine, id)
  if (['cleared', 'program', 'stale', 'forgotten', 'forgottenElsewhere'].includes(habit))
    assert.equal(show(await signIn(t, username, password, from)), '201')
  if (['browser', 'roaming', 'forgotten', 'factor'].includes(habit))
    return { ...from, cookie: await keepDevice(t, id) }
  return from
}

const hire = async ({ t, seeded, met }: Scene, n: number): Promise<Employee> => {
  const habit = pickHabit(seeded)
  met.set(habit, (met.get(habit) ?? 0) + 1)
  // A few administer the system, at their desks.
  const roles = habit === 'browser' && seeded.oneIn(80) ? ['admin'] : ['user']
  const person = await addPerson(t, { roles })
  const from = await leaveFriday(t, person, habit, { address: addressOf(seeded, n), device: desk })
  if (roles.includes('admin')) await signIn(t, person.username, password, from)
  // Most within an hour and a half.
  const starts = (seeded.below(45) + seeded.below(45)) * minute + seeded.below(minute)
  return { ...person, habit, from, starts }
}

const isWrong = (answer: Answer): void => assert.equal(show(answer), '401 invalid_credentials')

/** One letter beside the right one, or what was the password before. */
const slip = ({ below, pick }: Seeded): string => {
  const at = below(password.length)
  const typo = `${password.slice(0, at)}${pick([...'aeiourst1'])}${password.slice(at + 1)}`
  return pick([
    typo === password ? `${password}.` : typo,
    password.toUpperCase(),
    `${password} `,
    'autumn leaves 2025',
  ])
}

/** Every eighth mistypes, and of these every fifth again: four times at most. */
const mistype = async ({ t, seeded }: Scene, { username }: Person, from: From): Promise<void> => {
  for (let n = 0; n < 4 && seeded.oneIn(n === 0 ? 8 : 5); n++) {
    isWrong(await signIn(t, username, slip(seeded), from))
    t.clock.advance(5 * second)
  }
}

const enter = async (scene: Scene, person: Person, from: From): Promise<void> => {
  await mistype(scene, person, from)
  const answer = await signIn(scene.t, person.username, password, from)
  assert.equal(show(answer), '201', `${person.username} ${JSON.stringify(from)}`)
}

const chosen = 'another one, and longer'

const forget = async ({ t, seeded }: Scene, { id, username, email }: Person, from: From): Promise<void> => {
  for (let n = 2 + seeded.below(4); n > 0; n--) {
    isWrong(await signIn(t, username, `${slip(seeded)} ${n}`, from))
    t.clock.advance(20 * second)
  }
  const token = await giveLink(t.engine, 'reset-password', id, { email })
  const reset = await t.call('POST', 'password/reset', { body: { token, new_password: chosen } })
  assert.equal(reset.status, 204, reset.text)
  if (seeded.oneIn(3)) isWrong(await signIn(t, username, password, from))
  assert.equal(show(await signIn(t, username, chosen, from)), '201')
}

const showFactor = async ({ t, seeded }: Scene, { id, username }: Person, from: From): Promise<void> => {
  const first = await signIn(t, username, password, from)
  assert.equal(show(first), '401 mfa_required')
  const { address, cookie = '' } = from
  const give = (code: string) =>
    t.call('POST', 'login/mfa', {
      body: { mfa_token: first.body.mfa_token, method: 'totp', code },
      address,
      headers: { cookie },
    })
  for (let n = 0; n < 2 && seeded.oneIn(6); n++)
    assert.equal(show(await give('000000')), '401 invalid_mfa_code')
  t.clock.advance(minute)
  assert.equal(show(await give(await nextCode(t.engine, id))), '201')
}

/** What each does, once there. */
const acts: Readonly<Record<Habit, (scene: Scene, employee: Employee) => Promise<void>>> = {
  browser: (scene, employee) => enter(scene, employee, employee.from),
  roaming: (scene, employee) =>
    enter(scene, employee, { ...employee.from, address: `203.0.113.${scene.seeded.below(250)}` }),
  cleared: (scene, employee) => enter(scene, employee, employee.from),
  phone: (scene, employee) => enter(scene, employee, { address: employee.from.address, device: telephone }),
  forgotten: (scene, employee) => forget(scene, employee, employee.from),
  forgottenElsewhere: (scene, employee) => forget(scene, employee, employee.from),
  program: async ({ t }, { username, from }) => {
    for (let n = 0; n < 3; n++) {
      assert.equal(show(await signIn(t, username, password, from)), '201')
      t.clock.advance(second)
    }
  },
  stale: async ({ t, seeded }, { username, from }) => {
    // Then it says so, and somebody types the right one.
    for (let n = 1 + seeded.below(4); n > 0; n--)
      isWrong(await signIn(t, username, 'autumn leaves 2025', from))
    t.clock.advance(minute)
    assert.equal(show(await signIn(t, username, password, from)), '201')
  },
  factor: (scene, employee) => showFactor(scene, employee, employee.from),
}

/** A class whose accounts were made this morning signs in within a lesson, behind one address. */
const teach = async ({ t, seeded }: Scene, count: number): Promise<readonly (() => Promise<void>)[]> => {
  const lessons: (() => Promise<void>)[] = []
  for (let n = 0; n < count; n++) {
    const person = await addPerson(t)
    await t.engine.db
      .updateTable('users')
      .set({ created_at: t.clock.now() })
      .where('id', '=', person.id)
      .execute()
    lessons.push(async () => {
      t.clock.advance(5 * second)
      await enter({ t, seeded, met: new Map() }, person, { address: '192.0.2.130', device: desk })
    })
  }
  return lessons
}

/** How many came by each habit: of these the ones with a new telephone are due a mail. */
export type Played = { readonly met: ReadonlyMap<string, number>; readonly newPhones: number }

/**
 * A busy Monday: so many people come to work within an hour and a half, and a class of new users. Nobody attacks
 * anything.
 */
export const playMonday = async (t: TestApp, seeded: Seeded, people = 500): Promise<Played> => {
  const scene: Scene = { t, seeded, met: new Map() }
  const employees: Employee[] = []
  for (let n = 0; n < people; n++) employees.push(await hire(scene, n))
  t.clock.advance(2 * 24 * 60 * minute)
  const lessons = [...(await teach(scene, Math.round(people * 0.06)))]
  const begun = t.clock.now()
  for (const employee of employees.toSorted((a, b) => a.starts - b.starts)) {
    t.clock.advance(Math.max(0, begun + employee.starts - t.clock.now()))
    await acts[employee.habit](scene, employee)
    if (t.clock.now() > begun + 45 * minute) await lessons.shift()?.()
  }
  for (const lesson of lessons) await lesson()
  return { met: scene.met, newPhones: scene.met.get('phone') ?? 0 }
}
