import type { FastifyInstance, RouteOptions } from 'fastify'
import createRouter from 'find-my-way'
import type { GateRule } from '../gate/passage.ts'
import type { Limiter } from '../limits/limiter.ts'
import { counts, nameOf } from '../limits/own-limit.ts'
import {
  type AccessRule,
  type PrincipalKind,
  permissionsIn,
  rolesIn,
  thingsIn,
} from '../permissions/access-rule.ts'
import { isPublic } from '../permissions/decide-access.ts'
import { pinRule } from './pinned-rule.ts'
import type { RouteReference } from './reference/route-reference.ts'

/** One route as it stands in the table. */
export type DeclaredRoute = {
  readonly method: string
  readonly url: string
  readonly rule: GateRule
  readonly schema: RouteOptions['schema']
  readonly reference: RouteReference | undefined
  /** It answers If-None-Match. */
  readonly conditional: boolean
  /** It answers with a page or a part of one, and nothing else. */
  readonly page: boolean
}

const methodsOf = ({ method }: RouteOptions): readonly string[] => (Array.isArray(method) ? method : [method])

const refuseStart = (what: string): never => {
  throw new Error(
    `${what}. Declare it: config: { gate: { access: signedIn(), limit: 'read', audit: 'none' } }, or access: everyone() for a public route`,
  )
}

/** A limit by nothing that is known of a caller would be none. */
const checkCounted = (name: string, { access, limit, principals, readsOwnCredential }: GateRule): void => {
  if (isPublic(access) && !counts(limit, 'stranger'))
    throw new Error(
      `the route ${name} is public, and its limit ${nameOf(limit)} counts nobody without a credential: name another, or give it a row by 'address' or 'anonymous'`,
    )
  const isFor = (kind: PrincipalKind): boolean => (principals ?? ['user']).includes(kind)
  if ((isFor('user') || isFor('client')) && !readsOwnCredential && !counts(limit, 'user'))
    throw new Error(
      `the limit ${nameOf(limit)} of the route ${name} counts nobody who is signed in: give it a row by 'user', 'session' or 'address'`,
    )
  if (isFor('api-key') && !counts(limit, 'key'))
    throw new Error(
      `the limit ${nameOf(limit)} of the route ${name} counts no API key, which the route is for: give it a row by 'api-key', 'key-owner' or 'address'`,
    )
}

/** What declarations may speak of. */
type Vocabulary = {
  readonly limiter: Pick<Limiter, 'declare'>
  readonly things: ReadonlyMap<string, unknown>
  readonly permissions: ReadonlyMap<string, unknown>
  readonly roles: ReadonlyMap<string, unknown>
  /** Of these roles, those that administrators made at run time. */
  readonly made: ReadonlySet<string>
  /** Is told of each role that a route asks for. */
  readonly noteNamed: (role: string) => void
}

const kinds: readonly string[] = ['user', 'api-key', 'client'] satisfies readonly PrincipalKind[]

const checkKinds = (name: string, { principals }: GateRule): void => {
  const example = "write principals: ['user', 'api-key'], or leave it out for users alone"
  const unknown = principals?.find(kind => !kinds.includes(kind))
  if (unknown !== undefined)
    throw new Error(
      `the route ${name} names the kind of principal ${unknown}, and there are ${kinds.join(', ')}: ${example}`,
    )
  if (principals?.length === 0) throw new Error(`the route ${name} is for no kind of principal: ${example}`)
}

/** A name that nobody declared would let nobody in, without a word. */
const checkNames = (name: string, rule: AccessRule, vocabulary: Vocabulary): void => {
  const { things, permissions, made } = vocabulary
  // What a start hangs on stands in code: an administrator may delete the others.
  const roles = [...vocabulary.roles.keys()].filter(each => !made.has(each))
  const [thing, other] = thingsIn(rule)
  // What one is found by would be found as the other: its owner would be let in to somebody else's.
  if (other !== undefined)
    throw new Error(
      `the access rule of ${name} speaks of a ${thing} and a ${other}, and its path names one thing: write a route for each`,
    )
  if (thing !== undefined && !things.has(thing))
    throw new Error(`the access rule of ${name} speaks of a ${thing}: give its finder in the option "things"`)
  const permission = permissionsIn(rule).find(each => !permissions.has(each))
  if (permission !== undefined)
    throw new Error(
      `the access rule of ${name} names the permission ${permission}, which nobody declared: declare it in the option "permissions"`,
    )
  const role = rolesIn(rule).find(each => !roles.includes(each))
  if (role === undefined) return
  if (made.has(role))
    throw new Error(
      `the access rule of ${name} names the role ${role}, which an administrator made at run time and may delete: ask for a permission, which that role can give`,
    )
  throw new Error(
    `the access rule of ${name} names the role ${role}, which nobody declared: declare it in the option "roles", or write one of ${roles.join(', ')}`,
  )
}

const declare = (route: RouteOptions, vocabulary: Vocabulary): readonly DeclaredRoute[] => {
  const name = `${methodsOf(route).join(', ')} ${route.url}`
  const rule = route.config?.gate
  if (rule?.access === undefined) return refuseStart(`the route ${name} has no access rule`)
  if (rule.limit === undefined) return refuseStart(`the route ${name} has no limit`)
  if (rule.audit === undefined)
    return refuseStart(`the route ${name} does not say which audit events it writes`)
  vocabulary.limiter.declare(rule.limit)
  checkKinds(name, rule)
  checkCounted(name, rule)
  checkNames(name, rule.access, vocabulary)
  if (rule.furtherAccess !== undefined) checkNames(name, rule.furtherAccess, vocabulary)
  for (const access of [rule.access, rule.furtherAccess ?? rule.access])
    for (const role of rolesIn(access)) vocabulary.noteNamed(role)
  const { url, schema, config: { reference, conditional, page } = {} } = route
  return methodsOf(route).map(method => ({
    method,
    url,
    rule,
    schema,
    reference,
    conditional: conditional !== undefined,
    page: page === true,
  }))
}

/** How many routes the router itself has, counted from its own print-out: it offers no list. */
const countRoutes = (app: FastifyInstance): number =>
  [...app.printRoutes({ commonPrefix: false }).matchAll(/\(([A-Z, -]+)\)/g)].reduce(
    (sum, [, methods = '']) => sum + methods.split(',').length,
    0,
  )

export type FoundRoute = { readonly route: DeclaredRoute; readonly thingId: string | undefined }

export type RouteTable = {
  readonly routes: readonly DeclaredRoute[]
  /** The route that a request would come to, and what its path names. */
  readonly find: (method: string, path: string) => FoundRoute | undefined
  /** The methods that a path takes, for 405. */
  readonly methodsAt: (path: string) => readonly string[]
}

/**
 * Collects the routes as they are added. One without a declaration stops the start with its name;
 * once all are there, the router must hold as many as the table, so that none came in another way.
 */
export const collectRoutes = (app: FastifyInstance, vocabulary: Vocabulary): RouteTable => {
  if (countRoutes(app) > 0)
    throw new Error(
      `register gatewright before any route; there are already:\n${app.printRoutes({ commonPrefix: false })}`,
    )
  const routes: DeclaredRoute[] = []
  const router = createRouter()
  const methods = new Set<string>()
  const seen = new Set<string>()

  app.addHook('onRoute', route => {
    if (route.config?.gate !== undefined) pinRule(route.config)
    for (const declared of declare(route, vocabulary)) {
      // Fastify adds HEAD to each GET, and passes by here again for it.
      const key = `${declared.method} ${declared.url}`
      if (seen.has(key)) continue
      seen.add(key)
      routes.push(declared)
      methods.add(declared.method)
      router.on(declared.method as 'GET', declared.url, () => {}, declared)
    }
  })
  app.addHook('onReady', async () => {
    const count = countRoutes(app)
    if (count !== routes.length)
      throw new Error(
        `the router has ${count} routes and the gate knows ${routes.length}: a route was added past the gate\n${app.printRoutes({ commonPrefix: false })}`,
      )
  })
  return {
    routes,
    find: (method, path) => {
      const found = router.find(method as 'GET', path)
      return found === null ? undefined : { route: found.store, thingId: found.params.id }
    },
    methodsAt: path => [...methods].filter(method => router.find(method as 'GET', path) !== null).sort(),
  }
}
