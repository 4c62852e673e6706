import assert from 'node:assert/strict'
import { second } from 'gatewright/clock'
import type { Engine } from 'gatewright/compose'
import type { Secrets } from '../../packages/gatewright/src/ground/secrets.ts'
import type { AssertionResponse } from '../../packages/gatewright/src/passkeys/responses.ts'
import type { Holding } from '../../packages/gatewright/src/sessions/sessions.ts'
import type { Given } from './calls.ts'
import { type History, happen, newHistory, firstPassword as password, type Setting } from './history.ts'
import type { Call, Session } from './rules.ts'
import type { HandClock } from './stage.ts'

export const window = 10 * second

/** A user with two sessions: the one in which the event happens, and another. */
export type Scene = {
  readonly history: History
  readonly self: Given
  /** What the user holds of `self`. */
  readonly holding: Holding
  readonly other: Given
  /** A token of `self` that was replaced long ago. */
  readonly old?: Given
  /** A secret of this scene alone, on which `self` rests, and with it all that its processes hold. */
  readonly former?: { readonly secretId: string; readonly secrets: Secrets }
  /** A sign-in that waits for its second half. */
  readonly mfaToken?: string
  /** What the user's passkey has answered to a sign-in that was asked for. */
  readonly answer?: AssertionResponse
  /** What the user's authenticator app shows, or one that this session was shown the secret of. */
  readonly code?: string
  /** An API key of the user. */
  readonly key?: string
  readonly keyText?: string
  /** The key that signs as the event begins. */
  readonly kid?: string
  /** One that was sent by mail, and the user's version then. */
  readonly link?: { readonly token: string; readonly version: number }
}

export const show = ({ session, generation, text }: Given, holding: Holding): Call =>
  holding === 'cookie'
    ? { name: 'use the cookie', session, text }
    : { name: 'refresh', session, generation, text }

const columns = {
  generation: 'generation',
  lastUsed: 'last_used_at',
  expiresAt: 'expires_at',
  secret: 'secret_id',
} as const

/** Changes the row of a session, and with it what the rules know. */
export const changeRow = async (
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
export const openScene = async (
  engine: Engine,
  clock: HandClock,
  holdings: { readonly self: Holding; readonly other: Holding },
  setting: Setting,
): Promise<Scene> => {
  const history = await newHistory(engine, setting)
  const first = await begin(engine, history, holdings.self)
  const other = await begin(engine, history, holdings.other)
  const scene = { history, holding: holdings.self, other }
  if (holdings.self === 'cookie') return { ...scene, self: first }
  clock.advance(window)
  const [{ given: self } = {}] = await happen(history, [{ engine, call: show(first, 'tokens') }])
  assert.ok(self)
  return { ...scene, self, old: first }
}
