import assert from 'node:assert/strict'
import type { Engine } from 'gatewright/compose'
import type { Consequence } from '../../packages/gatewright/src/consequences/table.ts'
import { Refusal } from '../../packages/gatewright/src/ground/refusal.ts'
import { type Attempt, attempts, type Place } from './attempts.ts'
import type { Answer } from './calls.ts'
import { consequenceOf, type EventName, eventNames, events, isOfKeys } from './events.ts'
import { assertCovered, type History, make, type Sent, type Setting, tell } from './history.ts'
import { interleave } from './interleave.ts'
import type { Call, Session } from './rules.ts'
import { openScene, type Scene, window } from './scene.ts'
import { createHandClock, viewOf } from './stage.ts'

const ends: readonly string[] = ['end', 'end that one', 'stay ended', 'none'] satisfies (
  | Consequence['thisSession']
  | Consequence['otherSessions']
)[]
const keeps: readonly string[] = ['keep', 're-read'] satisfies Consequence['thisSession'][]

const fateOf = (event: EventName, place: Place): string => {
  const { thisSession, otherSessions } = consequenceOf(event)
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

/** Where a credential is shown, the answer is always a refusal, and what rested on a secret may have moved. */
const isOfOne = ({ name }: Call): boolean =>
  name === 'refresh' || name === 'use the cookie' || name === 'retire the secret'
const isAway = ({ told }: Answer): boolean => 'refused' in told && told.isAway === true
/** A password of somebody with a second factor, or a session from before it, which is not enough. */
const isHalf = ({ told }: Answer): boolean =>
  'refused' in told && ['mfa_required', 'insufficient_user_authentication'].includes(told.refused)
const isRefused = ({ told }: Answer): boolean => 'refused' in told

/** What the table says of the attempt, whatever the rules make of it. */
const judgeByTable = (
  event: EventName,
  { place, makesKey, showsKey }: Attempt,
  scene: Scene,
  { attempted, happened, isChecked }: { attempted: Answer; happened: readonly Answer[]; isChecked: boolean },
): void => {
  const { history, self, other } = scene
  const { reason, apiKeys } = consequenceOf(event)
  const fate = fateOf(event, place)
  // Whoever came first may have ended the session in which it was to happen.
  const hasHappened = events[event].calls(scene).some(isOfOne)
    ? history.user.sessions.some(({ id, ended }) => id === self.session && ended?.reason === reason)
    : !happened.some(isRefused)
  if (apiKeys === 'end' && hasHappened)
    for (const { ended } of history.user.keys) assert.ok(ended, 'an API key goes on that was to end')
  if (showsKey) {
    if (apiKeys === 'keep' && !isOfKeys(event)) assert.ok(!isRefused(attempted), 'a key was kept from it')
    return
  }
  if (makesKey && isOfKeys(event)) return
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
  if (keeps.includes(fate))
    assert.ok(!isRefused(attempted) || isHalf(attempted), 'it was kept from what the table lets it')
}

const judgeMemory = (engines: readonly Engine[], { person, user }: History): void => {
  for (const { id, ended } of user.sessions) {
    const revocable = { sessionId: id, userId: person.userId, userVersion: Number.MAX_SAFE_INTEGER }
    const knows = engines.some(({ revocations }) => revocations.isEnded(revocable))
    assert.equal(knows, ended !== undefined, 'a process that answered knows at once what ended')
  }
  for (const { id, ended } of user.keys) {
    const knows = engines.some(({ revocations }) => revocations.isApiKeyEnded(id))
    assert.equal(knows, ended !== undefined, 'a process that answered knows at once which key ended')
  }
}

const isTaken = async ({ accessTokens, revocations }: Engine, text: string): Promise<boolean> => {
  try {
    return !revocations.isEnded(await accessTokens.verify(text))
  } catch (error) {
    if (error instanceof Refusal) return false
    throw error
  }
}

const kidOf = (access: string): string =>
  JSON.parse(Buffer.from(access.split('.')[0] ?? '', 'base64url').toString()).kid

/**
 * A token given meanwhile is signed by another key, or refused: at once by the process that revoked the key
 * (another scene may have been faster, in the other process), and elsewhere by the feed.
 */
const judgeKey = async (
  engines: readonly [Engine, ...Engine[]],
  { kid, history: { met } }: Scene,
  { promised, access }: { readonly promised: number; readonly access: string },
): Promise<void> => {
  const isOfRevoked = kidOf(access) === kid
  const what = isOfRevoked ? 'a token of the revoked key was refused' : 'a token was signed by the next key'
  if (isOfRevoked) {
    const taken = await Promise.all(engines.map(engine => isTaken(engine, access)))
    assert.ok(taken.includes(false), 'a token of a revoked key is taken')
    const cutOffs = await engines[0].db
      .selectFrom('cut_offs')
      .selectAll()
      .where('subject', '=', kid)
      .execute()
    assert.ok(
      cutOffs.some(row => row.kind === 'signing-key' && row.matters_until > promised),
      'a token of a revoked key outlives its cut-off',
    )
  }
  met.set(what, (met.get(what) ?? 0) + 1)
}

/** So that an event of tokens meets cookies as well: of one user a session may hold the one, and another the other. */
const holdingsOf = ({ place, holding }: Attempt, event: EventName) =>
  ({
    self: place !== 'this session' && events[event].needsTokens ? 'tokens' : holding,
    other: holding,
  }) as const

/** A passkey is checked by what is found of it: its signature says the same for ever. */
const onLook = ({ db }: Engine, look: () => void): Engine['db'] =>
  db.withPlugin({
    transformQuery: ({ node }) => {
      if (node.kind === 'SelectQueryNode' && JSON.stringify(node.from ?? {}).includes('"passkeys"')) look()
      return node
    },
    transformResult: async ({ result }) => result,
  })

/** Each after the one before. */
const inTurn = (sent: readonly Sent[]): readonly Sent[] => {
  const chain: Sent[] = []
  for (const { engine, call } of sent) {
    const after = chain.at(-1)
    chain.push({ engine, call, ...(after && { after }) })
  }
  return chain
}

/** One scene, in which the attempt and the event lie between each other in a random way. */
export const playPair = async (
  engines: readonly [Engine, ...Engine[]],
  { attempt, event, ...setting }: Setting & { readonly attempt: string; readonly event: EventName },
): Promise<History> => {
  const tried = attempts.get(attempt)
  if (tried === undefined) throw new TypeError(`there is no attempt ${attempt}`)
  const { random } = setting
  const clock = createHandClock()
  const [here, there] = random.oneIn(2) ? engines : engines.toReversed()
  const view = { clock, window }
  const first = viewOf(engines[0], view)
  const opened = await openScene(first, clock, holdingsOf(tried, event), setting)
  if (event === 'refresh token reused' || random.oneIn(2)) clock.advance(window)
  const set = (await events[event].prepare?.(first, opened, clock.now())) ?? opened
  const scene = (await tried.prepare?.(first, set)) ?? set
  const { history, former } = scene

  const lag = random.below(2)
  const early = { ...clock, now: () => clock.now() - lag }
  let hasBegun = false
  let isChecked = false
  const attempting = { ...viewOf(here ?? engines[0], { ...view, clock: early }), ...former }
  const checking = {
    ...attempting,
    db: onLook(attempting, () => {
      isChecked = hasBegun
    }),
    hasher: {
      ...attempting.hasher,
      verify: (...shown: Parameters<Engine['hasher']['verify']>) => {
        isChecked = hasBegun
        return attempting.hasher.verify(...shown)
      },
    },
  }
  const happening = { ...viewOf(there ?? engines[0], view), ...former }
  const calls = events[event].calls(scene)
  /**
   * Which of the two was answered before the other began: then no other order explains them. Another process may
   * let in for a moment more what it has in its memory.
   */
  let isFirst: 'attempt' | 'event' | undefined
  let isAnswered = false
  const [[attempted, access], happened] = await interleave(
    random,
    {
      engine: checking,
      run: async engine => {
        if (isAnswered && (here === there || !tried.showsKey)) isFirst = 'event'
        const answer = await make(history, { engine, call: tried.call(scene) })
        isAnswered = true
        return [answer, scene.kid && (await answer.given?.signAccess?.())] as const
      },
    },
    {
      engine: happening,
      run: async engine => {
        hasBegun = true
        if (isAnswered) isFirst = 'attempt'
        const answers: Answer[] = []
        for (const call of calls) answers.push(await make(history, { engine, call }))
        isAnswered = true
        return answers
      },
    },
    // It takes no step where it can be stopped: as often as not the event is done before it.
    tried.showsKey ? 200 : undefined,
  )
  const one: Sent = { engine: attempting, call: tried.call(scene) }
  const others = inTurn(calls.map(call => ({ engine: happening, call })))
  const answers = [attempted, ...happened]
  if (isFirst === 'event') await tell(history, inTurn([...others, one]), [...happened, attempted])
  else await tell(history, isFirst === undefined ? [one, ...others] : inTurn([one, ...others]), answers)
  if (!answers.some(isAway)) {
    judgeByTable(event, tried, scene, { attempted, happened, isChecked })
    if (access && attempted.given) await judgeKey(engines, scene, { ...attempted.given, access })
  }
  judgeMemory(engines, history)
  await assertCovered(history, engines[0])
  if (former) await letGo(engines[0], former.secretId)
  if (history.user.role) await takeAway(engines[0], history.user.role.name)
  return history
}

/** Where the database was too slow to end them: a process that starts later holds no secret of a scene. */
const letGo = async ({ db, secrets }: Engine, secretId: string): Promise<void> => {
  const sessions = db.updateTable('sessions').set({ secret_id: secrets.newestId })
  await sessions.where('secret_id', '=', secretId).where('ended_at', 'is', null).execute()
}

/** There is room for so many roles only, and this one was of one scene. */
const takeAway = async ({ db }: Engine, role: string): Promise<void> => {
  await db.deleteFrom('user_roles').where('role', '=', role).execute()
  await db.deleteFrom('role_permissions').where('role', '=', role).execute()
  await db.deleteFrom('roles').where('name', '=', role).execute()
}

/** A user who signs in with an authenticator app has one already. */
const isPossible = ({ place, holding, needsApp }: Attempt, event: EventName): boolean =>
  !(place === 'this session' && holding === 'cookie' && events[event].needsTokens) &&
  !(needsApp && event === 'second factor added')

/** Every attempt with every event that can happen meanwhile. */
export const pairs = [...attempts].flatMap(([attempt, tried]) =>
  eventNames.filter(event => isPossible(tried, event)).map(event => ({ attempt, event })),
)

/** Of these, the ones that begin a session. */
export const signIns = pairs.filter(({ attempt }) => attempts.get(attempt)?.place === 'no session')
