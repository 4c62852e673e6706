import type { Engine } from 'gatewright/compose'
import type { Holding } from '../../packages/gatewright/src/sessions/sessions.ts'
import { askForPasskey } from '../../packages/gatewright/src/sign-in/passkey-sign-in.ts'
import { giveKeyWithId } from '../api-keys/given.ts'
import { halfIn, nextCode, plantTotp } from '../factors/enrolled.ts'
import { plantPasskey } from '../passkeys/registered.ts'
import type { Given } from './calls.ts'
import { happen, firstPassword as password } from './history.ts'
import type { Call } from './rules.ts'
import type { Scene } from './scene.ts'

export type Place = 'this session' | 'another session' | 'no session'

export type Attempt = {
  readonly place: Place
  readonly holding: Holding
  readonly call: (scene: Scene) => Call
  /** It makes an API key. */
  readonly makesKey?: true
  /** It shows one, which the process has in its memory. */
  readonly showsKey?: true
  /** Whoever does it has an authenticator app already. */
  readonly needsApp?: true
  /** What makes it possible, done before anything else happens. */
  readonly prepare?: (engine: Engine, scene: Scene) => Promise<Scene>
}

/** The user has an authenticator app, and has signed in with it everywhere. */
export const giveApp = async (engine: Engine, scene: Scene): Promise<Scene> => {
  const { history } = scene
  if (!history.user.hasFactor) await plantTotp(engine, history.person.userId)
  history.user = { ...history.user, hasFactor: true }
  return scene
}

/** The user has an API key. */
export const giveApiKey = async (engine: Engine, scene: Scene): Promise<Scene> => {
  if (scene.key !== undefined) return scene
  const { history } = scene
  const { id, key: keyText } = await giveKeyWithId({ engine }, history.person.userId, {
    permissions: ['posts:write'],
  })
  history.user = { ...history.user, keys: [...history.user.keys, { id }] }
  return { ...scene, key: id, keyText }
}

/** The process knows it: it was let in before. */
const showApiKey = async (engine: Engine, scene: Scene): Promise<Scene> => {
  const shown = await giveApiKey(engine, scene)
  await happen(scene.history, [{ engine, call: showKey(shown) }])
  return shown
}

const showKey = ({ key, keyText }: Scene): Call => ({
  name: 'show the key',
  key: required(key),
  text: required(keyText),
})

/** And looks at what it shows. */
const showApp = async (engine: Engine, scene: Scene): Promise<Scene> => ({
  ...(await giveApp(engine, scene)),
  code: await nextCode(engine, scene.history.person.userId),
})

/** And has signed in by half in another browser. */
const beginHalf =
  (holding: Holding) =>
  async (engine: Engine, scene: Scene): Promise<Scene> => {
    await giveApp(engine, scene)
    const { person } = scene.history
    const mfaToken = await halfIn(engine, person.userId, holding)
    scene.history.user = { ...scene.history.user, isHalfIn: true }
    return { ...scene, mfaToken, code: await nextCode(engine, person.userId) }
  }

/** The user has a passkey beside the password, and has been asked for it in another browser. */
const answerByPasskey = async (engine: Engine, scene: Scene): Promise<Scene> => {
  const { history } = scene
  const passkey = await plantPasskey(engine, history.person.userId)
  history.user = { ...history.user, hasPasskey: true }
  return { ...scene, answer: passkey.get(await askForPasskey(engine)) }
}

const required = <T>(value: T | undefined): T => {
  if (value === undefined) throw new TypeError('the scene was not prepared for this attempt')
  return value
}

const at = ({ self, other }: Scene, place: Place): Given => (place === 'this session' ? self : other)
const inBoth = (
  name: string,
  holding: Holding,
  call: (session: Given, scene: Scene) => Call,
  prepare?: Attempt['prepare'],
): readonly (readonly [string, Attempt])[] =>
  (['this session', 'another session'] as const).map(place => [
    `${name} in ${place}`,
    {
      place,
      holding,
      call: scene => call(at(scene, place), scene),
      ...(prepare && { prepare, needsApp: true }),
    },
  ])

const ofKeys = (name: string, call: Attempt['call'], place: Place): readonly [string, Attempt] => [
  `${name} in ${place}`,
  { place, holding: 'tokens', call, makesKey: true, prepare: giveApiKey },
]

export const stepUp = ({ session }: Given): Call => ({ name: 'step up', session, password })
const stepUpByApp = ({ session }: Given, { code = '' }: Scene): Call => ({
  name: 'step up by the factor',
  session,
  code,
})
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
  ...(['tokens', 'cookie'] as const).map(
    holding =>
      [
        `POST /login/mfa, for ${holding === 'tokens' ? 'tokens' : 'a cookie'}`,
        {
          place: 'no session',
          holding,
          call: ({ mfaToken = '', code = '' }) => ({ name: 'show a factor', mfaToken, code, holding }),
          needsApp: true,
          prepare: beginHalf(holding),
        },
      ] as const satisfies readonly [string, Attempt],
  ),
  ...(['tokens', 'cookie'] as const).map(
    holding =>
      [
        `POST /login/passkey, for ${holding === 'tokens' ? 'tokens' : 'a cookie'}`,
        {
          place: 'no session',
          holding,
          call: ({ answer }) => ({ name: 'show a passkey', answer: required(answer), holding }),
          prepare: answerByPasskey,
        },
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
  ...inBoth('step-up by an authenticator app and a token', 'tokens', stepUpByApp, showApp),
  ...inBoth('step-up by an authenticator app and a cookie', 'cookie', stepUpByApp, showApp),
  ...inBoth('password change by token', 'tokens', changePassword),
  ...inBoth('password change by cookie', 'cookie', changePassword),
  [
    'a request with an API key',
    { place: 'another session', holding: 'tokens', call: showKey, showsKey: true, prepare: showApiKey },
  ],
  ...(['this session', 'another session'] as const).flatMap(place => [
    ofKeys('POST /api-keys', scene => ({ name: 'make a key', session: at(scene, place).session }), place),
    ofKeys(
      'rotation of an API key',
      scene => ({ name: 'rotate the key', session: at(scene, place).session, key: required(scene.key) }),
      place,
    ),
  ]),
])
