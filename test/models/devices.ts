import assert from 'node:assert/strict'
import { day, minute, second } from 'gatewright/clock'
import type { Engine } from 'gatewright/compose'
import type { Answer, Given } from './calls.ts'
import {
  firstPassword,
  type History,
  happen,
  newHistory,
  type Sent,
  type Setting,
  settle,
} from './history.ts'
import type { Call } from './rules.ts'
import { createHandClock, type HandClock, momentOf, type View, viewOf } from './stage.ts'

/**
 * One user's devices, the tabs of each, and a thief. A device's tabs share one place where the token is
 * kept, and send it one, two or three times at once; answers get lost, and the process may die between its
 * commit and its answer. The thief copies tokens on the way and shows them whenever.
 */
type Device = {
  session: string
  token: Given
  /** Since when its tabs have been refreshing; undefined while none is. */
  refreshingSince: number | undefined
  /** Requests on their way to the server, each with the token that is shown. */
  sent: Given[]
  /** Answers on their way back. */
  answered: { readonly shown: Given; readonly got: Given }[]
}

type Play = History & {
  readonly clock: HandClock
  readonly processes: readonly ((isDying?: boolean) => Engine)[]
  readonly window: number
  /** How far the clocks of processes may be apart. */
  readonly skew: number
  readonly devices: Device[]
  /** What the thief has. */
  readonly copies: Given[]
  /** Sessions whose owner may be signed out: a thief has used a token, or the owner closed the window. */
  readonly excused: Set<string>
}

/** A call that is to be made, and what its answer does. */
type Act = Sent & { readonly onAnswer?: (answer: Answer) => void }

const isLive = ({ user, processes }: Play, { session: id }: Device): boolean => {
  const session = user.sessions.find(each => each.id === id)
  if (session === undefined || session.ended || user.state !== 'enabled') return false
  return processes.every(open => {
    const { now, idle } = momentOf(open())
    return session.expiresAt > now && session.lastUsed + idle > now
  })
}
const pickDevice = (play: Play, isChosen: (device: Device) => boolean = () => true): Device | undefined => {
  const found = play.devices.filter(device => isLive(play, device) && isChosen(device))
  return found.length === 0 ? undefined : play.random.pick(found)
}
const isCalm = ({ refreshingSince }: Device): boolean => refreshingSince === undefined

/** Some tabs send the token that is kept, at once. */
const send = ({ random, clock }: Play, device: Device, tabs = 1 + random.below(3)): void => {
  device.refreshingSince ??= clock.now()
  device.sent.push(...Array.from({ length: tabs }, () => device.token))
}

/** A device is done when each of its tabs is: what one heard may be older than what another did not. */
const calm = (device: Device): void => {
  if (device.sent.length === 0 && device.answered.length === 0) device.refreshingSince = undefined
}

/** A tab keeps the token of an answer, unless it is the one that it had sent, or of a former id. */
const arrive = (play: Play, device: Device): void => {
  const [answer] = device.answered.splice(play.random.below(device.answered.length), 1)
  if (answer === undefined) return
  const isNews = answer.got.generation !== answer.shown.generation && answer.got.session === device.session
  if (isNews) device.token = answer.got
  calm(device)
}

/** How honest clients of a strict setting are signed out by a lost answer: no race is forgiven there. */
const isForgiving = ({ window }: Play): boolean => window > 0

const execute = (play: Play, device: Device): Act | undefined => {
  const [shown] = device.sent.splice(play.random.below(device.sent.length), 1)
  if (shown === undefined) return undefined
  const isDying = play.random.oneIn(8)
  const engine = play.random.pick(play.processes)(isDying)
  const { session, generation, text } = shown
  const onAnswer = ({ told, given }: Answer): void => {
    if ('refused' in told) {
      const isSignedOut = told.refused === 'refresh_token_reused'
      if (isSignedOut && isForgiving(play) && !play.excused.has(session))
        throw new Error('an honest device was signed out by a race')
      // Told that its session was renewed or has ended, a tab reads what is kept, or asks to sign in. That the
      // service is away says nothing of the token.
      if (told.refused === 'unavailable') send(play, device, 1)
    } else if (given && !isDying && !play.random.oneIn(3)) device.answered.push({ shown, got: given })
    // Whose answer was lost asks again at once.
    else send(play, device, 1)
  }
  return { engine, call: { name: 'refresh', session, generation, text }, onAnswer }
}

/** The thief knows no window: a copy is taken from a device or from the wire, and shown whenever. */
const steal = ({ random, devices, copies }: Play): void => {
  const { token, sent, answered } = random.pick(devices)
  copies.push(random.pick([token, ...sent, ...answered.map(({ got }) => got)]))
}
const replay = (play: Play): Act | undefined => {
  if (play.copies.length === 0) return undefined
  const { session, generation, text } = play.random.pick(play.copies)
  play.excused.add(session)
  const onAnswer = ({ given }: Answer): void => void (given && play.copies.push(given))
  return {
    engine: play.random.pick(play.processes)(),
    call: { name: 'refresh', session, generation, text },
    onAnswer,
  }
}

const ask = (play: Play, call: Call, onAnswer?: Act['onAnswer']): Act => ({
  engine: play.random.pick(play.processes)(),
  call,
  ...(onAnswer && { onAnswer }),
})

const signIn = (play: Play): Act => {
  const call = { name: 'sign in', password: play.user.password, holding: 'tokens' } as const
  return ask(play, call, ({ given: token }) => {
    if (token === undefined) return
    play.devices.push({ session: token.session, token, refreshingSince: undefined, sent: [], answered: [] })
  })
}

/** A new id for this device: its tabs read the new token from where it is kept. */
const renew = (play: Play, device: Device, call: Call): Act =>
  ask(play, call, ({ given }) => {
    if (given === undefined) return
    device.session = given.session
    device.token = given
  })

type Draw = (play: Play) => Act | undefined
const withDevice =
  (act: (play: Play, device: Device) => Act, isChosen?: (device: Device) => boolean): Draw =>
  play => {
    const device = pickDevice(play, isChosen)
    return device && act(play, device)
  }

/** What may come at once, and how often of all times. */
const draws: readonly { readonly weight: number; readonly draw: Draw }[] = [
  {
    weight: 14,
    draw: play => {
      const device = pickDevice(play, ({ sent }) => sent.length > 0)
      return device && execute(play, device)
    },
  },
  { weight: 4, draw: replay },
  {
    weight: 2,
    draw: play => {
      const roles = play.random.pick([['user'], ['moderator'], ['user', 'moderator'], []])
      // Whoever is told of other permissions refreshes to have them.
      const onAnswer = (): void => {
        for (const device of play.devices) if (isLive(play, device) && isCalm(device)) send(play, device)
      }
      return ask(play, { name: 'change the roles', roles }, onAnswer)
    },
  },
  {
    weight: 1,
    draw: withDevice((play, device) =>
      renew(play, device, { name: 'step up', session: device.session, password: play.user.password }),
    ),
  },
  {
    weight: 1,
    draw: withDevice((play, device) => {
      const { password } = play.user
      const next = `${firstPassword} ${play.calls}`
      return renew(play, device, { name: 'change the password', session: device.session, password, next })
    }),
  },
  { weight: 1, draw: withDevice((play, { session }) => ask(play, { name: 'log out', session })) },
  {
    weight: 1,
    draw: withDevice((play, { session }) => {
      play.excused.add(session)
      return ask(play, { name: 'end all others', session })
    }),
  },
  {
    weight: 1,
    draw: withDevice((play, { session }) => {
      play.excused.add(session)
      const other = play.random.pick(play.devices).session
      return ask(
        play,
        other === session ? { name: 'log out', session } : { name: 'end another', session, other },
      )
    }),
  },
  { weight: 1, draw: play => (play.random.oneIn(3) ? ask(play, { name: 'disable' }) : undefined) },
  {
    weight: 1,
    draw: withDevice((play, { session }) =>
      ask(play, { name: play.random.oneIn(4) ? 'delete' : 'log out', session }),
    ),
  },
]
const drawn = draws.flatMap(({ weight, draw }) => Array.from({ length: weight }, () => draw))

/** So many things at once. */
const crowds = [1, 1, 1, 2, 2, 3, 4]

const make = async (play: Play, acts: readonly Act[]): Promise<void> => {
  const answers = await happen(play, acts)
  for (const [index, { onAnswer }] of acts.entries()) onAnswer?.(answers[index] as Answer)
  for (const device of play.devices) calm(device)
}

const crowd = async (play: Play): Promise<void> => {
  const size = play.random.pick(crowds)
  const acts = Array.from({ length: size }, () => play.random.pick(drawn)(play))
  await make(
    play,
    acts.flatMap(act => act ?? []),
  )
}

const shortWaits = [0, 1, 500, 3 * second]
const longWaits = [0, 1, 10 * minute, day, 14 * day - 1, 14 * day, 20 * day]

/** Time passes; where a device is refreshing, all of it happens within the window. */
const pass = (play: Play): void => {
  const { random, devices, clock, window, skew } = play
  const around = [window - 1, window, window + 1]
  const starts = isForgiving(play) ? devices.flatMap(({ refreshingSince }) => refreshingSince ?? []) : []
  const left = Math.min(...starts.map(since => since + window - 1 - 2 * skew - clock.now()))
  const waits =
    starts.length === 0 && random.oneIn(3) ? [...around, ...longWaits] : [...shortWaits, ...around]
  const possible = waits.filter(wait => wait >= 0 && wait <= left)
  clock.advance(possible.length === 0 ? 0 : random.pick(possible))
}

/** One tab refreshes when the window is over, and its answer arrives: generations grow, copies grow old. */
const refreshCalmly = async (play: Play): Promise<void> => {
  if (play.devices.every(isCalm))
    play.clock.advance(play.random.pick([play.window, play.window + 1, 10 * minute]))
  const device = pickDevice(play, isCalm)
  if (device === undefined) return
  send(play, device, 1)
  const act = execute(play, device)
  if (act) await make(play, [act])
  if (device.answered.length > 0) arrive(play, device)
}

/** The database is that of a moment ago: the token that is live now was never given. */
const goBack = async (play: Play): Promise<void> => {
  const device = pickDevice(play)
  if (device === undefined || !play.random.oneIn(4)) return
  const session = play.user.sessions.find(({ id }) => id === device.session)
  if (session === undefined || session.generation < 2) return
  const generation = session.generation - 1
  const [open] = play.processes
  await open?.().db.updateTable('sessions').set({ generation }).where('id', '=', session.id).execute()
  const sessions = play.user.sessions.map(each => (each === session ? { ...each, generation } : each))
  play.user = { ...play.user, sessions }
  play.excused.add(session.id)
}

const enableAgain = async (play: Play): Promise<void> => {
  if (play.user.state === 'disabled') await make(play, [ask(play, { name: 'enable' }), signIn(play)])
}

const steps: readonly { readonly weight: number; readonly run: (play: Play) => unknown }[] = [
  {
    weight: 4,
    run: play => {
      const device = pickDevice(play, isCalm)
      if (device) send(play, device)
    },
  },
  { weight: 6, run: refreshCalmly },
  { weight: 12, run: crowd },
  {
    weight: 4,
    run: play => {
      const device = pickDevice(play, ({ answered }) => answered.length > 0)
      if (device) arrive(play, device)
    },
  },
  { weight: 4, run: pass },
  { weight: 4, run: steal },
  { weight: 1, run: goBack },
  { weight: 1, run: enableAgain },
  { weight: 1, run: play => (play.devices.length < 3 ? make(play, [signIn(play)]) : undefined) },
]
const wheel = steps.flatMap(({ weight, run }) => Array.from({ length: weight }, () => run))
const stepsOfHistory = 8

/** Every copy that the thief kept is shown again, one by one: what has ended stays so. */
const showAll = async (play: Play): Promise<void> => {
  for (const { session, generation, text } of play.copies)
    await happen(play, [
      { engine: play.random.pick(play.processes)(), call: { name: 'refresh', session, generation, text } },
    ])
}

/** No theft is told twice: one event for each session that ended by one. */
const findThefts = async ({ db }: Engine, userId: string): Promise<number> => {
  const query = db.selectFrom('audit_events').select('id').where('user_id', '=', userId)
  return (await query.where('event', '=', 'refresh-token.reused').execute()).length
}

/** Of all the tokens ever given out for a session, whichever process made it, one generation is live at most. */
const newPlay = async (
  engines: readonly [Engine, ...Engine[]],
  { random, username, met }: Setting,
): Promise<Play> => {
  const clock = createHandClock()
  const window = random.pick([10 * second, 10 * second, 10 * second, 0, minute])
  const skew = random.pick([0, 0, 0, 300])
  const processes = engines.map((engine, index) => {
    const own = { ...clock, now: () => clock.now() + (index % 2 === 0 ? 0 : skew) }
    const view: View = { clock: own, window }
    const [lasting, dying] = [viewOf(engine, view), viewOf(engine, { ...view, isDying: true })]
    return (isDying = false) => (isDying ? dying : lasting)
  })
  const history = await newHistory(engines[0], { random, username, met })
  const rest = { clock, processes, window, skew, devices: [], copies: [], excused: new Set<string>() }
  return { ...history, ...rest }
}

/** One random history. Gives how many calls it made, and the sessions as they are at its end. */
export const playDevices = async (
  engines: readonly [Engine, ...Engine[]],
  setting: Setting,
): Promise<History> => {
  const play = await newPlay(engines, setting)
  await make(play, [signIn(play)])
  for (let step = 0; step < stepsOfHistory; step++) await play.random.pick(wheel)(play)
  await showAll(play)
  await settle(play, engines[0])
  const stolen = play.user.sessions.filter(({ ended }) => ended?.reason === 'refresh_token_reused')
  assert.equal(await findThefts(engines[0], play.person.userId), stolen.length, 'each theft is told once')
  return play
}
