import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startTestApp, type TestApp } from '../../../../test/harness.ts'
import { createSeeded, type Seeded } from '../../../../test/sessions/seeded.ts'
import { addUser } from '../../../../test/sessions/signed-in.ts'
import { changeRoles, disableUser, enableUser } from '../administration/users.ts'
import { systemOrigin } from '../audit/record.ts'
import { applyConsequences } from '../consequences/apply.ts'
import type { ConsequenceEvent } from '../consequences/table.ts'
import { day, minute, second } from '../ground/clock.ts'
import { Refusal, type RefusalCode } from '../ground/refusal.ts'
import { type LiveSession, startSession } from '../sessions/sessions.ts'
import { inTransaction } from '../storage/transaction.ts'
import { makeRefreshToken } from '../tokens/refresh-token.ts'
import { endAllOtherSessions, logOut } from './end-sessions.ts'
import { refresh } from './refresh.ts'

/**
 * Random histories of one user's devices, the tabs of each, and a thief, against a naive model of what
 * the rules say. Each history is one interleaving: when a request is executed, and whether and when its
 * answer arrives, is drawn apart from when it was sent.
 */
const histories = Number(process.env.GATEWRIGHT_PROOF_ROUNDS ?? 2_000)
const stepsOfHistory = 7

const window = 10 * second
const idle = 14 * day
const longest = 30 * day

/** A session as the rules have it. */
type Session = {
  readonly id: string
  readonly key: string
  readonly expiresAt: number
  generation: number
  since: number
  lastUsed: number
  endedAt: number | undefined
  renewed: boolean
  /** A thief has used a token of it: from now on its owner may be signed out. */
  isStolen: boolean
}

type Token = { readonly session: Session; readonly generation: number; readonly text: string }

/** A device: its tabs share one place where the token is kept. */
type Device = {
  session: Session
  token: Token
  /** Since when its tabs have been refreshing; undefined while none is. */
  refreshingSince: number | undefined
  /** Requests on their way to the server, each with the token that was shown. */
  sent: Token[]
  /** Answers on their way back: what was shown, and what came. */
  answered: { readonly shown: Token; readonly got: Token }[]
  arrived: boolean
}

type History = {
  readonly random: Seeded
  readonly userId: string
  roles: readonly string[]
  readonly devices: Device[]
  readonly sessions: Session[]
  readonly copies: Token[]
}

let t: TestApp
before(async () => {
  t = await startTestApp()
})
after(() => t.close())

/** How often each thing happened: a run that never met one of them has shown nothing about it. */
const met = {
  'the live token again': 0,
  'a rotation': 0,
  'a retry': 0,
  refresh_token_reused: 0,
  session_renewed: 0,
  session_ended: 0,
}

const now = (): number => t.clock.now()
const isWithinWindow = (since: number): boolean => now() - since < window
const isOver = (session: Session): boolean => session.expiresAt <= now() || session.lastUsed + idle <= now()

/** What the rules say that a token gets: a refusal, or the generation of the token in the answer. */
const judge = ({ session, generation }: Token): RefusalCode | number => {
  const behind = session.generation - generation
  if (session.endedAt !== undefined) {
    const isTold = session.renewed && isWithinWindow(session.endedAt) && behind <= 1
    return isTold ? 'session_renewed' : 'session_ended'
  }
  if (isOver(session)) return 'session_ended'
  if (behind === 0) return isWithinWindow(session.since) ? generation : generation + 1
  return behind === 1 && isWithinWindow(session.since) ? session.generation : 'refresh_token_reused'
}

const nameOf = ({ session, generation }: Token, verdict: RefusalCode | number): keyof typeof met => {
  if (typeof verdict === 'string') return verdict as keyof typeof met
  if (verdict > session.generation) return 'a rotation'
  return verdict > generation ? 'a retry' : 'the live token again'
}

const noteAnswer = (session: Session, verdict: RefusalCode | number): void => {
  if (typeof verdict !== 'number') {
    session.endedAt ??= now()
    return
  }
  session.lastUsed = now()
  if (verdict > session.generation) session.since = now()
  session.generation = verdict
}

const toToken = (session: Session, generation = session.generation): Token => ({
  session,
  generation,
  text: makeRefreshToken(t.engine.secrets, { id: session.id, refresh_key: session.key }, generation),
})

/** Shows a token to the real thing, which must do as the model says. */
const show = async (history: History, shown: Token): Promise<Token | RefusalCode> => {
  const verdict = judge(shown)
  const answer = await refresh(t.engine, {
    text: shown.text,
    origin: systemOrigin,
    countUse: () => {},
  }).catch((error: unknown) => {
    if (error instanceof Refusal) return error.code
    throw error
  })
  met[nameOf(shown, verdict)]++
  noteAnswer(shown.session, verdict)
  if (typeof answer === 'string' || typeof verdict === 'string') {
    assert.equal(typeof answer === 'string' ? answer : `generation ${answer.session.generation}`, verdict)
    return verdict as RefusalCode
  }
  const got = toToken(shown.session)
  assert.equal(makeRefreshToken(t.engine.secrets, answer.session, answer.session.generation), got.text)
  assert.deepEqual(answer.roles, [...history.roles].sort(), 'the roles as they are now')
  return got
}

const toSession = ({ session }: LiveSession): Session => ({
  id: session.id,
  key: session.refresh_key,
  expiresAt: session.expires_at,
  generation: session.generation,
  since: session.generation_since,
  lastUsed: session.last_used_at,
  endedAt: undefined,
  renewed: false,
  isStolen: false,
})

const remember = (history: History, live: LiveSession): Session => {
  const session = toSession(live)
  history.sessions.push(session)
  return session
}

const signIn = async (history: History): Promise<void> => {
  const { userId } = history
  const row = await t.engine.db
    .selectFrom('users')
    .select('version')
    .where('id', '=', userId)
    .executeTakeFirstOrThrow()
  const live = await inTransaction(t.engine.db, work =>
    startSession(t.engine, work, {
      userId,
      userVersion: row.version,
      amr: ['pwd'],
      device: '',
      origin: systemOrigin,
    }),
  )
  assert.ok(live)
  const session = remember(history, live)
  assert.equal(session.expiresAt, now() + longest)
  history.devices.push({
    session,
    token: toToken(session),
    refreshingSince: undefined,
    sent: [],
    answered: [],
    arrived: false,
  })
}

const isLive = ({ session }: Device): boolean => session.endedAt === undefined && !isOver(session)
const isCalm = (device: Device): boolean => isLive(device) && device.refreshingSince === undefined
const pickLive = ({ random, devices }: History, choose = isLive): Device | undefined => {
  const live = devices.filter(choose)
  return live.length === 0 ? undefined : random.pick(live)
}

/** Some tabs send the token that is kept, at once. */
const send = ({ random }: History, device: Device, tabs = 1 + random.below(3)): void => {
  device.refreshingSince ??= now()
  device.arrived = false
  device.sent.push(...Array.from({ length: tabs }, () => device.token))
}

/** The server executes one of the requests on their way; its answer may be lost. */
const execute = async (history: History, device: Device): Promise<void> => {
  const { random } = history
  const [shown] = device.sent.splice(random.below(device.sent.length), 1)
  if (shown === undefined) return
  const wasLive = shown.session.endedAt === undefined && !isOver(shown.session)
  const got = await show(history, shown)
  if (typeof got === 'string') {
    const isHonest = wasLive && !shown.session.isStolen
    assert.ok(!isHonest, `an honest device was signed out by a race: ${got}`)
    // Told that its session was renewed or has ended, a tab reads what is kept, or asks to sign in.
    device.arrived = true
  } else if (!random.oneIn(3)) device.answered.push({ shown, got })
  if (device.sent.length === 0 && device.answered.length === 0) finish(history, device)
}

/** A tab keeps the token of an answer, unless it is the one that it had sent, or of a former id. */
const arrive = (history: History, device: Device): void => {
  const [answer] = device.answered.splice(history.random.below(device.answered.length), 1)
  if (answer === undefined) return
  device.arrived = true
  const isNews = answer.got.text !== answer.shown.text && answer.got.session === device.session
  if (isNews) device.token = answer.got
  if (device.sent.length === 0 && device.answered.length === 0) finish(history, device)
}

/** When every answer was lost, the device tries again at once. */
const finish = (history: History, device: Device): void => {
  if (device.arrived) device.refreshingSince = undefined
  else send(history, device)
}

const shortWaits = [0, 1, 500, 3 * second, window - 1]
const waits = [0, 1, window - 1, window, window + 1, 10 * minute, day, idle - 1, idle, 20 * day]

/** Time passes; where a device is refreshing, all of it happens within the window. */
const pass = ({ random, devices }: History): void => {
  const starts = devices.flatMap(({ refreshingSince }) => refreshingSince ?? [])
  const left = Math.min(...starts) + window - 1 - now()
  const possible = random.oneIn(3) && starts.length === 0 ? waits : shortWaits
  t.clock.advance(random.pick(possible.filter(wait => wait <= left)))
}

/** One tab refreshes when the window is over, and its answer arrives: generations grow, copies grow old. */
const refreshCalmly = async (history: History, device: Device): Promise<void> => {
  if (history.devices.every(({ refreshingSince }) => refreshingSince === undefined))
    t.clock.advance(history.random.pick([window, window + 1, 10 * minute]))
  if (!isLive(device)) return
  send(history, device, 1)
  await execute(history, device)
  if (device.answered.length > 0) arrive(history, device)
}

const end = (sessions: readonly Session[]): void => {
  for (const session of sessions) session.endedAt ??= now()
}

/** A new id for this device; `password changed` ends the others as well. */
const renew = async (history: History, device: Device, event: ConsequenceEvent): Promise<void> => {
  const { userId } = history
  const old = device.session
  const { renewed } = await inTransaction(t.engine.db, work =>
    applyConsequences(t.engine, work, event, {
      userId,
      sessionId: old.id,
      amr: ['pwd'],
      origin: systemOrigin,
    }),
  )
  assert.ok(renewed)
  old.renewed = true
  end(event === 'password changed' ? history.sessions : [old])
  device.session = remember(history, renewed)
  device.token = toToken(device.session)
}

/** The thief's steps know no window: a copy is taken from a device or from the wire, and shown whenever. */
const steal = ({ random, devices, copies }: History): void => {
  const device = random.pick(devices)
  copies.push(random.pick([device.token, ...device.sent, ...device.answered.map(({ got }) => got)]))
}
const replay = async (history: History): Promise<void> => {
  if (history.copies.length === 0) return
  const copy = history.random.pick(history.copies)
  const got = await show(history, copy)
  copy.session.isStolen = true
  if (typeof got !== 'string') history.copies.push(got)
}

type Step = (
  history: History,
  own: { readonly userId: string; readonly origin: typeof systemOrigin },
) => unknown

const steps: readonly { readonly weight: number; readonly run: Step }[] = [
  {
    weight: 6,
    run: history => {
      const device = pickLive(history, isCalm)
      if (device) send(history, device)
    },
  },
  {
    weight: 10,
    run: history => {
      const device = pickLive(history, isCalm)
      return device && refreshCalmly(history, device)
    },
  },
  {
    weight: 12,
    run: history => {
      const device = pickLive(history, ({ sent }) => sent.length > 0)
      return device && execute(history, device)
    },
  },
  {
    weight: 6,
    run: history => {
      const device = pickLive(history, ({ answered }) => answered.length > 0)
      if (device) arrive(history, device)
    },
  },
  { weight: 6, run: pass },
  { weight: 5, run: steal },
  { weight: 4, run: replay },
  {
    weight: 2,
    run: async (history, own) => {
      history.roles = history.random.pick([['user'], ['moderator'], ['user', 'moderator'], []])
      await changeRoles(t.engine, { ...own, roles: history.roles })
    },
  },
  {
    weight: 1,
    run: history => {
      const device = pickLive(history)
      return device && renew(history, device, 'step-up')
    },
  },
  {
    weight: 1,
    run: history => {
      const device = pickLive(history)
      return device && renew(history, device, 'password changed')
    },
  },
  {
    weight: 1,
    run: async (history, own) => {
      const device = pickLive(history)
      if (device === undefined) return
      await logOut(t.engine, { ...own, sessionId: device.session.id })
      end([device.session])
    },
  },
  {
    weight: 1,
    run: async (history, own) => {
      // Ending others closes the window, so a device does it only while none of its tabs is refreshing.
      const device = pickLive(history, isCalm)
      if (device === undefined) return
      await endAllOtherSessions(t.engine, { ...own, sessionId: device.session.id })
      end(history.sessions.filter(session => session !== device.session))
      device.session.since = Number.NEGATIVE_INFINITY
    },
  },
  {
    weight: 1,
    run: async (history, own) => {
      if (!history.random.oneIn(4)) return
      await disableUser(t.engine, own)
      await enableUser(t.engine, own)
      end(history.sessions)
    },
  },
]
const wheel = steps.flatMap(({ weight, run }) => Array.from({ length: weight }, () => run))

/** Whatever happened: what has ended is refused from now on, and every old copy is noticed. */
const settle = async (history: History): Promise<void> => {
  for (const session of history.sessions) {
    const revocable = { sessionId: session.id, userId: history.userId, userVersion: Number.MAX_SAFE_INTEGER }
    assert.equal(t.engine.revocations.isEnded(revocable), session.endedAt !== undefined)
  }
  for (const copy of history.copies) await show(history, copy)
}

const play = async (random: Seeded, name: string): Promise<void> => {
  const { id: userId } = await addUser(t.engine, name, { roles: [] })
  const history: History = { random, userId, roles: [], devices: [], sessions: [], copies: [] }
  await signIn(history)
  for (let step = 0; step < stepsOfHistory; step++) {
    await random.pick(wheel)(history, { userId, origin: systemOrigin })
    if (history.devices.length < 3 && random.oneIn(12)) await signIn(history)
  }
  await settle(history)
}

test(`in ${histories} random histories of devices, tabs and a thief, refresh does what the rules say`, async test => {
  const random = createSeeded(test)
  for (let n = 0; n < histories; n++) {
    await play(random, `user${n}`).catch((error: unknown) => {
      throw new Error(`seed ${random.seed}, history ${n}`, { cause: error })
    })
  }
  test.diagnostic(JSON.stringify(met))
  for (const [what, times] of Object.entries(met)) assert.ok(times > 0, `${what} never happened`)
})
