import assert from 'node:assert/strict'
import { second } from 'gatewright/clock'
import type { Engine } from 'gatewright/compose'
import {
  type Consequence,
  type ConsequenceEvent,
  consequences,
} from '../../packages/gatewright/src/consequences/table.ts'
import type { Holding } from '../../packages/gatewright/src/sessions/sessions.ts'
import type { Answer, Given } from './calls.ts'
import {
  assertCovered,
  firstPassword,
  type History,
  happen,
  make,
  newHistory,
  type Sent,
  type Setting,
  tell,
} from './history.ts'
import { interleave } from './interleave.ts'
import type { Call, Session } from './rules.ts'
import { createHandClock, type HandClock, viewOf } from './stage.ts'

const window = 10 * second
const password = firstPassword

type Place = 'this session' | 'another session' | 'no session'

/** A user with two sessions: the one in which the event happens, and another. */
type Scene = {
  readonly history: History
  readonly self: Given
  readonly other: Given
  /** A token of `self` that was replaced long ago. */
  readonly old: Given | undefined
  readonly holding: Holding
}

type Attempt = {
  readonly place: Place
  readonly holding: Holding
  readonly call: (scene: Scene) => Call
}

const at = ({ self, other }: Scene, place: Place): Given => (place === 'this session' ? self : other)
const inBoth = (
  name: string,
  holding: Holding,
  call: (session: Given) => Call,
): readonly (readonly [string, Attempt])[] =>
  (['this session', 'another session'] as const).map(place => [
    `${name} in ${place}`,
    { place, holding, call: scene => call(at(scene, place)) },
  ])

const stepUp = ({ session }: Given): Call => ({ name: 'step up', session, password })
const changePassword = ({ session }: Given): Call => ({
  name: 'change the password',
  session,
  password,
  next: 'another one of theirs',
})

/** Every way to get a session, or to go on with one. Registration and set-up begin none. */
export const attempts: ReadonlyMap<string, Attempt> = new Map([
  ...(['tokens', 'cookie'] as const).map(
    holding =>
      [
        holding === 'tokens' ? 'POST /login' : 'POST /sessions',
        { place: 'no session', holding, call: () => ({ name: 'sign in', password, holding }) },
      ] as const satisfies readonly [string, Attempt],
  ),
  ...inBoth('refresh', 'tokens', ({ session, generation, text }) => ({
    name: 'refresh',
    session,
    generation,
    text,
  })),
  ...inBoth('step-up by token', 'tokens', stepUp),
  ...inBoth('step-up by cookie', 'cookie', stepUp),
  ...inBoth('password change by token', 'tokens', changePassword),
  ...inBoth('password change by cookie', 'cookie', changePassword),
])

const ofSession =
  (name: 'log out' | 'end all others' | 'delete') =>
  ({ self }: Scene): readonly Call[] => [{ name, session: self.session }]
const show = ({ session, generation, text }: Given, holding: Holding): Call =>
  holding === 'cookie'
    ? { name: 'use the cookie', session, text }
    : { name: 'refresh', session, generation, text }

/** How each event of the table comes about; undefined where it can't, for a cookie has no refresh token. */
const events: Record<ConsequenceEvent, (scene: Scene) => readonly Call[] | undefined> = {
  logout: ofSession('log out'),
  'session idle': ({ self, holding }) => [show(self, holding)],
  'session expired': ({ self, holding }) => [show(self, holding)],
  'other session ended': ({ self, other }) => [
    { name: 'end another', session: self.session, other: other.session },
  ],
  'all others ended': ofSession('end all others'),
  'step-up': ({ self }) => [stepUp(self)],
  'password changed': ({ self: { session } }) => [
    { name: 'change the password', session, password, next: 'yet another password' },
  ],
  'refresh token reused': ({ old }) => old && [show(old, 'tokens')],
  'refresh token ahead': ({ self, holding }) => (holding === 'tokens' ? [show(self, holding)] : undefined),
  'roles changed': () => [{ name: 'change the roles', roles: ['moderator'] }],
  'user disabled': () => [{ name: 'disable' }],
  'user deleted': ofSession('delete'),
  'user enabled': () => [{ name: 'disable' }, { name: 'enable' }],
}

export const eventNames = Object.keys(events) as readonly ConsequenceEvent[]

/** What makes an event possible: the row of this session is changed, and with it what the rules know. */
const prepared: { readonly [event in ConsequenceEvent]?: (now: number, idle: number) => Partial<Session> } = {
  'session idle': (now, idle) => ({ lastUsed: now - idle }),
  'session expired': now => ({ expiresAt: now }),
  'refresh token ahead': () => ({ generation: 1 }),
}

const columns = {
  generation: 'generation',
  lastUsed: 'last_used_at',
  expiresAt: 'expires_at',
} as const

const changeRow = async (
  engine: Engine,
  history: History,
  id: string,
  values: Partial<Session>,
): Promise<void> => {
  const row = Object.fromEntries(
    Object.entries(columns).flatMap(([name, column]) =>
      name in values ? [[column, values[name as keyof typeof columns]]] : [],
    ),
  )
  await engine.db.updateTable('sessions').set(row).where('id', '=', id).execute()
  const sessions = history.user.sessions.map(each => (each.id === id ? { ...each, ...values } : each))
  history.user = { ...history.user, sessions }
}

const begin = async (engine: Engine, history: History, holding: Holding): Promise<Given> => {
  const [{ given } = {}] = await happen(history, [{ engine, call: { name: 'sign in', password, holding } }])
  assert.ok(given)
  return given
}

/** Where the pair of refresh tokens is one step on, the one before is known to a thief. */
const openScene = async (
  engine: Engine,
  clock: HandClock,
  holding: Holding,
  setting: Setting,
): Promise<Scene> => {
  const history = await newHistory(engine, setting)
  const first = await begin(engine, history, holding)
  const other = await begin(engine, history, holding)
  if (holding === 'cookie') return { history, holding, self: first, other, old: undefined }
  clock.advance(window)
  const [{ given: self } = {}] = await happen(history, [{ engine, call: show(first, holding) }])
  assert.ok(self)
  return { history, holding, self, other, old: first }
}

const ends: readonly string[] = ['end', 'end that one', 'stay ended', 'none'] satisfies (
  | Consequence['thisSession']
  | Consequence['otherSessions']
)[]
const keeps: readonly string[] = ['keep', 're-read'] satisfies Consequence['thisSession'][]

const fateOf = (event: ConsequenceEvent, place: Place): string => {
  const { thisSession, otherSessions } = consequences[event]
  return place === 'this session' ? thisSession : otherSessions
}

/** The session that an attempt was about, and all that went on in its place. */
const lineOf = ({ user }: History, id: string): readonly Session[] => {
  const session = user.sessions.find(each => each.id === id)
  if (session === undefined) return []
  return [
    session,
    ...(session.replacedBy === undefined ? [] : lineOf({ user } as History, session.replacedBy)),
  ]
}

/** Where the event is what comes of showing a credential, the answer is always a refusal. */
const isShowing = ({ name }: Call): boolean => name === 'refresh' || name === 'use the cookie'
const isAway = ({ told }: Answer): boolean => 'refused' in told && told.isAway === true
const isRefused = ({ told }: Answer): boolean => 'refused' in told

/** What the table says of the attempt, whatever the rules make of it. */
const judgeByTable = (
  event: ConsequenceEvent,
  { place }: Attempt,
  scene: Scene,
  { attempted, happened, isChecked }: { attempted: Answer; happened: readonly Answer[]; isChecked: boolean },
): void => {
  const { history, self, other } = scene
  const row: Consequence = consequences[event]
  const fate = fateOf(event, place)
  // Whoever came first may have ended the session in which it was to happen.
  const hasHappened = events[event](scene)?.some(isShowing)
    ? history.user.sessions.some(({ id, ended }) => id === self.session && ended?.reason === row.reason)
    : !happened.some(isRefused)
  const held = place === 'this session' ? self.session : other.session
  const line = lineOf(history, attempted.given?.session ?? held)
  const isAlive = line.some(({ ended }) => ended === undefined)
  if (place === 'no session') {
    if (ends.includes(fate) && hasHappened && isAlive && event !== 'other session ended')
      assert.ok(isChecked, 'what was checked before the event lives on after it')
    if (keeps.includes(fate)) assert.ok(isAlive, 'a sign-in was kept from it')
    return
  }
  if (ends.includes(fate) && hasHappened) assert.ok(!isAlive, 'what was ended came back')
  if (keeps.includes(fate)) assert.ok(!isRefused(attempted), 'it was kept from what the table lets it')
}

const judgeMemory = (engines: readonly Engine[], { person, user }: History): void => {
  for (const { id, ended } of user.sessions) {
    const revocable = { sessionId: id, userId: person.userId, userVersion: Number.MAX_SAFE_INTEGER }
    const knows = engines.some(({ revocations }) => revocations.isEnded(revocable))
    assert.equal(knows, ended !== undefined, 'a process that answered knows at once what ended')
  }
}

/** One scene, in which the attempt and the event lie between each other in a random way. */
export const playPair = async (
  engines: readonly [Engine, ...Engine[]],
  { attempt, event, ...setting }: Setting & { readonly attempt: string; readonly event: ConsequenceEvent },
): Promise<History | undefined> => {
  const tried = attempts.get(attempt)
  if (tried === undefined) throw new TypeError(`there is no attempt ${attempt}`)
  const { random } = setting
  const clock = createHandClock()
  const [here, there] = random.oneIn(2) ? engines : engines.toReversed()
  const view = { clock, window }
  const scene = await openScene(viewOf(engines[0], view), clock, tried.holding, setting)
  const calls = events[event](scene)
  if (calls === undefined) return undefined
  const { history, self } = scene
  if (event === 'refresh token reused' || random.oneIn(2)) clock.advance(window)
  const values = prepared[event]?.(clock.now(), engines[0].settings.sessionIdleTtl)
  if (values) await changeRow(engines[0], history, self.session, values)

  const lag = random.below(2)
  const early = { ...clock, now: () => clock.now() - lag }
  let hasBegun = false
  let isChecked = false
  const attempting = viewOf(here ?? engines[0], { ...view, clock: early })
  const checking = {
    ...attempting,
    hasher: {
      ...attempting.hasher,
      verify: (...shown: Parameters<Engine['hasher']['verify']>) => {
        isChecked = hasBegun
        return attempting.hasher.verify(...shown)
      },
    },
  }
  const happening = viewOf(there ?? engines[0], view)
  const sent: Sent[] = [{ engine: attempting, call: tried.call(scene) }]
  for (const call of calls)
    sent.push({ engine: happening, call, ...(sent.length > 1 && { after: sent.at(-1) as Sent }) })
  const [attempted, happened] = await interleave(
    random,
    { engine: checking, run: engine => make(history, { engine, call: tried.call(scene) }) },
    {
      engine: happening,
      run: async engine => {
        hasBegun = true
        const answers: Answer[] = []
        for (const call of calls) answers.push(await make(history, { engine, call }))
        return answers
      },
    },
  )
  await tell(history, sent, [attempted, ...happened])
  if (![attempted, ...happened].some(isAway))
    judgeByTable(event, tried, scene, { attempted, happened, isChecked })
  judgeMemory(engines, history)
  await assertCovered(history, engines[0])
  return history
}

export const pairs = [...attempts.keys()].flatMap(attempt => eventNames.map(event => ({ attempt, event })))
