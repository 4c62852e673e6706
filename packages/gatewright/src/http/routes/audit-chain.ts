import type { FastifyInstance } from 'fastify'
import type { Engine } from '../../compose.ts'
import { toTimestamp, toTimestampOrNull } from '../../ground/clock.ts'
import { permission } from '../../permissions/access-rule.ts'
import { readChain } from '../../sealing/read-chain.ts'
import { anyText, integer, list, madeUpId, named, strictObject, textOrNull, timestamp } from '../schemas.ts'
import { typed } from '../typed-app.ts'

const chainSchema = named(
  'AuditChain',
  strictObject({
    beginning: integer,
    sealed_to: integer,
    unsealed: integer,
    oldest_unsealed_at: textOrNull,
    unsealed_seconds: integer,
    anchor: { enum: ['none', 'file', 'https', 'mailto'] },
    checkpoints: list(
      strictObject({
        position: integer,
        hash: anyText,
        at: timestamp,
        kind: anyText,
        key_id: anyText,
        anchored_at: textOrNull,
        problem: textOrNull,
      }),
    ),
    keys: list(
      strictObject({ id: anyText, public_key: anyText, created_at: timestamp, retired_at: textOrNull }),
    ),
  }),
)

const example = {
  beginning: 1,
  sealed_to: 48_210,
  unsealed: 0,
  oldest_unsealed_at: null,
  unsealed_seconds: 0,
  anchor: 'none',
  checkpoints: [
    {
      position: 48_210,
      hash: madeUpId,
      at: '2026-11-22T12:00:00.000Z',
      kind: 'checkpoint',
      key_id: madeUpId,
      anchored_at: null,
      problem: null,
    },
  ],
  keys: [
    {
      id: madeUpId,
      public_key: madeUpId,
      created_at: '2026-11-21T12:00:00.000Z',
      retired_at: null,
    },
  ],
} as const

type Chain = Awaited<ReturnType<typeof readChain>>

const toView = ({ beginning, sealedTo, unsealed, unsealedFor, anchor, checkpoints, keys }: Chain) => ({
  beginning,
  sealed_to: sealedTo,
  unsealed: unsealed.count,
  oldest_unsealed_at: toTimestampOrNull(unsealed.oldestAt ?? null),
  unsealed_seconds: Math.floor(unsealedFor / 1_000),
  anchor,
  checkpoints: checkpoints.map(({ at, delivered_at, ...row }) => ({
    ...row,
    at: toTimestamp(at),
    anchored_at: toTimestampOrNull(delivered_at),
  })),
  keys: keys.map(({ created_at, retired_at, ...key }) => ({
    ...key,
    created_at: toTimestamp(created_at),
    retired_at: toTimestampOrNull(retired_at),
  })),
})

/** How far the audit log is sealed, and what was signed of it. */
export const auditChainRoutes = (app: FastifyInstance, engine: Engine): void => {
  typed(app).get(
    '/admin/audit/chain',
    {
      config: {
        gate: { access: permission('audit:read'), limit: 'read', audit: 'none' },
        reference: {
          tag: 'Administration',
          summary:
            'How far the audit log is sealed, where it begins, the newest 20 checkpoints and whether they have left the machine, and the keys that sign them; of unsealed events 500 are counted at most',
          example: { answer: example },
        },
      },
      schema: { response: { 200: chainSchema } },
    },
    async () => toView(await readChain(engine)),
  )
}
