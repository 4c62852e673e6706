import type { UserData } from '../administration/export-user.ts'
import type { EventTable } from '../audit/events.ts'
import type { Engine } from '../compose.ts'
import type { GateDependencies } from '../gate/gate.ts'
import type { GateRule, Passage } from '../gate/passage.ts'
import type { Principal } from '../gate/principal.ts'
import type { Refusal } from '../ground/refusal.ts'
import type { TraceContext } from '../ground/trace-context.ts'
import type { UserFields } from '../users/declared-fields.ts'
import type { RouteReference } from './reference/route-reference.ts'
import type { RouteTable } from './route-table.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What the route declares to the gate. A route without it stops the start. */
    gate?: GateRule
    /**
     * A GET that is answered with an ETag and takes If-None-Match. `public`: without a credential, caches
     * may keep the answer for a moment (see `conditional.ts`).
     */
    conditional?: 'public' | 'private'
    /** The route answers with a page or a part of one; `'or JSON'`: it is an operation too, for who takes no page. */
    page?: true | 'or JSON'
    /** The answer waits for something to happen: that it is late says nothing. */
    waits?: true
    /** What the API reference says of the route. */
    reference?: RouteReference
  }
  interface FastifyInstance {
    /** Everything that Gatewright's operations ask for. */
    gatewright: Engine
    /** What the gate's steps ask for. */
    gate: GateDependencies
    /** The routes as data. */
    routeTable: RouteTable
    /** What the application keeps of a user, for the user's own copy. */
    userData: UserData
    /** Every audit event, those of the application among them. */
    auditEvents: EventTable
    /** The fields that the application declared on users. */
    userFields: UserFields
  }
  interface FastifyRequest {
    /** What the gate found out; undefined where the router knows no such route. */
    passage: Passage | undefined
    /** Whoever the request acts as; undefined for a caller without a credential. */
    principal: Principal | undefined
    /** The trace of others that the request belongs to (W3C Trace Context): never trusted. */
    readonly trace: TraceContext | undefined
  }
  interface FastifyReply {
    /** Why the request was refused. */
    refusal: Refusal | undefined
  }
}
