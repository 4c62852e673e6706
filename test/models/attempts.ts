import type { Holding } from '../../packages/gatewright/src/sessions/sessions.ts'
import type { Given } from './calls.ts'
import { firstPassword as password } from './history.ts'
import type { Call } from './rules.ts'
import type { Scene } from './scene.ts'

export type Place = 'this session' | 'another session' | 'no session'

export type Attempt = {
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

export const stepUp = ({ session }: Given): Call => ({ name: 'step up', session, password })
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
