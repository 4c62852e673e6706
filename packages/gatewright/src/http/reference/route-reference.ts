import type { RefusalCode } from '../../ground/refusal.ts'
import type { HeaderName } from './headers.ts'

/**
 * What the API reference says of a route beside its access rule and its schemas.
 *
 *     reference: {
 *       tag: 'Todos',
 *       summary: 'Write a todo',
 *       headers: ['Location'],
 *       example: { body: { title: 'Milk' }, answer: { id: madeUpId, title: 'Milk', … } },
 *     }
 */
export type RouteReference = {
  /** The chapter in which it stands. */
  readonly tag: string
  /** What it does, in a few words. */
  readonly summary: string
  /** Refusals of its own, beside those that its rule, its limit and its schemas bring. */
  readonly refusals?: readonly RefusalCode[]
  /** Headers of its own in the successful answer. */
  readonly headers?: readonly HeaderName[]
  /** A request that succeeds, and the answer to it. A test replays it. */
  readonly example: Example
}

/** What is left out is not there. Ids, times and tokens are made up; everything else is what is answered. */
export type Example = {
  readonly query?: Readonly<Record<string, string | number | boolean>>
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
  readonly answer?: unknown
  /** The answer to a session cookie, where it is another one than to an access token. */
  readonly answerToCookie?: unknown
}
