import type { Explanation } from '../gate/explain.ts'
import { toTimestamp, toTimestampOrNull } from '../ground/clock.ts'
import {
  anyText,
  flag,
  integer,
  list,
  madeUpId,
  named,
  strictObject,
  textOrNull,
  timestamp,
} from './schemas.ts'

const orNull = <const Schema extends { readonly type: 'object' }>(schema: Schema) =>
  ({ ...schema, type: ['object', 'null'] }) as const

const timeOrNull = { type: ['string', 'null'], format: 'date-time' } as const

export const explanationSchema = named(
  'Explanation',
  strictObject({
    allowed: flag,
    code: textOrNull,
    reason: textOrNull,
    asked: anyText,
    rule: textOrNull,
    parts: list(
      strictObject({ depth: integer, text: anyText, held: flag, code: textOrNull, why: textOrNull }),
    ),
    further: orNull(strictObject({ rule: anyText, allowed: flag, code: textOrNull })),
    principal: orNull(
      strictObject({
        kind: anyText,
        user_id: anyText,
        username: textOrNull,
        roles: list(anyText),
        permissions: list(anyText),
        withheld: list(anyText),
        signed_in_at: timestamp,
        amr: list(anyText),
      }),
    ),
    credential: orNull(
      strictObject({
        kind: anyText,
        valid: flag,
        code: textOrNull,
        reason: textOrNull,
        user_id: textOrNull,
        session_id: textOrNull,
        key_id: textOrNull,
        ended_at: timeOrNull,
        end_reason: textOrNull,
        end_story: textOrNull,
      }),
    ),
  }),
)

/** An explanation for examples. */
export const madeUpExplanation = {
  allowed: false,
  code: 'insufficient_permission',
  reason: null,
  asked: 'permission users:write',
  rule: 'by users, API keys and OAuth clients: permission users:write',
  parts: [
    {
      depth: 0,
      text: 'for users, API keys and OAuth clients',
      held: true,
      code: null,
      why: 'the caller is of the kind user',
    },
    {
      depth: 0,
      text: 'permission users:write',
      held: false,
      code: 'insufficient_permission',
      why: 'held: user, which does not give it; of the roles, admin would',
    },
  ],
  further: null,
  principal: {
    kind: 'user',
    user_id: madeUpId,
    username: 'bob',
    roles: ['user'],
    permissions: ['users:read'],
    withheld: [],
    signed_in_at: '2026-11-22T12:00:00.000Z',
    amr: ['pwd'],
  },
  credential: null,
}

const toPrincipal = (principal: NonNullable<Explanation['principal']>) => ({
  kind: principal.kind,
  user_id: principal.userId,
  username: principal.username,
  roles: [...principal.roles],
  permissions: [...principal.permissions].sort(),
  withheld: [...principal.withheld].sort(),
  signed_in_at: toTimestamp(principal.authTime),
  amr: [...principal.amr],
})

const toCredential = ({ kind, fault, owner }: NonNullable<Explanation['credential']>) => ({
  kind,
  valid: fault === undefined,
  code: fault?.code ?? null,
  reason: fault?.reason ?? null,
  user_id: owner?.userId ?? null,
  session_id: owner?.sessionId ?? null,
  key_id: owner?.keyId ?? null,
  ended_at: toTimestampOrNull(owner?.endedAt ?? null),
  end_reason: owner?.endReason ?? null,
  end_story: owner?.endStory ?? null,
})

/** An explanation as answers and the command line's JSON show it. What was pasted is not in it. */
export const toExplanationView = ({ principal, credential, parts, ...explanation }: Explanation) => ({
  ...explanation,
  parts: [...parts],
  principal: principal === undefined ? null : toPrincipal(principal),
  credential: credential === undefined ? null : toCredential(credential),
})
