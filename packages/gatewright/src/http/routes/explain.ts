import type { FastifyInstance } from 'fastify'
import { type AskedRoute, explain, type Question } from '../../gate/explain.ts'
import { parseAddress } from '../../ground/address.ts'
import { Refusal } from '../../ground/refusal.ts'
import { allOf, permission, recentSignIn } from '../../permissions/access-rule.ts'
import { explanationSchema, madeUpExplanation, toExplanationView } from '../explanation.ts'
import { originOf } from '../request.ts'
import type { RouteTable } from '../route-table.ts'
import { routePattern, strictObject, text, username } from '../schemas.ts'
import { typed } from '../typed-app.ts'

/** What belongs together in a body, which no schema says in words. */
const checkBody = ({ user, token, address, permission: name, route }: Body): void => {
  const refuse = (path: string, message: string): never => {
    throw new Refusal('validation_failed', { errors: [{ path, message }] })
  }
  if (user !== undefined && token !== undefined)
    refuse('/token', 'stands beside "user": write one of the two')
  if (address !== undefined && parseAddress(address) === undefined)
    refuse('/address', 'must be an IP address')
  if (name !== undefined && route !== undefined)
    refuse('/route', 'stands beside "permission": write one of the two')
  if (token === undefined && name === undefined && route === undefined)
    refuse('/permission', 'write "permission" or "route"')
}

/** As the router finds it: the query says nothing of who may. */
const findRoute = (table: RouteTable, route: string): AskedRoute | 'no route' => {
  const [method = '', address = ''] = route.split(' ')
  const found = table.find(method, address.split('?', 1)[0] ?? '')
  if (found === undefined) return 'no route'
  const { route: declared, thingId } = found
  return { name: `${declared.method} ${declared.url}`, rule: declared.rule, thingId }
}

const body = strictObject(
  {
    user: username,
    token: text(1, 9_000),
    address: text(2, 45),
    permission: text(1, 64),
    route: { type: 'string', maxLength: 2_100, pattern: routePattern },
  },
  ['user', 'token', 'address', 'permission', 'route'],
)
type Body = {
  readonly user?: string
  readonly token?: string
  readonly address?: string
  readonly permission?: string
  readonly route?: string
}

/**
 * Whether somebody may do something, and why. POST, because a credential may stand in the body. Whoever
 * administers users may see what any user may; it changes nothing, so no way up leads through it.
 */
export const explainRoutes = (app: FastifyInstance): void => {
  typed(app).post(
    '/admin/explain',
    {
      config: {
        gate: {
          access: allOf(permission('users:write'), recentSignIn()),
          limit: 'write',
          audit: ['access.explained'],
        },
        reference: {
          tag: 'Administration',
          summary: 'Whether a user, or the holder of a credential, may do something, and why',
          refusals: ['not_found'],
          example: { body: { user: 'bob', permission: 'users:write' }, answer: madeUpExplanation },
        },
      },
      schema: { body, response: { 200: explanationSchema } },
    },
    async request => {
      const { user, token, address, permission: name, route } = request.body
      checkBody(request.body)
      const asked = route === undefined ? undefined : findRoute(app.routeTable, route)
      const question: Question = { user, token, address, permission: name, route: asked }
      return toExplanationView(await explain(app.gate, question, originOf(request)))
    },
  )
}
