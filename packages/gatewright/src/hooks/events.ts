import type { TraceContext } from '../ground/trace-context.ts'
import type { Database } from '../storage/tables.ts'

/** What each hook tells beside the user that it is about. */
type Details = {
  /** A user registered, was created, or was set up as the first administrator. */
  readonly registered: { readonly roles: readonly string[] }
  /** A session began; `amr` names the proofs shown (RFC 8176). */
  readonly 'signed-in': { readonly sessionId: string; readonly amr: readonly string[] }
  /** A session is over; `reason` is the one of the audit event `session.ended`. A new id is no end. */
  readonly 'session-ended': { readonly sessionId: string; readonly reason: string }
  /** The roles of a user were replaced. */
  readonly 'role-changed': { readonly before: readonly string[]; readonly after: readonly string[] }
  /** A user was deleted: the id is never given again, and nothing else of the user is left here. */
  readonly 'user-deleted': Readonly<Record<never, never>>
}

export type HookName = keyof Details
export type HookDetails<Name extends HookName> = Details[Name]

/** One event as a handler gets it, frozen. */
export type HookEvent<Name extends HookName> = {
  /** The same at every delivery: whoever must do something exactly once remembers it. */
  readonly id: string
  readonly name: Name
  /** When it happened, in milliseconds since 1970. */
  readonly at: number
  readonly userId: string
  /** The trace that the request belonged to which was the cause: to be sent on, never to be trusted. */
  readonly trace?: TraceContext
} & Details[Name]

export type HookHandler<Name extends HookName> = (
  event: HookEvent<Name>,
  context: { readonly db: Database },
) => Promise<void>

/**
 * What an application does when something happened to a user: after the commit, in the background, at
 * least once, in order for each user. See docs/hooks.md.
 *
 *     hooks: { 'user-deleted': async ({ userId }, { db }) => deleteNotesOf(db, userId) }
 */
export type Hooks = { readonly [Name in HookName]?: HookHandler<Name> }

/** What waits of an event in the queue, whatever its name. */
export type AnyHookEvent = { readonly [Name in HookName]: HookEvent<Name> }[HookName]
