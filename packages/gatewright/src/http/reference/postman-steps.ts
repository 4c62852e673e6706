import type { RefusalCode } from '../../ground/refusal.ts'
import { type Script, toPlaceholder } from './postman-items.ts'

export type Step = {
  readonly name: string
  readonly method: 'GET' | 'POST'
  /** Below the mount. */
  readonly path: string
  /** A step with a body shows no access token. */
  readonly body?: Readonly<Record<string, string>>
  readonly status: number
  readonly code?: RefusalCode
  /** Before the request. */
  readonly before?: readonly string[]
  /** On the answer. */
  readonly after?: readonly string[]
}

const credentials = { username: toPlaceholder('username'), password: toPlaceholder('password') }
const refreshToken = { refresh_token: toPlaceholder('refresh_token') }

/** The life of a token. */
export const steps: readonly Step[] = [
  {
    name: 'Register',
    method: 'POST',
    path: '/register',
    body: credentials,
    status: 201,
    before: [
      "const random = pm.variables.replaceIn('{{$guid}}')",
      "pm.collectionVariables.set('username', 'postman-' + random.slice(0, 8))",
      "pm.collectionVariables.set('password', random)",
    ],
    after: ["pm.collectionVariables.set('users_id', pm.response.json().id)"],
  },
  { name: 'Sign in', method: 'POST', path: '/login', body: credentials, status: 200 },
  { name: 'Be let in', method: 'GET', path: '/protected', status: 200 },
  { name: 'Refresh', method: 'POST', path: '/refresh', body: refreshToken, status: 200 },
  { name: 'Be let in with the new token', method: 'GET', path: '/protected', status: 200 },
  { name: 'Sign out', method: 'POST', path: '/logout', body: refreshToken, status: 200 },
  { name: 'Be refused', method: 'GET', path: '/protected', status: 401, code: 'session_ended' },
  {
    name: 'Be refused a refresh',
    method: 'POST',
    path: '/refresh',
    body: refreshToken,
    status: 401,
    code: 'session_ended',
  },
]

const toTest = (title: string, assertion: string): string => `pm.test('${title}', () => ${assertion})`

export const toStepScripts = ({ status, code, before = [], after = [] }: Step): readonly Script[] => [
  ...(before.length > 0 ? [{ listen: 'prerequest' as const, exec: before }] : []),
  {
    listen: 'test',
    exec: [
      toTest(`answers ${status}`, `pm.response.to.have.status(${status})`),
      ...(code === undefined
        ? []
        : [toTest(`says ${code}`, `pm.expect(pm.response.json().code).to.equal('${code}')`)]),
      ...after,
    ],
  },
]
